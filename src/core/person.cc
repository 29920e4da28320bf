#include "core/person.h"

#include <algorithm>

#include "base/embedded.h"
#include "base/text.h"

LK_EMBEDDED(common_passwords);

namespace latchkey::core {
namespace {

constexpr size_t kEmailMaxBytes = 254;
constexpr size_t kLocalPartMaxBytes = 64;
constexpr size_t kDisplayNameMax = 128;
constexpr size_t kPasswordMin = 12;
constexpr size_t kPasswordMaxBytes = 1024;
constexpr size_t kShortUnit = 4;  // a password that only repeats this much is no password
constexpr size_t kLineMin = 3;    // of the list
constexpr size_t kLineMax = 40;

bool is_blank_or_separator(char c) {
  return std::string_view(" \"(),:;<>[\\]").find(c) != std::string_view::npos;
}

// Whether `text` is words with single dots between them.
bool is_dotted(std::string_view text) {
  const auto parts = split(text, '.');
  return std::none_of(parts.begin(), parts.end(),
                      [](std::string_view part) { return part.empty(); });
}

// A copy of a secret that is wiped when it ends.
struct Copy {
  explicit Copy(std::string_view secret) : text(secret) {}
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { wipe(text.data(), text.size()); }
  std::string text;
};

// Whether `word` is a line of the list. REQUIRES: lower case.
bool is_listed(std::string_view word) {
  if (word.size() < kLineMin || word.size() > kLineMax) return false;
  Copy line("\n");
  line.text.reserve(kLineMax + 2);
  line.text += word;
  line.text += '\n';
  return embedded::common_passwords().find(line.text) != std::string_view::npos;
}

// The letter that `c` is commonly written for; `c` itself otherwise.
char replaced_letter(char c) {
  constexpr std::string_view kWritten = "@4301!$57";
  constexpr std::string_view kMeant = "aaeoiisst";
  const size_t found = kWritten.find(c);
  return found == std::string_view::npos ? c : kMeant[found];
}

bool is_letter(char c) {  // bytes of other scripts count as letters
  return is_ascii_letter(c) || static_cast<uint8_t>(c) >= 0x80;
}

size_t first_letter(std::string_view text) {
  return static_cast<size_t>(std::find_if(text.begin(), text.end(), is_letter) - text.begin());
}

size_t end_of_letters(std::string_view text) {
  return text.size() -
         static_cast<size_t>(std::find_if(text.rbegin(), text.rend(), is_letter) - text.rbegin());
}

// `text` without what is no letter at both ends.
std::string_view strip(std::string_view text) {
  const size_t begin = first_letter(text);
  return begin == text.size() ? std::string_view()
                              : text.substr(begin, end_of_letters(text) - begin);
}

// The shortest text that `text` is a repetition of; `text` itself if it repeats nothing.
std::string_view repeated_unit(std::string_view text) {
  for (size_t size = 1; size <= text.size() / 2; ++size) {
    if (text.size() % size == 0 && text.substr(size) == text.substr(0, text.size() - size)) {
      return text.substr(0, size);
    }
  }
  return text;
}

// Whether each character is the one after (or before) the character in front of it.
bool is_run(std::string_view text) {
  const auto step = [&](size_t i) { return text[i] - text[i - 1]; };
  for (size_t i = 1; i < text.size(); ++i) {
    if (step(i) != step(1) || (step(i) != 1 && step(i) != -1)) return false;
  }
  return true;
}

// Whether `word`, as it is or with the usual replacements undone, is of the list or is `login`.
bool is_known(std::string_view word, std::string_view login) {
  if (word.empty()) return false;
  Copy folded(word);
  for (char& c : folded.text) c = replaced_letter(c);
  return word == login || folded.text == login || is_listed(word) || is_listed(folded.text);
}

// Whether `lower` is known with all, some or none of what is no letter at its ends: "p@ssw0rd1234"
// is "p@ssw0rd", "$unshine$2026" is "$unshine".
bool is_guessed_first(std::string_view lower, std::string_view login) {
  const size_t first = first_letter(lower);
  for (const size_t begin : {size_t{0}, first == lower.size() ? 0 : first}) {
    for (size_t end = std::max(end_of_letters(lower), begin); end <= lower.size(); ++end) {
      if (is_known(lower.substr(begin, end - begin), login)) return true;
    }
  }
  return false;
}

bool is_common(std::string_view password, std::string_view email) {
  Copy lower(password);
  for (char& c : lower.text) c = ascii_lower(c);
  const std::string login = email_key(email);
  const std::string_view local_part = std::string_view(login).substr(0, login.find('@'));
  const std::string_view unit = repeated_unit(lower.text);
  if (unit.size() <= kShortUnit || is_run(lower.text)) return true;
  // "passwordpassword12" repeats inside the digits.
  for (const std::string_view text :
       {std::string_view(lower.text), unit, repeated_unit(strip(lower.text))}) {
    if (is_guessed_first(text, login) || is_guessed_first(text, local_part)) return true;
  }
  return false;
}

}  // namespace

std::string email_key(std::string_view email) { return ascii_lower(email); }

Result<void> check_email(std::string_view email) {
  if (email.empty()) return invalid_field("email", "must not be empty");
  if (email.size() > kEmailMaxBytes)
    return invalid_field("email", "must be at most 254 bytes long");
  if (!is_utf8(email)) return invalid_field("email", "must be UTF-8");
  if (has_control_character(email) ||
      std::any_of(email.begin(), email.end(), is_blank_or_separator)) {
    return invalid_field("email",
                         "must not have spaces, control characters or any of \"(),:;<>[\\]");
  }
  const size_t at = email.find('@');
  if (at == std::string_view::npos || email.find('@', at + 1) != std::string_view::npos) {
    return invalid_field("email", "must have exactly one @");
  }
  if (at > kLocalPartMaxBytes) {
    return invalid_field("email", "must have at most 64 bytes before the @");
  }
  if (!is_dotted(email.substr(0, at)) || !is_dotted(email.substr(at + 1))) {
    return invalid_field("email", "must have words with single dots between them around the @");
  }
  return {};
}

Result<void> check_display_name(std::string_view display_name) {
  constexpr std::string_view kField = "displayName";
  if (!is_utf8(display_name)) return invalid_field(kField, "must be UTF-8");
  if (trim(display_name).empty()) return invalid_field(kField, "must not be empty");
  if (trim(display_name) != display_name) {
    return invalid_field(kField, "must not begin or end with a space");
  }
  if (count_code_points(display_name) > kDisplayNameMax) {
    return invalid_field(kField, "must be at most 128 characters long");
  }
  if (has_control_character(display_name)) {
    return invalid_field(kField, "must not have control characters or line breaks");
  }
  return {};
}

Result<void> check_password(const SecretText& password, std::string_view email) {
  constexpr std::string_view kField = "password";
  const std::string_view text = password.reveal(RevealSecret{});
  if (text.size() > kPasswordMaxBytes)
    return invalid_field(kField, "must be at most 1,024 bytes long");
  if (!is_utf8(text)) return invalid_field(kField, "must be UTF-8");
  if (count_code_points(text) < kPasswordMin) {
    return invalid_field(kField, "must be at least 12 characters long");
  }
  if (is_common(text, email)) {
    return invalid_field(kField,
                         "must not be a common password or made of your login; "
                         "several words that do not belong together are good");
  }
  return {};
}

}  // namespace latchkey::core
