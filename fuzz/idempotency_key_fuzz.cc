// What is accepted as an Idempotency-Key is 1 to 255 visible characters, and one key in each of its
// forms; what is refused names the header.
#include "core/idempotency_key.h"

#include <string>

#include "base/text.h"
#include "target.h"

namespace {

std::string in_quotes(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  const std::string value(fuzz::as_text(data, size));
  const auto key = core::IdempotencyKey::parse(value);
  if (!key) {
    LK_ASSERT(key.error().code == ErrorCode::invalid_argument);
    LK_ASSERT(key.error().field == "Idempotency-Key");
    return 0;
  }
  const std::string& text = key->text();
  LK_ASSERT(!text.empty() && text.size() <= core::kIdempotencyKeyMax);
  for (const char c : text) LK_ASSERT(c >= '!' && c <= '~');
  LK_ASSERT(value == text || value == in_quotes(text));
  const auto again = core::IdempotencyKey::parse(in_quotes(text));
  LK_ASSERT(again && again->text() == text);
  // Bare, it is the same key or none; one that begins with a quote would be read as in quotes.
  if (text.front() == '"') return 0;
  const auto bare = core::IdempotencyKey::parse(text);
  LK_ASSERT(!bare || bare->text() == text);
  return 0;
}
