#include "service/tokens.h"

#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time_text.h"
#include "core/role.h"
#include "service/access.h"
#include "service/continuation.h"
#include "service/token_change.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"

namespace latchkey::service {
namespace {

constexpr int kPageMax = 100;
constexpr size_t kSearchMax = 256;  // bytes

// A token that could make or see tokens would let a leaked one outlive its revocation.
Result<core::PersonId> require_session(const Actor& actor) {
  if (actor.mechanism() == Mechanism::session) return *actor.person();
  return Error(ErrorCode::credential_kind_refused,
               "Tokens are managed by a signed-in person, not by a token.");
}

Error not_found() {
  return Error(ErrorCode::pat_authorization_not_found,
               "You have no token of this id in this organization.", "authorizationId");
}

// The token `id` of `organization`, whoever owns it.
Result<store::TokenRow> load_token(store::ReadTx& tx, core::OrganizationId organization,
                                   core::TokenId id) {
  LK_TRY(auto row, store::find_token(tx, id));
  if (!row || row->token.organization != organization) return not_found();
  // Who changes a row signs all of it: one that was written past the server must not become ours.
  if (!store::is_ours(tx, *row)) {
    return Error(ErrorCode::integrity_violated, "The row of this token was changed from outside.");
  }
  return *std::move(row);
}

// The same, if it is the caller's own. Somebody else's looks like one that does not exist.
Result<store::TokenRow> load_own(store::ReadTx& tx, const Actor& actor,
                                 core::OrganizationId organization, core::TokenId id) {
  LK_CHECK(require_permission(tx, actor, organization, core::Permission::make_tokens));
  LK_TRY(auto row, load_token(tx, organization, id));
  if (row.token.owner != actor.person()) return not_found();
  return row;
}

struct FreshSecret {
  SecretText text;
  core::NewSecret stored;
};

Result<FreshSecret> make_secret(const Dependencies& dependencies, Instant now) {
  // Inside the transaction: a key is retired only after the last one that may have read its id.
  const core::DigestKeyId key_id = dependencies.digest_keys.current_id();
  LK_TRY(SecretText text,
         core::generate_token(dependencies.provider, key_id, now, dependencies.entropy));
  const auto digest = dependencies.digest_keys.digest_of(key_id, text.reveal(RevealSecret{}));
  LK_ASSERT(digest);
  return FreshSecret{std::move(text), {key_id, *digest}};
}

// 310 random bits do not meet by chance: the source of randomness repeats itself.
Error repeated_secret() {
  return Error(ErrorCode::internal, "A new token's text is not new; nothing was changed.");
}

// What inserting or updating a row gave; a taken digest is no name conflict of the caller's.
Result<void> without_collision(Result<void> written) {
  if (!written && written.error().code == ErrorCode::already_exists) return repeated_secret();
  return written;
}

// The names in an event's context: the token's, and the one before if it was renamed.
std::string event_names(const core::Token& token, const core::Token* before) {
  json::object names{{"DisplayName", token.display_name}};
  if (before != nullptr && before->display_name != token.display_name) {
    names["PreviousDisplayName"] = before->display_name;
  }
  return format_json(names);
}

core::EventDraft draft_of(core::Action action, const Actor& actor, const core::Token& token,
                          json::object data) {
  data["owner"] = core::format_id(token.owner);
  return {.action = action,
          .organization = token.organization,
          .actor = actor.person(),
          .subjects = {{core::SubjectKind::token, token.id.uuid}},
          .data = format_json(data)};
}

// Which fields an update changed and what they are now; not the names themselves.
json::object describe_update(const core::Token& before, const core::Token& after) {
  json::object data;
  json::array changed;
  if (after.display_name != before.display_name) changed.emplace_back("displayName");
  if (after.scope != before.scope) {
    changed.emplace_back("scope");
    data["scope"] = after.scope;
  }
  if (after.valid_to != before.valid_to) {
    changed.emplace_back("validTo");
    data["validTo"] = format_date_time(after.valid_to);
  }
  data["changed"] = std::move(changed);
  return data;
}

bool same_fields(const core::Token& a, const core::Token& b) {
  return a.display_name == b.display_name && a.scope == b.scope && a.valid_to == b.valid_to;
}

// Writes `token` as it is now, and what was done to it. `before` as it was.
struct TokenChange {
  core::Action action;
  const core::Token& before;
  const core::Token& after;
  json::object data;
};
Result<void> write_change(store::WriteTx& tx, const Actor& actor, const TokenChange& change) {
  const Digest mac = core::token_row_mac(tx.row_key(), change.after);
  LK_CHECK(without_collision(store::update_token(tx, change.after, mac)));
  LK_CHECK(tx.append(draft_of(change.action, actor, change.after, change.data),
                     actor.event_context(event_names(change.after, &change.before))));
  return {};
}

// Nothing without a key.
std::optional<KeyedChange> keyed_change(const core::IdempotencyScope& scope,
                                        const core::IdempotencyKey* key, Bytes request) {
  if (key == nullptr) return std::nullopt;
  return KeyedChange{scope.person, core::idempotency_key_bytes(scope, *key), std::move(request)};
}

}  // namespace

Result<core::Token> revoke_in(store::WriteTx& tx, const Actor& actor, const core::Token& token,
                              json::object data) {
  if (token.state == core::TokenState::revoked) return token;
  core::Token revoked = core::decide_revoke(token, tx.now());
  LK_CHECK(write_change(tx, actor, {core::Action::token_revoked, token, revoked, std::move(data)}));
  return revoked;
}

Result<Changed<IssuedToken>> Tokens::create(const Actor& actor, core::OrganizationId organization,
                                            const core::CreateToken& request,
                                            const core::IdempotencyKey* key) {
  LK_TRY(const core::PersonId owner, require_session(actor));
  const auto keyed = keyed_change({owner, organization, core::IdempotentOperation::create_token},
                                  key, core::idempotent_request_bytes(request));
  IssuedToken issued;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::make_tokens));
    if (keyed) {
      LK_TRY(auto done, idempotency_.find(tx, *keyed));
      if (done) {
        issued = *std::move(done);
        return {};
      }
    }
    LK_TRY(const auto id, core::make_id<core::TokenId>(dependencies_.entropy));
    LK_TRY(FreshSecret secret, make_secret(dependencies_, tx.now()));
    const core::NewTokenFacts facts{.id = id,
                                    .organization = organization,
                                    .owner = owner,
                                    .key_id = secret.stored.key_id,
                                    .digest = secret.stored.digest};
    LK_TRY(core::Token token, core::decide_create(dependencies_.catalog, request, facts, tx.now()));
    const Digest mac = core::token_row_mac(tx.row_key(), token);
    LK_CHECK(without_collision(store::insert_token(tx, token, mac)));
    json::object data{{"scope", token.scope}, {"validTo", format_date_time(token.valid_to)}};
    LK_CHECK(tx.append(draft_of(core::Action::token_created, actor, token, std::move(data)),
                       actor.event_context(event_names(token, nullptr))));
    issued = {std::move(token), std::move(secret.text)};
    if (keyed) LK_CHECK(idempotency_.remember(tx, *keyed, issued));
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<IssuedToken>{std::move(issued), committed.revision};
}

