#include "service/key_changes.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/json.h"
#include "service/token_change.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/token_rows.h"

namespace latchkey::service {
namespace {

// A page is a view of its own: a long view would keep the engine from reusing its log.
constexpr int kTokensPage = 5'000;
constexpr size_t kDependentsPage = 500;
constexpr size_t kRevokedPage = 100;  // tokens of one transaction
constexpr int kResignedPage = 200;
constexpr int kEventsPage = 1'000;

bool depends_on(const core::Token& token, core::DigestKeyId key, Instant now) {
  return token.state == core::TokenState::live && token.valid_to > now && token.key_id == key;
}

core::EventDraft draft_about_keys(core::Action action, const std::string& data) {
  return {.action = action,
          .organization = std::nullopt,
          .actor = std::nullopt,
          .subjects = {},
          .data = data};
}

}  // namespace

Result<std::vector<DigestKeyUse>> KeyChanges::use() {
  std::map<core::DigestKeyId, DigestKeyUse> uses;
  core::TokenId after;
  size_t got = kTokensPage;
  while (got == kTokensPage) {
    LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(const auto page,
             store::list_live_tokens(tx, after, dependencies_.clock.now(), kTokensPage));
      for (const store::LiveToken& token : page) {
        DigestKeyUse& use = uses[token.key_id];
        use.key = token.key_id;
        ++use.live_tokens;
        use.latest_expiry = std::max(use.latest_expiry, token.valid_to);
        after = token.id;
      }
      got = page.size();
      return {};
    }));
  }
  std::vector<DigestKeyUse> all;
  for (const auto& [key, use] : uses) all.push_back(use);
  return all;
}

Result<std::vector<core::TokenId>> KeyChanges::list_dependents(core::DigestKeyId key,
                                                               core::TokenId after, size_t limit) {
  std::vector<core::TokenId> ids;
  size_t got = kTokensPage;
  while (got == kTokensPage && ids.size() < limit) {
    LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(const auto page,
             store::list_live_tokens(tx, after, dependencies_.clock.now(), kTokensPage));
      for (const store::LiveToken& token : page) {
        after = token.id;
        if (token.key_id == key && ids.size() < limit) ids.push_back(token.id);
      }
      got = page.size();
      return {};
    }));
  }
  return ids;
}

Result<DependentTokens> KeyChanges::dependents(core::DigestKeyId key, size_t list_max) {
  DependentTokens all;
  core::TokenId after;
  size_t got = kDependentsPage;
  while (got == kDependentsPage) {
    LK_TRY(const auto ids, list_dependents(key, after, kDependentsPage));
    LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
      for (const core::TokenId id : ids) {
        LK_TRY(auto row, store::find_token(tx, id));
        if (!row || !store::is_ours(tx, *row)) continue;
        if (!depends_on(row->token, key, dependencies_.clock.now())) continue;
        ++all.count;
        if (all.first.size() >= list_max) continue;
        LK_TRY(const auto owner, store::find_person(tx, row->token.owner));
        LK_TRY(const auto organization, store::find_organization(tx, row->token.organization));
        all.first.push_back({std::move(row->token), owner ? owner->person.email : "",
                             organization ? organization->name : ""});
      }
      return {};
    }));
    if (!ids.empty()) after = ids.back();
    got = ids.size();
  }
  return all;
}

Result<Changed<uint64_t>> KeyChanges::revoke_some(const Actor& actor, core::DigestKeyId key,
                                                  int limit) {
  LK_ASSERT(key != dependencies_.digest_keys.current_id());
  uint64_t revoked = 0;
  core::Revision revision;
  core::TokenId after;
  const auto wanted = static_cast<size_t>(limit);
  // Rows that are not ours are passed over, so more may be looked at than are revoked.
  while (revoked < wanted) {
    LK_TRY(const auto ids,
           list_dependents(key, after, std::min<size_t>(kRevokedPage, wanted - revoked)));
    if (ids.empty()) break;
    after = ids.back();
    uint64_t of_page = 0;
    const auto body = [&](store::WriteTx& tx) -> Result<void> {
      of_page = 0;
      for (const core::TokenId id : ids) {
        LK_TRY(const auto row, store::find_token(tx, id));
        if (!row || !store::is_ours(tx, *row)) continue;
        if (!depends_on(row->token, key, tx.now())) continue;
        LK_CHECK(revoke_in(tx, actor, row->token, {{"retiredKey", key.view()}}));
        ++of_page;
      }
      return {};
    };
    LK_TRY(const store::Committed committed, dependencies_.store.write(body));
    revoked += of_page;
    revision = committed.revision;
  }
  return Changed<uint64_t>{revoked, revision};
}

Result<store::ResignedPage> KeyChanges::resign_some(const core::EventContext& context,
                                                    store::SignedTable table,
                                                    const store::RowPosition& after) {
  store::ResignedPage page;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(page, store::resign_page(tx, table, after, kResignedPage));
    if (page.resigned == 0) return {};
    const json::value data = {{"key", tx.row_keys().current_id().number},
                              {"table", store::table_name(table)},
                              {"rows", page.resigned}};
    LK_CHECK(
        tx.append(draft_about_keys(core::Action::key_row_resigned, format_json(data)), context));
    return {};
  };
  LK_CHECK(dependencies_.store.write(body));
  return page;
}

Result<bool> KeyChanges::resign_head(const core::EventContext& context) {
  bool is_signed = false;
  LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(is_signed, store::head_is_signed_now(tx));
    return {};
  }));
  if (is_signed) return false;
  // Each event signs the head anew.
  LK_CHECK(append(context, core::Action::key_row_resigned, R"({"table":"log_head","rows":1})"));
  return true;
}

Result<uint64_t> KeyChanges::count_signed_rows() {
  uint64_t rows = 0;
  for (const store::SignedTable table : store::kSignedTables) {
    LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(const uint64_t of_table, store::count_rows(tx, table));
      rows += of_table;
      return {};
    }));
  }
  return rows;
}

Result<void> KeyChanges::check_alone() {
  LK_TRY(const uint64_t others, dependencies_.store.other_nodes());
  if (others == 0) return {};
  return Error(
      ErrorCode::conflict,
      std::to_string(others) + " other " + (others == 1 ? "node serves" : "nodes serve") +
          " from this database and would not have the new key. Stop all but this one, wait "
          "ten seconds, rotate, and copy its keys folder to the others before they start "
          "(docs/operating/many-nodes.md).");
}

Result<core::Revision> KeyChanges::append(const core::EventContext& context, core::Action action,
                                          const std::string& data) {
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(tx.append(draft_about_keys(action, data), context));
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return committed.revision;
}

Result<bool> KeyChanges::is_logged(core::Action action, const std::string& data) {
  core::Revision after;
  bool found = false;
  size_t got = kEventsPage;
  while (got == kEventsPage && !found) {
    LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(const auto events,
             store::list_events_of_action(tx.connection(), action, after, kEventsPage));
      for (const core::Event& event : events) {
        if (event.draft.data == data) found = true;
        after = event.revision;
      }
      got = events.size();
      return {};
    }));
  }
  return found;
}

}  // namespace latchkey::service
