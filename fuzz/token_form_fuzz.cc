// A form that is accepted has one value for each name that counts, within its bound; writing it
// again and reading that gives the same. The first line is the Content-Type, the rest the body.
#include "base/text.h"
#include "gate/token_form.h"
#include "http/message.h"
#include "target.h"

namespace {

using latchkey::percent_encode;

std::string write(const latchkey::gate::TokenForm& form) {
  std::string body = "token=" + percent_encode(form.token.reveal(latchkey::RevealSecret{}));
  body += "&required_scope=" + percent_encode(form.required_scope);
  body += "&organization=" + percent_encode(form.organization);
  if (form.min_revision) {
    body += "&min_revision=" + latchkey::core::format_position(*form.min_revision);
  }
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  const std::string_view text = fuzz::as_text(data, size);
  const size_t line = text.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string_view type = text.substr(0, line);
  const std::string_view body = text.substr(line + 1);
  const auto form = gate::parse_token_form(type, body);
  if (!form) {
    LK_ASSERT(form.error().code == ErrorCode::invalid_argument ||
              form.error().code == ErrorCode::request_malformed);
    // Nothing of the caller's is repeated: only our own names stand in a message.
    LK_ASSERT(form.error().field.size() <= 15 && form.error().message.size() <= 120);
    return 0;
  }
  LK_ASSERT(body.size() <= gate::kTokenFormBytesMax);
  const std::string_view token = form->token.reveal(RevealSecret{});
  LK_ASSERT(!token.empty() && token.size() <= 1024 && is_utf8(token));
  LK_ASSERT(form->required_scope.size() <= 4096 && form->organization.size() <= 100);
  // By another reading: the only `token` of the query is this.
  const auto fields = http::parse_query(body);
  int tokens = 0;
  for (const auto& [name, value] : *fields) {
    if (name != "token") continue;
    ++tokens;
    LK_ASSERT(value == token);
  }
  LK_ASSERT(tokens == 1);
  const std::string written = write(*form);
  if (written.size() > gate::kTokenFormBytesMax) return 0;  // encoding made it longer
  const auto again = gate::parse_token_form(type, written);
  LK_ASSERT(again && again->token == form->token);
  LK_ASSERT(again->required_scope == form->required_scope);
  LK_ASSERT(again->organization == form->organization);
  LK_ASSERT(again->min_revision == form->min_revision);
  return 0;
}
