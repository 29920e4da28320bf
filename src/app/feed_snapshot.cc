#include "app/feed_snapshot.h"

#include <map>

#include "app/store_feed.h"
#include "base/text.h"
#include "core/role.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/token_rows.h"

namespace latchkey::app {
namespace {

constexpr int kOrganizationsPage = 1'000;
constexpr int kMembershipsPage = 2'000;
constexpr int kTokensPage = 5'000;
constexpr int kEventsPage = 1'000;

// Of the cursors "o.<name key>", "m.<organization>.<person>", "t.<token>" and "r.<revision>".
enum class Stage : char { organizations = 'o', memberships = 'm', tokens = 't', retired = 'r' };

Error bad_cursor() { return invalid_field("after", "must be what the page before gave as next"); }

std::string cursor_of(Stage stage, std::string_view rest) {
  return std::string(1, static_cast<char>(stage)) + '.' + std::string(rest);
}

template <class AnyId>
Result<AnyId> parse_place(std::string_view text) {
  if (text.empty()) return AnyId{};
  const auto id = core::parse_id<AnyId>(text);
  return id ? Result<AnyId>(*id) : bad_cursor();
}

class Page {
 public:
  Page(store::ReadTx& tx, const core::ScopeCatalog& catalog, const service::ProvenClient& client)
      : tx_(tx), catalog_(catalog), client_(client) {}

  Result<verify::FeedMessage> read(std::string_view cursor) {
    if (cursor.empty()) cursor = "o.";
    if (cursor.size() < 2 || cursor[1] != '.') return bad_cursor();
    const std::string_view rest = cursor.substr(2);
    Result<void> done = bad_cursor();
    switch (static_cast<Stage>(cursor[0])) {
      case Stage::organizations: done = read_organizations(rest); break;
      case Stage::memberships: done = read_memberships(rest); break;
      case Stage::tokens: done = read_tokens(rest); break;
      case Stage::retired: done = read_retired(rest); break;
    }
    if (!done) return std::move(done).error();
    return std::move(message_);
  }

 private:
  Result<void> read_organizations(std::string_view after_key) {
    LK_TRY(const auto rows, store::list_organizations(tx_, after_key, kOrganizationsPage));
    for (const core::Organization& row : rows) {
      add(row.id, verify::OrganizationItem{row.id, core::organization_key(row.name), true});
    }
    const bool is_last = rows.size() < static_cast<size_t>(kOrganizationsPage);
    message_.next = is_last
                        ? cursor_of(Stage::memberships, "")
                        : cursor_of(Stage::organizations, core::organization_key(rows.back().name));
    return {};
  }

  Result<void> read_memberships(std::string_view rest) {
    const size_t dot = rest.find('.');
    LK_TRY(const auto organization, parse_place<core::OrganizationId>(rest.substr(0, dot)));
    LK_TRY(const auto person,
           parse_place<core::PersonId>(dot == rest.npos ? "" : rest.substr(dot + 1)));
    LK_TRY(const auto page,
           store::list_all_memberships(tx_, {organization, person}, kMembershipsPage));
    for (const core::Membership& row : page.rows) LK_CHECK(add_membership(row));
    message_.next = page.next
                        ? cursor_of(Stage::memberships, core::format_id(page.next->first) + '.' +
                                                            core::format_id(page.next->second))
                        : cursor_of(Stage::tokens, "");
    return {};
  }

  Result<void> add_membership(const core::Membership& row) {
    if (!client_.is_for(row.organization)) return {};
    LK_TRY(const auto person, store::find_person(tx_, row.person));
    LK_TRY(const bool works, is_active(row.organization));
    verify::MembershipItem item{row.organization, row.person, false,
                                core::role_mask(catalog_, row.role)};
    item.active = works && person && person->person.state == core::PersonState::active;
    add(row.organization, item);
    return {};
  }

  Result<bool> is_active(core::OrganizationId id) {
    const auto known = active_.find(id);
    if (known != active_.end()) return known->second;
    LK_TRY(const auto row, store::find_organization(tx_, id));
    return active_[id] = row && row->state == core::OrganizationState::active;
  }

  Result<void> read_tokens(std::string_view rest) {
    LK_TRY(const auto after, parse_place<core::TokenId>(rest));
    LK_TRY(const auto rows, store::list_all_tokens(tx_, after, kTokensPage));
    for (const store::TokenRow& row : rows) {
      if (!client_.is_for(row.token.organization)) continue;
      // A row that was changed from outside is left out; the server's own index reports it.
      if (const auto item = token_item(tx_, catalog_, row)) add(row.token.organization, *item);
    }
    const bool is_last = rows.size() < static_cast<size_t>(kTokensPage);
    message_.next = is_last ? cursor_of(Stage::retired, "0")
                            : cursor_of(Stage::tokens, core::format_id(rows.back().token.id));
    return {};
  }

  Result<void> read_retired(std::string_view rest) {
    const auto after = parse_unsigned(rest);
    if (!after) return bad_cursor();
    LK_TRY(const auto events,
           store::list_events_of_action(tx_.connection(), core::Action::token_regenerated,
                                        core::Revision{*after}, kEventsPage));
    for (const core::Event& event : events) {
      LK_TRY(const auto item, retired_item(tx_, event));
      if (item) add(item->organization, *item);
    }
    if (events.size() == static_cast<size_t>(kEventsPage)) {
      message_.next = cursor_of(Stage::retired, std::to_string(events.back().revision.number));
    }
    return {};
  }

  void add(core::OrganizationId organization, verify::FeedItem item) {
    if (client_.is_for(organization)) message_.items.push_back(std::move(item));
  }

  store::ReadTx& tx_;
  const core::ScopeCatalog& catalog_;
  const service::ProvenClient& client_;
  std::map<core::OrganizationId, bool> active_;
  verify::FeedMessage message_;
};

}  // namespace

Result<verify::FeedMessage> read_snapshot_page(store::Store& store,
                                               const core::ScopeCatalog& catalog,
                                               const service::ProvenClient& client,
                                               std::string_view cursor) {
  verify::FeedMessage message;
  LK_CHECK(store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const auto stored, store::find_head(tx.connection()));
    if (!stored) return Error(ErrorCode::store_unavailable);
    LK_TRY(message, Page(tx, catalog, client).read(cursor));
    message.position = stored->head.position();
    message.mark = verify::mark_of(stored->head.hash);
    return {};
  }));
  return message;
}

}  // namespace latchkey::app
