// What is asked of a new token and of a changed one: what is made keeps the rules, and asking for
// what it says changes nothing.
// The input is three lines: a time before or after now, the scope and the name.
#include <string>

#include "base/text.h"
#include "base/time_text.h"
#include "core/lifecycle.h"
#include "target.h"

namespace latchkey::core {
namespace {

void check_made(const ScopeCatalog& catalog, const Token& token, Instant now) {
  LK_ASSERT(is_utf8(token.display_name) && !has_control_character(token.display_name));
  LK_ASSERT(!token.display_name.empty() && trim(token.display_name) == token.display_name);
  LK_ASSERT(count_code_points(token.display_name) <= kTokenNameMax);
  LK_ASSERT(now < token.valid_to && token.valid_to <= latest_expiry(now));
  LK_ASSERT(token_status(token, now) == TokenStatus::active);
  LK_ASSERT(token_status(token, token.valid_to) == TokenStatus::expired);
  const auto scopes = catalog.parse_requested(token.scope);
  LK_ASSERT(scopes && scopes->text == token.scope);
}

}  // namespace
}  // namespace latchkey::core

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  static const core::ScopeCatalog catalog = core::ScopeCatalog::built_in();
  std::string_view rest = fuzz::as_text(data, size);
  const auto valid_to = parse_date_time(fuzz::take_line(rest));
  core::CreateToken request;
  if (valid_to) request.valid_to = *valid_to;
  request.scope = fuzz::take_line(rest);
  request.display_name = rest;

  // A leap day at noon, so that a year later is a day that there is not.
  const Instant now{1'835'438'400'000};  // 2028-02-29T12:00:00Z
  const auto token = core::decide_create(catalog, request, {}, now);
  if (!token) return 0;
  core::check_made(catalog, *token, now);
  core::UpdateToken same{token->display_name, token->scope, token->valid_to, false};
  const auto updated = core::decide_update(catalog, *token, same, now);
  LK_ASSERT(updated && updated->display_name == token->display_name);
  LK_ASSERT(updated->scope == token->scope && updated->valid_to == token->valid_to);
  LK_ASSERT(!core::decide_update(catalog, core::decide_revoke(*token, now), same, now));
  LK_ASSERT(!core::decide_update(catalog, *token, same, token->valid_to));
  return 0;
}