Result<store::TokenRow> Tokens::get(const Actor& actor, core::OrganizationId organization,
                                    core::TokenId id) {
  LK_CHECK(require_session(actor));
  store::TokenRow found;
  LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(found, load_own(tx, actor, organization, id));
    return {};
  }));
  return found;
}

Result<TokenList> Tokens::list(const Actor& actor, core::OrganizationId organization,
                               const TokenListQuery& query) {
  LK_TRY(const core::PersonId owner, require_session(actor));
  if (query.top < 1 || query.top > kPageMax) return invalid_field("$top", "must be 1 to 100");
  if (!is_utf8(query.search) || query.search.size() > kSearchMax) {
    return invalid_field("search", "must be at most 256 bytes of UTF-8");
  }
  store::TokenQuery asked{.owner = owner,
                          .organization = organization,
                          .filter = query.filter,
                          .sort = query.sort,
                          .direction = query.direction,
                          .search = query.search,
                          .now = dependencies_.clock.now(),
                          .limit = query.top,
                          .after = std::nullopt};
  TokenList list;
  const auto body = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::make_tokens));
    if (!query.continuation_token.empty()) {
      LK_TRY(asked.after, parse_continuation(tx.row_keys(), asked, query.continuation_token));
    }
    LK_TRY(store::TokenPage page, store::list_tokens(tx, asked));
    list.rows = std::move(page.rows);
    list.continuation_token =
        page.next ? format_continuation(tx.row_keys(), asked, *page.next) : std::string();
    return {};
  };
  LK_CHECK(dependencies_.store.read(body));
  return list;
}

Result<Changed<core::Token>> Tokens::update(const Actor& actor, core::OrganizationId organization,
                                            core::TokenId id, const core::UpdateToken& request) {
  LK_CHECK(require_session(actor));
  core::Token updated;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const store::TokenRow row, load_own(tx, actor, organization, id));
    LK_TRY(updated, core::decide_update(dependencies_.catalog, row.token, request, tx.now()));
    if (same_fields(row.token, updated)) return {};
    return write_change(
        tx, actor,
        {core::Action::token_updated, row.token, updated, describe_update(row.token, updated)});
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<core::Token>{std::move(updated), committed.revision};
}

