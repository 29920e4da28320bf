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

bool is_blank_or_separator(char c) {
  return std::string_view(" \"(),:;<>[\\]").find(c) != std::string_view::npos;
}

// Whether `text` is words with single dots between them.
bool is_dotted(std::string_view text) {
  const auto parts = split(text, '.');
  return std::none_of(parts.begin(), parts.end(), [](std::string_view part) { return part.empty(); });
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
  if (word.size() < 3) return false;
  Copy line("\n");
  line.text.reserve(word.size() + 2);
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

// `text` without what is no letter at both ends. Bytes of other scripts count as letters.
std::string_view strip(std::string_view text) {
  const auto is_letter = [](char c) { return is_ascii_letter(c) || static_cast<uint8_t>(c) >= 0x80; };
  const auto begin = std::find_if(text.begin(), text.end(), is_letter);
  const auto end = std::find_if(text.rbegin(), text.rend(), is_letter).base();
  return begin < end ? std::string_view(begin, end) : std::string_view();
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

// Whether `lower`, as it is or with the usual replacements undone, is of the list or is `login`.
// The stripped text comes first: "p@ssw0rd1234" is "p@ssw0rd" and then "password".
bool is_guessed_first(std::string_view lower, std::string_view login) {
  const auto is_known = [&](std::string_view word) {
    return is_listed(word) || (!word.empty() && word == login);
  };
  if (is_known(lower)) return true;
  for (const std::string_view word : {lower, strip(lower)}) {
    Copy folded(word);
    for (char& c : folded.text) c = replaced_letter(c);
    if (is_known(word) || is_known(folded.text) || is_known(strip(folded.text))) return true;
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
  for (const std::string_view text : {std::string_view(lower.text), unit}) {
    if (is_guessed_first(text, login) || is_guessed_first(text, local_part)) return true;
    // "passwordpassword12": the repetition is inside the digits.
    if (is_guessed_first(repeated_unit(strip(text)), local_part)) return true;
  }
  return false;
}

}  // namespace

std::string email_key(std::string_view email) { return ascii_lower(email); }

Result<void> check_email(std::string_view email) {
  if (email.empty()) return invalid_field("email", "must not be empty");
  if (email.size() > kEmailMaxBytes) return invalid_field("email", "must be at most 254 bytes long");
  if (!is_utf8(email)) return invalid_field("email", "must be UTF-8");
  if (has_control_character(email) || std::any_of(email.begin(), email.end(), is_blank_or_separator)) {
    return invalid_field("email", "must not have spaces, control characters or any of \"(),:;<>[\\]");
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
  if (text.size() > kPasswordMaxBytes) return invalid_field(kField, "must be at most 1,024 bytes long");
  if (!is_utf8(text)) return invalid_field(kField, "must be UTF-8");
  if (count_code_points(text) < kPasswordMin) {
    return invalid_field(kField, "must be at least 12 characters long");
  }
  if (is_common(text, email)) {
    return invalid_field(kField, "must not be a common password or made of your login; "
                                 "several words that do not belong together are good");
  }
  return {};
}

}  // namespace latchkey::core
