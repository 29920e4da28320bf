#include "core/token_text.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <optional>
#include <string>

#include "base/assert.h"
#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::core {
namespace {

// The layout: docs/spec/token-format.md, rules T2 to T10.
constexpr size_t kRandomLength = 52;
constexpr std::string_view kFamily = "JQQJ99";  // the common annotated form, kind "key"
constexpr size_t kYearOffset = 58;
constexpr size_t kMonthOffset = 59;
constexpr size_t kKeyIdOffset = 60;
constexpr std::string_view kFiller = "AAAAAAAAAA";
constexpr std::string_view kProviderPart = "PAT1";
constexpr size_t kSignatureOffset = 76;
constexpr size_t kChecksumOffset = 80;
constexpr int kFirstYear = 2024;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
// The checksum's alphabet has another order (contract, section 6.2, step 4).
constexpr std::string_view kChecksumAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

constexpr std::array<int8_t, 256> make_alphabet_values() {
  std::array<int8_t, 256> values{};
  for (int8_t& value : values) value = -1;
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kAlphabetValues = make_alphabet_values();

// The value of `c` in kAlphabet; -1 for another character. Base64's first 62 values are the same.
// A table, because comparisons on random characters cannot be predicted: they cost more than the
// check's hash (docs/performance.md).
int alphabet_value(char c) { return kAlphabetValues[static_cast<uint8_t>(c)]; }

bool is_base62(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return alphabet_value(c) >= 0; });
}

// Marvin32 over whole 32-bit words, as .NET has it: the published hash of the common annotated
// form. It detects mistakes and is no protection against anybody.
class Marvin {
 public:
  explicit Marvin(uint64_t seed)
      : low_(static_cast<uint32_t>(seed)), high_(static_cast<uint32_t>(seed >> 32)) {}
  void add(uint32_t word) {
    low_ += word;
    mix();
  }
  // The hash, its halves folded into one. REQUIRES: asked once, after all words.
  uint32_t finish() {
    add(0x80);
    mix();
    return high_ ^ low_;
  }

 private:
  void mix() {
    high_ ^= low_;
    low_ = std::rotl(low_, 20) + high_;
    high_ = std::rotl(high_, 9) ^ low_;
    low_ = std::rotl(low_, 27) + high_;
    high_ = std::rotl(high_, 19);
  }
  uint32_t low_;
  uint32_t high_;
};

constexpr uint64_t kChecksumSeed = 0x44656661756c7430;  // "Default0"

}  // namespace

namespace {

// What four characters stand for: 24 bits of base64, the first byte lowest. One table for each
// place, so that a group is four lookups and no shift.
constexpr uint32_t kNoCharacter = 1u << 31;
constexpr std::array<std::array<uint32_t, 256>, 4> make_group_values() {
  std::array<std::array<uint32_t, 256>, 4> tables{};
  for (size_t place = 0; place < 4; ++place) {
    for (size_t c = 0; c < 256; ++c) {
      if (kAlphabetValues[c] < 0) {
        tables[place][c] = kNoCharacter;
        continue;
      }
      const uint32_t bits = static_cast<uint32_t>(kAlphabetValues[c]) << (18 - 6 * place);
      tables[place][c] = bits >> 16 | (bits & 0xff00) | (bits & 0xff) << 16;
    }
  }
  return tables;
}
constexpr auto kGroupValues = make_group_values();

// The hash of the 80 characters `head`; nothing if one of them is not base62.
std::optional<uint32_t> hash_head(std::string_view head) {
  Marvin marvin(kChecksumSeed);
  uint32_t seen = 0;
  const auto* c = reinterpret_cast<const uint8_t*>(head.data());
  // Sixteen characters are twelve bytes of base64 and so three words; five times sixteen are all.
  for (size_t begin = 0; begin < kChecksumOffset; begin += 16) {
    uint32_t groups[4];
    for (uint32_t& group : groups) {
      group = kGroupValues[0][c[0]] | kGroupValues[1][c[1]] | kGroupValues[2][c[2]] |
              kGroupValues[3][c[3]];
      seen |= group;
      c += 4;
    }
    marvin.add(groups[0] | groups[1] << 24);
    marvin.add(groups[1] >> 8 | groups[2] << 16);
    marvin.add(groups[2] >> 16 | groups[3] << 8);
  }
  if ((seen & kNoCharacter) != 0) return std::nullopt;
  return marvin.finish();
}

// The checksum's four characters for a hash.
std::array<char, 4> format_checksum(uint32_t hash) {
  // The hash's bytes, least significant first, read as one big-endian number.
  uint32_t number = hash << 24 | (hash & 0xff00) << 8 | (hash >> 8 & 0xff00) | hash >> 24;
  std::array<char, 10> digits{};
  size_t count = 0;
  size_t leading_zero_bytes = 0;
  while (leading_zero_bytes < 4 && (hash >> (8 * leading_zero_bytes) & 0xff) == 0) {
    ++leading_zero_bytes;
  }
  for (; number != 0; number /= 62) digits[count++] = kChecksumAlphabet[number % 62];
  for (size_t i = 0; i < leading_zero_bytes; ++i) digits[count++] = '0';
  std::array<char, 4> checksum{'0', '0', '0', '0'};
  std::copy_n(std::make_reverse_iterator(digits.begin() + static_cast<std::ptrdiff_t>(count)),
              std::min(count, checksum.size()), checksum.begin());
  return checksum;
}

}  // namespace

