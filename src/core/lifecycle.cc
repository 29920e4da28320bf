#include "core/lifecycle.h"

#include <chrono>
#include <utility>

#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::core {
namespace {

constexpr unsigned kDefaultDays = 30;

// The name as kept: without spaces around it. docs/spec/lifecycle-api.md, rules L20 to L23.
Result<std::string> check_name(std::string_view given) {
  const auto invalid = [](std::string message) {
    return Error(ErrorCode::pat_invalid_display_name, std::move(message), "displayName");
  };
  const std::string_view name = trim(given);
  if (name.empty()) {
    return Error(ErrorCode::pat_display_name_required, "A token must have a name.", "displayName");
  }
  if (!is_utf8(name)) return invalid("A token's name must be UTF-8.");
  if (count_code_points(name) > kTokenNameMax) {
    return invalid("A token's name must be at most 256 characters long.");
  }
  if (has_control_character(name)) {
    return invalid("A token's name must not have control characters or line breaks.");
  }
  return std::string(name);
}

Result<Instant> check_valid_to(Instant valid_to, Instant now) {
  const auto invalid = [](std::string message) {
    return Error(ErrorCode::pat_invalid_valid_to, std::move(message), "validTo");
  };
  if (valid_to <= now) return invalid("A token must end in the future.");
  const Instant latest = latest_expiry(now);
  if (valid_to > latest) {
    return invalid("A token must end at most one year from now: by " + format_date_time(latest) +
                   ".");
  }
  return valid_to;
}

Result<void> check_all_organizations(bool all_organizations) {
  if (!all_organizations) return {};
  return Error(ErrorCode::pat_global_blocked,
               "A token is for one organization; tokens for all organizations cannot be made.",
               "allOrgs");
}

// Whether `token` may be edited or regenerated at all.
Result<void> check_changeable(const Token& token, Instant now) {
  switch (token_status(token, now)) {
    case TokenStatus::active: return {};
    case TokenStatus::revoked:
      return Error(ErrorCode::pat_failed_to_update, "The token is revoked and cannot be changed.");
    case TokenStatus::expired:
      return Error(ErrorCode::pat_expired_cannot_be_extended,
                   "The token has expired and cannot be changed; make a new one.");
  }
  LK_ASSERT(false);
  return {};
}

}  // namespace

Instant latest_expiry(Instant now) {
  using std::chrono::year_month_day;
  year_month_day day = utc_day(now) + std::chrono::years(1);
  if (!day.ok()) day = year_month_day(day.year() / day.month() / std::chrono::last);
  return end_of_day(day);
}

Instant expiry_after_days(Instant now, unsigned days) { return now + std::chrono::days(days); }

TokenStatus token_status(const Token& token, Instant now) {
  if (token.state == TokenState::revoked) return TokenStatus::revoked;
  return now >= token.valid_to ? TokenStatus::expired : TokenStatus::active;
}

Result<Token> decide_create(const ScopeCatalog& catalog, const CreateToken& request,
                            const NewTokenFacts& facts, Instant now) {
  Token token;
  LK_TRY(token.display_name, check_name(request.display_name));
  LK_TRY(auto scopes, catalog.parse_requested(request.scope));
  LK_TRY(token.valid_to,
         check_valid_to(request.valid_to.value_or(expiry_after_days(now, kDefaultDays)), now));
  LK_CHECK(check_all_organizations(request.all_organizations));
  token.scope = std::move(scopes.text);
  token.id = facts.id;
  token.organization = facts.organization;
  token.owner = facts.owner;
  token.valid_from = now;
  token.key_id = facts.key_id;
  token.digest = facts.digest;
  return token;
}

Result<Token> decide_update(const ScopeCatalog& catalog, const Token& token,
                            const UpdateToken& request, Instant now) {
  LK_CHECK(check_changeable(token, now));
  Token changed = token;
  if (request.display_name) {
    LK_TRY(changed.display_name, check_name(*request.display_name));
  }
  if (request.scope) {
    LK_TRY(auto scopes, catalog.parse_requested(*request.scope));
    changed.scope = std::move(scopes.text);
  }
  if (request.valid_to) {
    LK_TRY(changed.valid_to, check_valid_to(*request.valid_to, now));
  }
  LK_CHECK(check_all_organizations(request.all_organizations));
  return changed;
}

Result<Token> decide_regenerate(const Token& token, std::optional<Instant> valid_to,
                                const NewSecret& secret, Instant now) {
  LK_CHECK(check_changeable(token, now));
  Token changed = token;
  if (valid_to) {
    LK_TRY(changed.valid_to, check_valid_to(*valid_to, now));
  }
  changed.key_id = secret.key_id;
  changed.digest = secret.digest;
  ++changed.generation;
  return changed;
}

Token decide_revoke(const Token& token, Instant now) {
  if (token.state == TokenState::revoked) return token;
  Token revoked = token;
  revoked.state = TokenState::revoked;
  revoked.revoked_at = now;
  return revoked;
}

}  // namespace latchkey::core
