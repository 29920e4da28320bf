#include "app/store_feed.h"

#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

#include "app/token_load.h"
#include "base/json.h"
#include "core/role.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"

namespace latchkey::app {
namespace {

constexpr int kEventsPage = 1000;
constexpr int kMembersPage = 1000;

bool is_active(const core::Organization& organization) {
  return organization.state == core::OrganizationState::active;
}

// What the data of a token_regenerated event says.
struct Regeneration {
  Digest retired{};
  std::optional<core::PersonId> owner;
};
Result<Regeneration> read_regeneration(const core::Event& event) {
  const Error damaged(ErrorCode::integrity_violated,
                      "event " + std::to_string(event.revision.number) + " has no retired digest");
  const auto data = parse_json(event.draft.data);
  if (!data) return damaged;
  auto reader = JsonReader::object(*data);
  if (!reader) return damaged;
  const auto text = reader->text("retiredDigest");
  if (!text) return damaged;
  const auto bytes = parse_hex(*text);
  Regeneration regeneration;
  if (!bytes || bytes->size() != regeneration.retired.size()) return damaged;
  std::copy(bytes->begin(), bytes->end(), regeneration.retired.begin());
  const auto owner = reader->text("owner");
  if (owner) regeneration.owner = core::parse_id<core::PersonId>(*owner);
  return regeneration;
}

// Asks `check` about the view of `tx`.
Result<void> check_view(store::ReadTx& tx, core::Revision known,
                        const LogSource::CheckView& check) {
  LK_TRY(const auto stored, store::find_head(tx.connection()));
  if (!stored) return Error(ErrorCode::integrity_violated, "the head of the event log is missing");
  const core::Revision before{known.number - std::min<uint64_t>(known.number, 1)};
  LK_TRY(const auto events, store::list_events(tx.connection(), before, 1));
  return check(stored->head, events.empty() ? nullptr : &events[0]);
}

const core::Subject* find_token_subject(const core::Event& event) {
  for (const core::Subject& subject : event.draft.subjects) {
    if (subject.kind == core::SubjectKind::token) return &subject;
  }
  return nullptr;
}

}  // namespace

std::optional<verify::TokenItem> token_item(store::ReadTx& tx,
                                            const std::optional<core::ScopeSet>& scopes,
                                            const store::TokenRow& row) {
  const core::Token& token = row.token;
  if (!store::is_ours(tx, row) || !scopes) return std::nullopt;
  return verify::TokenItem{token.id, token.organization, token.owner, token.digest,
                           *scopes,  token.valid_to,     token.state};
}

std::optional<verify::TokenItem> token_item(store::ReadTx& tx, const core::ScopeCatalog& catalog,
                                            const store::TokenRow& row) {
  const auto scopes = catalog.closure_of(row.token.scope);
  return token_item(tx, scopes ? std::optional(*scopes) : std::nullopt, row);
}

Result<std::optional<verify::RetiredDigestItem>> retired_item(store::ReadTx& tx,
                                                              const core::Event& event) {
  const core::Subject* subject = find_token_subject(event);
  if (subject == nullptr) {
    return Error(ErrorCode::integrity_violated,
                 "event " + std::to_string(event.revision.number) + " names no token");
  }
  LK_TRY(const Regeneration regeneration, read_regeneration(event));
  const core::TokenId id{subject->id};
  // Neither ever changes, so the row need not be asked: there may be hundreds of thousands of
  // these.
  if (event.draft.organization && regeneration.owner) {
    return std::optional(verify::RetiredDigestItem{id, *event.draft.organization,
                                                   *regeneration.owner, regeneration.retired});
  }
  LK_TRY(const auto row, store::find_token(tx, id));
  if (!row) return std::optional<verify::RetiredDigestItem>();
  return std::optional(verify::RetiredDigestItem{row->token.id, row->token.organization,
                                                 row->token.owner, regeneration.retired});
}

// What a batch of events is about, each subject once.
struct StoreFeed::Changes {
  std::set<core::TokenId> tokens;
  std::set<core::PersonId> people;
  std::set<core::OrganizationId> organizations;
  std::set<std::pair<core::OrganizationId, core::PersonId>> memberships;
  std::vector<const core::Event*> regenerations;
  std::optional<core::Revision> clients_at;  // the last event about a client
};

StoreFeed::Changes StoreFeed::collect(const std::vector<core::Event>& events) const {
  Changes changes;
  for (const core::Event& event : events) {
    for (const core::Subject& subject : event.draft.subjects) {
      switch (subject.kind) {
        case core::SubjectKind::token: changes.tokens.insert(core::TokenId{subject.id}); break;
        case core::SubjectKind::person: changes.people.insert(core::PersonId{subject.id}); break;
        case core::SubjectKind::organization:
          changes.organizations.insert(core::OrganizationId{subject.id});
          break;
        case core::SubjectKind::membership:
          if (event.draft.organization) {
            changes.memberships.emplace(*event.draft.organization, core::PersonId{subject.id});
          }
          break;
        case core::SubjectKind::project:
        case core::SubjectKind::session:
        case core::SubjectKind::link: break;  // no check depends on them
        case core::SubjectKind::client: changes.clients_at = event.revision; break;
      }
    }
    if (event.draft.action == core::Action::token_regenerated) {
      changes.regenerations.push_back(&event);
    }
  }
  return changes;
}

std::optional<verify::TokenItem> StoreFeed::check(store::ReadTx& tx, const store::TokenRow& row) {
  auto item = token_item(tx, dependencies_.catalog, row);
  if (!item) refuse(row.token.id);
  return item;
}

void StoreFeed::refuse(core::TokenId id) {
  tampered_.fetch_add(1);
  dependencies_.log.error("feed.token_row_refused", {{"token", core::format_id(id)}});
}

void StoreFeed::resume(const store::LogHead& from, const store::LogHead& through,
                       const std::vector<verify::OrganizationItem>& names) {
  follower_.resume(from, through);
  name_keys_.clear();
  for (const auto& name : names) name_keys_[name.organization] = name.name_key;
}

Result<void> StoreFeed::give_all(core::Revision known, const CheckView& check, const Sink& sink) {
  name_keys_.clear();
  const auto refused = [&](core::TokenId id) { refuse(id); };
  return dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(check_view(tx, known, check));
    if (dependencies_.take_clients) LK_CHECK(dependencies_.take_clients(tx, std::nullopt));
    LK_CHECK(load_organizations(tx, sink));
    LK_CHECK(load_memberships(tx, sink));
    LK_CHECK(load_all_tokens(tx, {dependencies_.catalog, refused}, sink));
    return load_retired(tx, sink);
  });
}