std::array<char, 4> token_checksum(std::string_view head) {
  LK_ASSERT(head.size() == kChecksumOffset);
  const auto hash = hash_head(head);
  LK_ASSERT(hash);
  return format_checksum(*hash);
}

Result<ProviderSignature> ProviderSignature::parse(std::string_view text) {
  if (text.size() != 4 || !is_base62(text) || !is_ascii_letter(text[0])) {
    return Error(
        ErrorCode::configuration,
        "The provider signature must be four characters A-Z, a-z or 0-9, the first of them "
        "a letter.");
  }
  // Signatures of the same form that Microsoft's services issue; scanners would report to them.
  for (const std::string_view taken :
       {"AZDO", "AZFU", "AZSE", "AZCA", "AZEG", "ACDB", "APIM", "AIOT", "AWPS"}) {
    if (ascii_equal_ignoring_case(text, taken)) {
      return Error(ErrorCode::configuration, "The provider signature belongs to another provider.");
    }
  }
  ProviderSignature signature;
  std::copy(text.begin(), text.end(), signature.text_.begin());
  return signature;
}

ProviderSignature ProviderSignature::standard() {
  ProviderSignature signature;
  signature.text_ = {'L', 'K', 'E', 'Y'};
  return signature;
}

Result<DigestKeyId> parse_digest_key_id(std::string_view text) {
  if (text.size() != 2 || !is_base62(text)) {
    return Error(ErrorCode::configuration,
                 "A digest key's id must be two characters A-Z, a-z or 0-9.");
  }
  return DigestKeyId{{text[0], text[1]}};
}

namespace {

// Writes unbiased random characters over all of `out`: a byte below 248 = 4 x 62 gives its
// remainder by 62, any other byte is dropped.
Result<void> fill_random(std::span<char> out, Entropy& entropy) {
  std::array<uint8_t, 64> block{};
  Result<void> filled;
  for (size_t written = 0; written < out.size();) {
    filled = entropy.fill(block);
    if (!filled) break;
    for (const uint8_t byte : block) {
      if (byte < 248 && written < out.size()) out[written++] = kAlphabet[byte % 62];
    }
  }
  wipe(block.data(), block.size());
  return filled;
}

}  // namespace

Result<SecretText> generate_token(const ProviderSignature& provider, DigestKeyId key_id,
                                  Instant now, Entropy& entropy) {
  const auto day = utc_day(now);
  const int year = static_cast<int>(day.year()) - kFirstYear;
  if (year < 0 || year >= static_cast<int>(kAlphabet.size())) {
    return Error(ErrorCode::internal, "The clock is outside the years 2024 to 2085.");
  }
  std::string text(kRandomLength, '\0');
  text.reserve(kTokenLength);  // so that no copy of the secret is left behind
  if (auto filled = fill_random(text, entropy); !filled) {
    wipe(text.data(), text.size());
    return std::move(filled).error();
  }
  text += kFamily;
  text += kAlphabet[static_cast<size_t>(year)];
  text += kAlphabet[static_cast<unsigned>(day.month()) - 1];
  text += key_id.view();
  text += kFiller;
  text += kProviderPart;
  text += provider.text();
  const std::array<char, 4> checksum = token_checksum(text);
  text.append(checksum.data(), checksum.size());
  LK_ASSERT(text.size() == kTokenLength);
  return SecretText::take(std::move(text));
}

Result<TokenParts> parse_token(const ProviderSignature& provider, std::string_view text) {
  const Error malformed(ErrorCode::token_malformed);
  if (text.size() != kTokenLength) return malformed;
  if (text.substr(kRandomLength, kFamily.size()) != kFamily) return malformed;
  const int year = alphabet_value(text[kYearOffset]);
  const int month = alphabet_value(text[kMonthOffset]);
  if (year < 0 || month < 0 || month > 11) return malformed;
  const std::string_view platform = text.substr(kKeyIdOffset, 12);
  if (platform.substr(2) != kFiller) return malformed;
  if (text.substr(kKeyIdOffset + 12, 4) != kProviderPart) return malformed;
  if (text.substr(kSignatureOffset, 4) != provider.text()) return malformed;
  const auto hash = hash_head(text.substr(0, kChecksumOffset));
  if (!hash) return malformed;
  const std::array<char, 4> checksum = format_checksum(*hash);
  if (text.substr(kChecksumOffset) != std::string_view(checksum.data(), checksum.size())) {
    return malformed;
  }
  return TokenParts{
      {{platform[0], platform[1]}}, kFirstYear + year, static_cast<unsigned>(month) + 1};
}

}  // namespace latchkey::core