Result<Changed<IssuedToken>> Tokens::regenerate(const Actor& actor,
                                                core::OrganizationId organization, core::TokenId id,
                                                std::optional<Instant> valid_to,
                                                const core::IdempotencyKey* key) {
  LK_TRY(const core::PersonId owner, require_session(actor));
  const auto keyed =
      keyed_change({owner, organization, core::IdempotentOperation::regenerate_token}, key,
                   core::idempotent_request_bytes(id, valid_to));
  IssuedToken issued;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const store::TokenRow row, load_own(tx, actor, organization, id));
    if (keyed) {
      LK_TRY(auto done, idempotency_.find(tx, *keyed));
      if (done) {
        issued = *std::move(done);
        return {};
      }
    }
    LK_TRY(FreshSecret secret, make_secret(dependencies_, tx.now()));
    if (secret.stored.digest == row.token.digest) return repeated_secret();
    LK_TRY(core::Token token,
           core::decide_regenerate(row.token, valid_to, secret.stored, tx.now()));
    // An index finds by the retired digest what it must forget.
    json::object data{{"retiredDigest", format_hex(row.token.digest)},
                      {"validTo", format_date_time(token.valid_to)}};
    LK_CHECK(write_change(tx, actor,
                          {core::Action::token_regenerated, row.token, token, std::move(data)}));
    issued = {std::move(token), std::move(secret.text)};
    if (keyed) LK_CHECK(idempotency_.remember(tx, *keyed, issued));
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<IssuedToken>{std::move(issued), committed.revision};
}

Result<Changed<core::Token>> Tokens::revoke(const Actor& actor, core::OrganizationId organization,
                                            core::TokenId id) {
  LK_CHECK(require_session(actor));
  core::Token revoked;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const store::TokenRow row, load_own(tx, actor, organization, id));
    LK_TRY(revoked, revoke_in(tx, actor, row.token, {}));
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<core::Token>{std::move(revoked), committed.revision};
}

Result<Changed<core::Token>> Tokens::revoke_as_administrator(const Actor& actor,
                                                             core::OrganizationId organization,
                                                             core::TokenId id) {
  // The console may too: it is the operator's way to stop a token at once.
  if (actor.mechanism() == Mechanism::token) LK_CHECK(require_session(actor));
  core::Token revoked;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::manage_members));
    LK_TRY(const store::TokenRow row, load_token(tx, organization, id));
    LK_TRY(revoked, revoke_in(tx, actor, row.token, {}));
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<core::Token>{std::move(revoked), committed.revision};
}

Result<std::optional<Changed<core::Token>>> Tokens::revoke_by_holder(const SecretText& text,
                                                                     const RequestOrigin& origin) {
  const std::optional<Changed<core::Token>> nothing;
  LK_CHECK(holders_.take(origin.address));
  const std::string_view presented = text.reveal(RevealSecret{});
  const auto parts = core::parse_token(dependencies_.provider, presented);
  if (!parts) return nothing;
  const auto digest = dependencies_.digest_keys.digest_of(parts->key_id, presented);
  if (!digest) return nothing;
  const auto is_live = [&](store::ReadTx& tx, std::optional<store::TokenRow>& row) -> Result<bool> {
    LK_TRY(row, store::find_token_by_digest(tx, *digest));
    return row && row->token.state == core::TokenState::live && store::is_ours(tx, *row);
  };
  // Guesses are only read: the writer is for those that have something to write.
  std::optional<store::TokenRow> row;
  bool found = false;
  LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(found, is_live(tx, row));
    return {};
  }));
  if (!found) return nothing;
  core::Token revoked;
  LK_TRY(const store::Committed committed,
         dependencies_.store.write([&](store::WriteTx& tx) -> Result<void> {
           LK_TRY(found, is_live(tx, row));
           if (!found) return {};  // somebody was faster
           const Actor holder = Actor::by_holder({}, row->token.id, origin);
           LK_TRY(revoked, revoke_in(tx, holder, row->token, {{"by", "holder"}}));
           return {};
         }));
  if (!found) return nothing;
  return std::optional(Changed<core::Token>{std::move(revoked), committed.revision});
}

Result<Tokens::Self> Tokens::self(const Actor& actor) {
  if (actor.mechanism() != Mechanism::token) {
    return Error(ErrorCode::credential_kind_refused, "Only a token can ask about itself.");
  }
  return load_self(*actor.token(), *actor.token_organization());
}

Result<Tokens::Self> Tokens::describe(const ProvenClient& client, core::TokenId id) {
  std::optional<core::OrganizationId> organization;
  LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const auto row, store::find_token(tx, id));
    if (row) organization = row->token.organization;
    return {};
  }));
  if (!organization || !client.is_for(*organization)) return not_found();
  return load_self(id, *organization);
}

Result<Tokens::Self> Tokens::load_self(core::TokenId id, core::OrganizationId organization_id) {
  Self self;
  LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(store::TokenRow row, load_token(tx, organization_id, id));
    LK_TRY(auto owner, store::find_person(tx, row.token.owner));
    LK_TRY(auto organization, store::find_organization(tx, row.token.organization));
    if (!owner || !organization) return not_found();
    self = {std::move(row.token), std::move(owner->person), *std::move(organization)};
    return {};
  }));
  return self;
}

}  // namespace latchkey::service
