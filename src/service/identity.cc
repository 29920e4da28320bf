// Set-up, and what operators do with people.
#include "service/identity.h"

#include "base/json.h"
#include "service/access.h"
#include "service/identity_parts.h"
#include "service/passwords.h"
#include "store/organization_rows.h"

namespace latchkey::service {
namespace {

using identity::SessionSeed;

constexpr int kPageSize = 500;

Error already_set_up() {
  return Error(ErrorCode::conflict, "This installation has been set up already.");
}

Error person_unknown() { return Error(ErrorCode::person_unknown, "There is no such person."); }

// What was made for the first person before the transaction.
struct FirstPerson {
  core::PersonId person;
  core::OrganizationId organization;
  std::string password_hash;
};

Result<void> insert_first(store::WriteTx& tx, const core::Person& person,
                          const core::Organization& organization, const FirstPerson& made) {
  LK_CHECK(store::insert_person(
      tx,
      {.person = person, .password_hash = made.password_hash, .password_changed_at = tx.now()}));
  LK_CHECK(store::insert_organization(tx, organization));
  return store::upsert_membership(tx, {.organization = organization.id,
                                       .person = person.id,
                                       .role = core::Role::owner,
                                       .created_at = tx.now()});
}

Result<void> append_first(store::WriteTx& tx, const core::Person& person,
                          const core::Organization& organization, const RequestOrigin& origin) {
  const std::string names = identity::names_json({{"DisplayName", person.display_name},
                                                  {"Email", person.email},
                                                  {"OrganizationName", organization.name}});
  const core::EventContext context = identity::origin_context(origin, "setup", names);
  core::EventDraft draft{.action = core::Action::person_created,
                         .organization = std::nullopt,
                         .actor = person.id,
                         .subjects = {{core::SubjectKind::person, person.id.uuid}}};
  LK_CHECK(tx.append(draft, context));
  draft.action = core::Action::organization_created;
  draft.organization = organization.id;
  draft.subjects = {{core::SubjectKind::organization, organization.id.uuid}};
  LK_CHECK(tx.append(draft, context));
  draft.action = core::Action::member_added;
  draft.subjects = {{core::SubjectKind::membership, person.id.uuid}};
  draft.data = R"({"role":"owner"})";
  LK_CHECK(tx.append(draft, context));
  return {};
}

// Whether another active operator than `person` exists.
Result<bool> has_other_operator(store::ReadTx& tx, core::PersonId person) {
  bool found = false;
  LK_CHECK(store::for_each_person(tx, [&](const core::Person& other) -> Result<void> {
    found |= other.id != person && other.is_operator && other.state == core::PersonState::active;
    return {};
  }));
  return found;
}

Result<void> decide_disable(store::ReadTx& tx, const Actor& actor, const core::Person& person) {
  if (actor.person() == person.id) {
    return Error(ErrorCode::conflict, "Operators cannot disable themselves.");
  }
  if (!person.is_operator) return {};
  LK_TRY(const bool other, has_other_operator(tx, person.id));
  if (!other) return Error(ErrorCode::conflict, "The last operator cannot be disabled.");
  return {};
}

}  // namespace

Identity::Identity(const Dependencies& dependencies, const IdentityOptions& options)
    : dependencies_(dependencies),
      options_(options),
      per_account_(dependencies.clock, options.per_account),
      per_address_(dependencies.clock, options.per_address) {}

Result<bool> Identity::needs_set_up() {
  bool nobody = false;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const uint64_t people, store::count_people(tx));
    nobody = people == 0;
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return nobody;
}