Result<void> StoreFeed::load_organizations(store::ReadTx& tx, const Sink& sink) {
  return store::for_each_organization(tx, [&](const core::Organization& row) -> Result<void> {
    if (!is_active(row)) return {};
    const std::string key = core::organization_key(row.name);
    name_keys_[row.id] = key;
    sink(verify::OrganizationItem{row.id, key, true});
    return {};
  });
}

Result<void> StoreFeed::load_memberships(store::ReadTx& tx, const Sink& sink) {
  std::unordered_set<core::PersonId> active;
  LK_CHECK(store::for_each_person(tx, [&](const core::Person& person) -> Result<void> {
    if (person.state == core::PersonState::active) active.insert(person.id);
    return {};
  }));
  return store::for_each_membership(tx, [&](const core::Membership& row) -> Result<void> {
    const bool works = active.contains(row.person) && name_keys_.contains(row.organization);
    sink(verify::MembershipItem{row.organization, row.person, works,
                                core::role_mask(dependencies_.catalog, row.role)});
    return {};
  });
}

Result<void> StoreFeed::load_retired(store::ReadTx& tx, const Sink& sink) {
  core::Revision after;
  while (true) {
    LK_TRY(const auto events,
           store::list_events_of_action(tx.connection(), core::Action::token_regenerated, after,
                                        kEventsPage));
    for (const core::Event& event : events) {
      LK_CHECK(give_retired(tx, event, sink));
      after = event.revision;
    }
    if (events.size() < kEventsPage) return {};
  }
}

