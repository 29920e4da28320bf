// A token's text has one form: what is accepted is canonical, and no near text is accepted.
#include <algorithm>
#include <string>

#include "core/token_text.h"
#include "target.h"

namespace latchkey::core {
namespace {

constexpr size_t kHeadLength = 80;

bool is_base62(std::string_view text) {
  for (const char c : text) {
    const bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!allowed) return false;
  }
  return true;
}

// Whether a token has this head, by the layout of docs/spec/token-format.md read plainly.
bool is_head_plainly(std::string_view head, const ProviderSignature& provider) {
  return head.size() == kHeadLength && is_base62(head) && head.substr(52, 6) == "JQQJ99" &&
         head[59] >= 'A' && head[59] <= 'L' && head.substr(62, 14) == "AAAAAAAAAAPAT1" &&
         head.substr(76) == provider.text();
}

bool check(const ProviderSignature& provider, std::string_view text) {
  const auto parts = parse_token(provider, text);
  if (!parts) {
    LK_ASSERT(parts.error().code == ErrorCode::token_malformed);
    return false;
  }
  LK_ASSERT(text.size() == kTokenLength && is_base62(text));
  const auto checksum = token_checksum(text.substr(0, kHeadLength));
  LK_ASSERT(text.substr(kHeadLength) == std::string_view(checksum.data(), checksum.size()));
  LK_ASSERT(text.substr(76, 4) == provider.text());
  LK_ASSERT(parts->year >= 2024 && parts->year <= 2085);
  LK_ASSERT(parts->month >= 1 && parts->month <= 12);
  const auto key_id = parse_digest_key_id(parts->key_id.view());
  LK_ASSERT(key_id && *key_id == parts->key_id);
  return true;
}

}  // namespace
}  // namespace latchkey::core

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::core;
  const std::string_view text = latchkey::fuzz::as_text(data, size);
  const auto provider = ProviderSignature::standard();
  check(provider, text);

  const auto signature = ProviderSignature::parse(text.substr(0, 4));
  if (signature) LK_ASSERT(signature->text() == text.substr(0, 4));

  // The fuzzer guesses neither a length nor a checksum: the characters go over those of a good
  // head from the end, where the parts are, and the whole gets its own checksum.
  std::string token(52, 'x');
  token += "JQQJ99CLAAAAAAAAAAAAPAT1LKEY";
  for (size_t i = 0; i < std::min(size, kHeadLength); ++i) {
    if (is_base62(text.substr(i, 1))) token[kHeadLength - 1 - i] = text[i];
  }
  const bool is_good = is_head_plainly(token, provider);
  const auto checksum = token_checksum(token);
  token.append(checksum.data(), checksum.size());
  LK_ASSERT(check(provider, token) == is_good);
  if (!is_good) return 0;
  // One other character anywhere changes the checksum, or breaks the form.
  for (size_t i = kHeadLength; i < token.size(); ++i) {
    std::string other = token;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    LK_ASSERT(!parse_token(provider, other));
  }
  return 0;
}