Result<Changed<IssuedSession>> Identity::set_up(const SetUp& request, const RequestOrigin& origin) {
  LK_CHECK(per_address_.take(identity::source_key(origin.address)));
  const auto digest = identity::find_digest(request.code, identity::kLinkPrefix);
  if (!digest) return identity::link_unknown();
  // The link is looked at before anything costs a hash, and again where it is used.
  const auto check_link = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(
        identity::require_link(tx, *digest, store::LinkKind::setup, dependencies_.clock.now()));
    LK_TRY(const uint64_t people, store::count_people(tx));
    if (people != 0) return already_set_up();
    return {};
  };
  LK_CHECK(dependencies_.store.read(check_link));
  LK_CHECK(core::check_organization_name(request.organization, "organization"));
  LK_CHECK(core::check_email(request.email));
  LK_CHECK(core::check_display_name(request.display_name));
  LK_CHECK(core::check_password(request.password, request.email));

  FirstPerson made;
  LK_TRY(made.person, core::make_id<core::PersonId>(dependencies_.entropy));
  LK_TRY(made.organization, core::make_id<core::OrganizationId>(dependencies_.entropy));
  LK_TRY(made.password_hash, hash_password(request.password));
  LK_TRY(SessionSeed seed, identity::make_session_seed(dependencies_.entropy));

  core::Person person;
  store::SessionRow session;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(check_link(tx));
    person = {.id = made.person,
              .email = request.email,
              .display_name = request.display_name,
              .is_operator = true,
              .created_at = tx.now(),
              .last_sign_in_at = tx.now()};
    const core::Organization organization{.id = made.organization,
                                          .name = request.organization,
                                          .created_at = tx.now(),
                                          .deleted_at = std::nullopt};
    LK_CHECK(store::delete_links(tx, store::LinkKind::setup, std::nullopt));
    LK_CHECK(insert_first(tx, person, organization, made));
    LK_CHECK(append_first(tx, person, organization, origin));
    LK_TRY(session, identity::start_session(
                        tx, {person, seed, origin, "setup", options_.session_absolute_max}));
    return {};
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<IssuedSession>{{session, person, std::move(seed.text)}, committed.revision};
}

Result<std::vector<core::Person>> Identity::people(const Actor& actor) {
  std::vector<core::Person> people;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_operator(tx, actor));
    std::string after;
    for (;;) {
      LK_TRY(auto page, store::list_people(tx, after, kPageSize));
      for (auto& row : page) people.push_back(std::move(row.person));
      if (page.size() < static_cast<size_t>(kPageSize)) return {};
      after = core::email_key(people.back().email);
    }
  };
  LK_CHECK(dependencies_.store.read(load));
  return people;
}

Result<core::Person> Identity::find_person(const Actor& actor, const std::string& id_or_email) {
  std::optional<store::PersonRow> row;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_operator(tx, actor));
    if (const auto id = core::parse_id<core::PersonId>(id_or_email)) {
      LK_TRY(row, store::find_person(tx, *id));
    } else {
      LK_TRY(row, store::find_person_by_email(tx, core::email_key(id_or_email)));
    }
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  if (!row) return person_unknown();
  return std::move(row->person);
}

Result<core::Revision> Identity::set_disabled(const Actor& actor, core::PersonId id,
                                              bool disabled) {
  const auto state = disabled ? core::PersonState::disabled : core::PersonState::active;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_operator(tx, actor));
    LK_TRY(auto row, store::find_person(tx, id));
    if (!row) return person_unknown();
    if (row->person.state == state) return {};
    if (disabled) LK_CHECK(decide_disable(tx, actor, row->person));
    row->person.state = state;
    LK_CHECK(store::update_person(tx, *row));
    const core::EventDraft draft{
        .action = disabled ? core::Action::person_disabled : core::Action::person_enabled,
        .organization = std::nullopt,
        .actor = actor.person(),
        .subjects = {{core::SubjectKind::person, id.uuid}}};
    const auto context = actor.event_context(identity::person_names(row->person));
    LK_CHECK(tx.append(draft, context));
    if (!disabled) return {};
    return identity::end_all_sessions(tx, id, actor.person(), context);
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return committed.revision;
}

}  // namespace latchkey::service