Result<void> StoreFeed::give_changes(const std::vector<core::Event>& events, const CheckView& check,
                                     const Sink& sink) {
  const Changes changes = collect(events);
  return dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(check_view(tx, events.back().revision, check));
    return give_changes(tx, changes, sink);
  });
}

Result<void> StoreFeed::give_changes(store::ReadTx& tx, const Changes& changes, const Sink& sink) {
  if (changes.clients_at && dependencies_.take_clients) {
    LK_CHECK(dependencies_.take_clients(tx, changes.clients_at));
  }
  LK_CHECK(give_organizations(tx, changes, sink));
  LK_CHECK(give_memberships(tx, changes, sink));
  for (const core::TokenId id : changes.tokens) LK_CHECK(give_token(tx, id, sink));
  for (const core::Event* event : changes.regenerations) LK_CHECK(give_retired(tx, *event, sink));
  return {};
}

Result<void> StoreFeed::give_organizations(store::ReadTx& tx, const Changes& changes,
                                           const Sink& sink) {
  // Names are given up before any is taken, since one organization may take another's old name.
  std::vector<verify::OrganizationItem> taken;
  for (const core::OrganizationId id : changes.organizations) {
    LK_TRY(const auto row, store::find_organization(tx, id));
    const bool active = row && is_active(*row);
    const std::string key = active ? core::organization_key(row->name) : "";
    const auto old = name_keys_.find(id);
    if (old != name_keys_.end() && old->second != key) {
      sink(verify::OrganizationItem{id, old->second, false});
      name_keys_.erase(old);
    }
    if (active) taken.push_back({id, key, true});
  }
  for (const verify::OrganizationItem& item : taken) {
    name_keys_[item.organization] = item.name_key;
    sink(item);
  }
  return {};
}

Result<void> StoreFeed::give_memberships(store::ReadTx& tx, const Changes& changes,
                                         const Sink& sink) {
  auto affected = changes.memberships;
  for (const core::PersonId person : changes.people) {
    LK_TRY(const auto rows, store::list_memberships_of(tx, person));
    for (const core::Membership& row : rows) affected.emplace(row.organization, row.person);
  }
  for (const core::OrganizationId organization : changes.organizations) {
    std::string after_email_key;
    while (true) {
      LK_TRY(const auto rows, store::list_members(tx, organization, after_email_key, kMembersPage));
      for (const auto& row : rows) affected.emplace(organization, row.membership.person);
      if (rows.size() < kMembersPage) break;
      after_email_key = core::email_key(rows.back().person.email);
    }
  }
  for (const auto& [organization_id, person_id] : affected) {
    LK_TRY(const auto membership, store::find_membership(tx, organization_id, person_id));
    LK_TRY(const auto person, store::find_person(tx, person_id));
    LK_TRY(const auto organization, store::find_organization(tx, organization_id));
    verify::MembershipItem item{organization_id, person_id, false, {}};
    if (membership) item.mask = core::role_mask(dependencies_.catalog, membership->role);
    item.active = membership && person && person->person.state == core::PersonState::active &&
                  organization && is_active(*organization);
    sink(item);
  }
  return {};
}

Result<void> StoreFeed::give_token(store::ReadTx& tx, core::TokenId id, const Sink& sink) {
  LK_TRY(const auto row, store::find_token(tx, id));
  if (!row) {
    tampered_.fetch_add(1);
    dependencies_.log.error("feed.token_row_missing", {{"token", core::format_id(id)}});
    return {};
  }
  if (const auto item = check(tx, *row)) {
    sink(*item);
    return {};
  }
  // An earlier, good form may be in the index: what is no longer trusted ends there.
  sink(verify::TokenItem{row->token.id,
                         row->token.organization,
                         row->token.owner,
                         row->token.digest,
                         {},
                         row->token.valid_to,
                         core::TokenState::revoked});
  return {};
}

Result<void> StoreFeed::give_retired(store::ReadTx& tx, const core::Event& event,
                                     const Sink& sink) {
  LK_TRY(const auto item, retired_item(tx, event));
  if (item) sink(*item);
  return {};
}

}  // namespace latchkey::app
