#include "service/projects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "service/world_for_test.h"
#include "store/event_rows.h"

namespace latchkey::service {
namespace {

using core::ProjectState;
using core::Role;
using testing::HasSubstr;
using Names = std::vector<std::string>;

constexpr Milliseconds kDay = std::chrono::days(1);

template <class T>
ErrorCode code_of(const Result<T>& result) {
  return result ? ErrorCode::configuration : result.error().code;
}

class ProjectsTest : public testing::Test {
 protected:
  core::CreateProject request(const std::string& name) {
    return {.name = name,
            .description = "",
            .process_template_id = std::string(core::process_templates()[0].id)};
  }
  core::ProjectId make(const std::string& name, core::ProjectVisibility visibility = kPrivate) {
    auto asked = request(name);
    asked.visibility = visibility;
    return World::must(projects.create(admin, organization, asked)).value.project;
  }
  core::Project load(core::ProjectId id) {
    return World::must(projects.get(&admin, organization, core::format_id(id)));
  }
  static core::UpdateProject renaming(const std::string& name) {
    core::UpdateProject change;
    change.name = name;
    return change;
  }
  static core::UpdateProject restoring() {
    core::UpdateProject change;
    change.restore = true;
    return change;
  }
  Names names(const Actor* actor, ProjectListQuery query = {}) {
    Names found;
    for (const auto& project : World::must(projects.list(actor, organization, query)).projects) {
      found.push_back(project.name);
    }
    return found;
  }
  ProjectListQuery with_state(ProjectState state) {
    ProjectListQuery query;
    query.states = {state};
    return query;
  }

  static constexpr auto kPrivate = core::ProjectVisibility::private_project;
  static constexpr auto kPublic = core::ProjectVisibility::public_project;
  World world;
  core::OrganizationId organization = world.add_organization("fabrikam");
  core::OrganizationId elsewhere = world.add_organization("contoso");
  Actor reader = world.member(organization, "reader", Role::reader);
  Actor member = world.member(organization, "member", Role::member);
  Actor admin = world.member(organization, "admin", Role::administrator);
  Actor stranger = world.member(elsewhere, "stranger", Role::owner);
  Projects projects{world.dependencies()};
};

TEST_F(ProjectsTest, CreateMakesAWholeProjectAndADoneOperation) {
  auto asked = request("Tailspin");
  asked.description = "Toys";
  asked.process_template_id = "B8A3A935-7E91-48B8-A94C-606D37C3E9F2";
  const auto created = World::must(projects.create(admin, organization, asked));
  const auto project = load(created.value.project);
  EXPECT_EQ(project.name, "Tailspin");
  EXPECT_EQ(project.description, "Toys");
  EXPECT_EQ(project.state, ProjectState::well_formed);
  EXPECT_EQ(project.visibility, kPrivate);
  EXPECT_EQ(project.process_template_id, "b8a3a935-7e91-48b8-a94c-606d37c3e9f2");
  EXPECT_FALSE(project.default_team.is_nil());
  EXPECT_EQ(project.revision, created.revision.number);
  EXPECT_EQ(project.created_at, world.clock.now());
  EXPECT_EQ(project.last_update_at, world.clock.now());

  const auto operation =
      World::must(projects.operation(reader, organization, created.value.operation.id));
  EXPECT_EQ(operation.status, "succeeded");
  EXPECT_EQ(operation.person, *admin.person());

  const auto events = world.events_after({created.revision.number - 1});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::project_created);
  EXPECT_EQ(events[0].draft.actor, admin.person());
  EXPECT_THAT(events[0].draft.data, testing::Not(HasSubstr("Tailspin")));
  World::check(world.store().read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const auto stored, store::find_event_context(tx, created.revision));
    EXPECT_EQ(stored->context.names, R"({"ProjectName":"Tailspin"})");
    return {};
  }));
}

TEST_F(ProjectsTest, CreateRefusesWhatTheRulesRefuse) {
  const auto before = world.store().head().revision;
  EXPECT_EQ(code_of(projects.create(admin, organization, request("a/b"))),
            ErrorCode::invalid_argument);
  auto asked = request("fine");
  asked.process_template_id = "none";
  EXPECT_EQ(code_of(projects.create(admin, organization, asked)), ErrorCode::invalid_argument);
  EXPECT_EQ(world.store().head().revision, before);
}

TEST_F(ProjectsTest, NamesAreUniqueWithoutCaseAmongWhatIsNotDeleted) {
  const auto first = make("Tailspin");
  const auto second = make("Other");
  const auto taken = projects.create(admin, organization, request("tailSPIN"));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::already_exists);
  EXPECT_EQ(taken.error().field, "name");
  EXPECT_EQ(code_of(projects.update(admin, organization, second, renaming("TAILSPIN"))),
            ErrorCode::already_exists);
  // Another writing of one's own name is free.
  EXPECT_TRUE(projects.update(admin, organization, first, renaming("TAILSPIN")));
  World::must(projects.remove(admin, organization, first));
  EXPECT_TRUE(projects.create(admin, organization, request("Tailspin")));
}

TEST_F(ProjectsTest, NamesAreFreeInAnotherOrganization) {
  make("Tailspin");
  EXPECT_TRUE(projects.create(stranger, elsewhere, request("Tailspin")));
}

TEST_F(ProjectsTest, WhatEachRoleMayDo) {
  const auto id = make("Tailspin");
  core::UpdateProject describe;
  describe.description = "Toys";
  core::UpdateProject publish;
  publish.visibility = kPublic;
  const auto allowed = [&](const Actor& actor) {
    std::string letters;
    const auto try_it = [&](char letter, const auto& result) {
      if (result)
        letters += letter;
      else
        EXPECT_EQ(result.error().code, ErrorCode::permission_denied) << letter;
    };
    try_it('g', projects.get(&actor, organization, "tailspin"));
    try_it('p', projects.properties(actor, organization, id));
    try_it('d', projects.update(actor, organization, id, describe));
    try_it('P', projects.change_properties(actor, organization, id, {{"key", "1"}}));
    try_it('v', projects.update(actor, organization, id, publish));
    try_it('n', projects.update(actor, organization, id, renaming("Tailspin")));
    try_it('c', projects.create(actor, organization, request("new")));
    try_it('x', projects.remove(actor, organization, id));
    try_it('r', projects.update(actor, organization, id, restoring()).has_value()
                    ? projects.update(actor, organization, id, describe)
                    : projects.remove(actor, organization, id));
    return letters;
  };
  EXPECT_EQ(allowed(reader), "gp");
  EXPECT_EQ(allowed(member), "gpdP");
  EXPECT_EQ(allowed(admin), "gpdPvncxr");
}

TEST_F(ProjectsTest, ATokenHasItsOwnersRoleInItsOwnOrganizationOnly) {
  make("Tailspin");
  const auto by_token = [&](const Actor& owner, core::OrganizationId where) {
    return ActorForTests::token(
        {*owner.person(), core::TokenId{Uuid{{1}}}, where, core::ScopeSet::all()});
  };
  const Actor readers = by_token(reader, organization);
  EXPECT_EQ(names(&readers), Names({"Tailspin"}));
  EXPECT_EQ(code_of(projects.create(readers, organization, request("new"))),
            ErrorCode::permission_denied);
  EXPECT_TRUE(projects.create(by_token(admin, organization), organization, request("new")));
  EXPECT_EQ(code_of(projects.create(by_token(admin, elsewhere), organization, request("more"))),
            ErrorCode::organization_unknown);
}

TEST_F(ProjectsTest, StrangersSeePublicProjectsOnly) {
  const auto hidden = make("Hidden");
  for (const Actor* actor :
       {static_cast<const Actor*>(nullptr), static_cast<const Actor*>(&stranger)}) {
    const auto nothing =
        actor == nullptr ? ErrorCode::credential_missing : ErrorCode::organization_unknown;
    EXPECT_EQ(code_of(projects.list(actor, organization, {})), nothing);
    EXPECT_EQ(code_of(projects.get(actor, organization, "Hidden")), nothing);
    EXPECT_EQ(code_of(projects.get(actor, organization, core::format_id(hidden))), nothing);
    EXPECT_EQ(code_of(projects.get(actor, organization, "Absent")), nothing);
  }
  const auto open = make("Open", kPublic);
  for (const Actor* actor :
       {static_cast<const Actor*>(nullptr), static_cast<const Actor*>(&stranger)}) {
    const auto nothing =
        actor == nullptr ? ErrorCode::credential_missing : ErrorCode::organization_unknown;
    EXPECT_EQ(names(actor), Names({"Open"}));
    EXPECT_TRUE(projects.get(actor, organization, "open"));
    EXPECT_EQ(code_of(projects.get(actor, organization, "Hidden")), nothing);
    ProjectListQuery past_the_end;
    past_the_end.skip = 5;
    EXPECT_EQ(names(actor, past_the_end), Names());
    EXPECT_EQ(names(actor, with_state(ProjectState::deleted)), Names());
  }
  World::must(projects.remove(admin, organization, open));
  EXPECT_EQ(code_of(projects.get(nullptr, organization, core::format_id(open))),
            ErrorCode::credential_missing);
  EXPECT_EQ(code_of(projects.list(nullptr, organization, with_state(ProjectState::deleted))),
            ErrorCode::credential_missing);
}

TEST_F(ProjectsTest, StrangersChangeNothingNotEvenPublicProjects) {
  const auto open = make("Open", kPublic);
  const auto unknown = ErrorCode::organization_unknown;
  EXPECT_EQ(code_of(projects.create(stranger, organization, request("new"))), unknown);
  EXPECT_EQ(code_of(projects.update(stranger, organization, open, renaming("x"))), unknown);
  EXPECT_EQ(code_of(projects.remove(stranger, organization, open)), unknown);
  EXPECT_EQ(code_of(projects.properties(stranger, organization, open)), unknown);
  EXPECT_EQ(code_of(projects.change_properties(stranger, organization, open, {{"a", "1"}})),
            unknown);
}

TEST_F(ProjectsTest, ADeletedOrganizationHasNoProjects) {
  make("Open", kPublic);
  world.delete_organization(organization);
  EXPECT_EQ(code_of(projects.list(nullptr, organization, {})), ErrorCode::organization_unknown);
  EXPECT_EQ(code_of(projects.list(&admin, organization, {})), ErrorCode::organization_unknown);
  EXPECT_EQ(code_of(projects.get(&admin, organization, "Open")), ErrorCode::organization_unknown);
}

TEST_F(ProjectsTest, AProjectOfAnotherOrganizationIsUnknown) {
  const auto id = make("Tailspin");
  world.set_role(elsewhere, *admin.person(), Role::owner);
  const auto unknown = ErrorCode::project_unknown;
  EXPECT_EQ(code_of(projects.get(&admin, elsewhere, core::format_id(id))), unknown);
  EXPECT_EQ(code_of(projects.update(admin, elsewhere, id, renaming("x"))), unknown);
  EXPECT_EQ(code_of(projects.remove(admin, elsewhere, id)), unknown);
  EXPECT_EQ(code_of(projects.properties(admin, elsewhere, id)), unknown);
  EXPECT_EQ(code_of(projects.change_properties(admin, elsewhere, id, {{"a", "1"}})), unknown);
}

TEST_F(ProjectsTest, UpdateChangesWhatIsGiven) {
  const auto id = make("Tailspin");
  const auto before = load(id);
  world.clock.advance(kDay);
  core::UpdateProject change;
  change.description = "Toys";
  change.abbreviation = "TT";
  const auto updated = World::must(projects.update(member, organization, id, change));
  const auto project = load(id);
  EXPECT_EQ(project.name, before.name);
  EXPECT_EQ(project.description, "Toys");
  EXPECT_EQ(project.abbreviation, "TT");
  EXPECT_EQ(project.revision, updated.revision.number);
  EXPECT_EQ(project.last_update_at, world.clock.now());
  EXPECT_EQ(project.created_at, before.created_at);
  EXPECT_EQ(project.default_team, before.default_team);
  const auto events = world.events_after({updated.revision.number - 1});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::project_updated);
  EXPECT_EQ(events[0].draft.data, R"({"changed":["abbreviation","description"]})");
}

TEST_F(ProjectsTest, ADeletedProjectIsFoundByIdAndCanBeRestored) {
  const auto id = make("Tailspin");
  World::must(projects.remove(admin, organization, id));
  EXPECT_EQ(code_of(projects.get(&admin, organization, "Tailspin")), ErrorCode::project_unknown);
  EXPECT_EQ(load(id).state, ProjectState::deleted);
  EXPECT_EQ(names(&admin), Names());
  EXPECT_EQ(names(&admin, with_state(ProjectState::deleted)), Names({"Tailspin"}));
  // Nothing but restoring it.
  EXPECT_EQ(code_of(projects.remove(admin, organization, id)), ErrorCode::project_unknown);
  EXPECT_EQ(code_of(projects.update(admin, organization, id, renaming("x"))), ErrorCode::conflict);
  EXPECT_EQ(code_of(projects.properties(admin, organization, id)), ErrorCode::project_unknown);
  EXPECT_EQ(code_of(projects.change_properties(admin, organization, id, {{"a", "1"}})),
            ErrorCode::project_unknown);

  const auto restored = World::must(projects.update(admin, organization, id, restoring()));
  EXPECT_EQ(load(id).state, ProjectState::well_formed);
  EXPECT_FALSE(load(id).deleted_at);
  EXPECT_EQ(names(&admin), Names({"Tailspin"}));
  const auto events = world.events_after({restored.revision.number - 1});
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].draft.action, core::Action::project_restored);
  EXPECT_EQ(code_of(projects.update(admin, organization, id, restoring())), ErrorCode::conflict);
}

TEST_F(ProjectsTest, RestoringUnderATakenNameNeedsANewOne) {
  const auto id = make("Tailspin");
  World::must(projects.remove(admin, organization, id));
  make("tailspin");
  const auto taken = projects.update(admin, organization, id, restoring());
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::already_exists);
  EXPECT_EQ(taken.error().field, "name");
  EXPECT_THAT(taken.error().message, HasSubstr("another name"));
  EXPECT_EQ(load(id).state, ProjectState::deleted);
  auto change = restoring();
  change.name = "Tailspin 2";
  EXPECT_TRUE(projects.update(admin, organization, id, change));
  EXPECT_EQ(load(id).name, "Tailspin 2");
}

TEST_F(ProjectsTest, ADeletedProjectIsGoneAfter28Days) {
  const auto id = make("Tailspin");
  World::must(projects.remove(admin, organization, id));
  world.clock.advance(28 * kDay - Milliseconds(1));
  EXPECT_EQ(names(&admin, with_state(ProjectState::deleted)), Names({"Tailspin"}));
  world.clock.advance(Milliseconds(1));
  EXPECT_EQ(names(&admin, with_state(ProjectState::deleted)), Names());
  EXPECT_EQ(code_of(projects.get(&admin, organization, core::format_id(id))),
            ErrorCode::project_unknown);
  EXPECT_EQ(code_of(projects.update(admin, organization, id, restoring())),
            ErrorCode::project_unknown);
}

TEST_F(ProjectsTest, ListPages) {
  for (const char* name : {"e", "b", "D", "a", "C"}) make(name);
  ProjectListQuery query;
  query.top = 2;
  EXPECT_EQ(names(&reader, query), Names({"a", "b"}));
  EXPECT_TRUE(World::must(projects.list(&reader, organization, query)).has_more);
  query.skip = 4;
  EXPECT_EQ(names(&reader, query), Names({"e"}));
  EXPECT_FALSE(World::must(projects.list(&reader, organization, query)).has_more);
  query.skip = 3;
  EXPECT_FALSE(World::must(projects.list(&reader, organization, query)).has_more);
}

TEST_F(ProjectsTest, ListPagesOverDeletedOnesThatAreGone) {
  for (const char* name : {"a", "c", "e"}) {
    World::must(projects.remove(admin, organization, make(name)));
  }
  world.clock.advance(28 * kDay);
  for (const char* name : {"b", "d", "f"}) {
    World::must(projects.remove(admin, organization, make(name)));
  }
  auto query = with_state(ProjectState::deleted);
  query.top = 2;
  EXPECT_EQ(names(&reader, query), Names({"b", "d"}));
  EXPECT_TRUE(World::must(projects.list(&reader, organization, query)).has_more);
  query.skip = 2;
  EXPECT_EQ(names(&reader, query), Names({"f"}));
  EXPECT_FALSE(World::must(projects.list(&reader, organization, query)).has_more);
}

TEST_F(ProjectsTest, ListChecksItsBounds) {
  ProjectListQuery query;
  for (const int top : {0, 1'001}) {
    query.top = top;
    EXPECT_EQ(code_of(projects.list(&reader, organization, query)), ErrorCode::invalid_argument);
  }
  query.top = 10;
  query.skip = -1;
  EXPECT_EQ(code_of(projects.list(&reader, organization, query)), ErrorCode::invalid_argument);
}

TEST_F(ProjectsTest, OperationsAreOfOneOrganizationAndEnd) {
  const auto created = World::must(projects.create(admin, organization, request("Tailspin")));
  const auto id = created.value.operation.id;
  EXPECT_EQ(code_of(projects.operation(stranger, elsewhere, id)), ErrorCode::operation_unknown);
  EXPECT_EQ(code_of(projects.operation(stranger, organization, id)),
            ErrorCode::organization_unknown);
  EXPECT_TRUE(projects.operation(reader, organization, id));
  world.clock.advance(7 * kDay + Milliseconds(1));
  make("another");
  EXPECT_EQ(code_of(projects.operation(reader, organization, id)), ErrorCode::operation_unknown);
}

TEST_F(ProjectsTest, PropertiesAreSetAndRemoved) {
  const auto id = make("Tailspin");
  const auto first = World::must(
      projects.change_properties(member, organization, id, {{"a", "1"}, {"b", R"("two")"}}));
  EXPECT_EQ(load(id).revision, first.number);
  World::must(projects.change_properties(
      member, organization, id, {{"a", std::nullopt}, {"b", "3"}, {"absent", std::nullopt}}));
  const auto properties = World::must(projects.properties(reader, organization, id));
  ASSERT_EQ(properties.size(), 1u);
  EXPECT_EQ(properties[0].name, "b");
  EXPECT_EQ(properties[0].value_json, "3");
}

TEST_F(ProjectsTest, PropertiesAreBounded) {
  const auto id = make("Tailspin");
  const auto refused = [&](const std::vector<Projects::PropertyChange>& changes) {
    return code_of(projects.change_properties(member, organization, id, changes)) ==
           ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused({{"", "1"}}));
  EXPECT_TRUE(refused({{"a\nb", "1"}}));
  EXPECT_TRUE(refused({{"\xff", "1"}}));
  EXPECT_TRUE(refused({{std::string(257, 'x'), "1"}}));
  EXPECT_TRUE(refused({{"a", std::string(16'385, '1')}}));
  EXPECT_TRUE(refused(std::vector<Projects::PropertyChange>(101, {"a", "1"})));
  EXPECT_FALSE(refused({{std::string(256, 'x'), std::string(16'384, '1')}}));
  std::vector<Projects::PropertyChange> many;
  for (int i = 0; i < 99; ++i) many.push_back({std::to_string(i), "1"});
  EXPECT_FALSE(refused(many));
  const auto before = world.store().head().revision;
  EXPECT_TRUE(refused({{"one too many", "1"}}));
  EXPECT_EQ(world.store().head().revision, before);
  EXPECT_EQ(World::must(projects.properties(reader, organization, id)).size(), 100u);
  EXPECT_FALSE(refused({{"one for another", "1"}, {"0", std::nullopt}}));
}

TEST_F(ProjectsTest, TheConsoleManagesProjects) {
  const auto created =
      World::must(projects.create(ActorForTests::console(), organization, request("Tailspin")));
  EXPECT_TRUE(created.value.operation.person.is_nil());
  EXPECT_TRUE(
      projects.operation(ActorForTests::console(), organization, created.value.operation.id));
}

// Fails the n-th call of the engine and all after it, until the change goes through.
TEST_F(ProjectsTest, ChangesAreWholeOrNotAtAll) {
  const auto id = make("Tailspin");
  int made = 0;
  const std::vector<std::function<bool()>> changes = {
      [&] {
        return projects.create(admin, organization, request("p" + std::to_string(++made)))
            .has_value();
      },
      [&] { return projects.update(admin, organization, id, renaming("renamed")).has_value(); },
      [&] {
        return projects.change_properties(admin, organization, id, {{"a", "1"}, {"b", "2"}})
            .has_value();
      },
      [&] { return projects.remove(admin, organization, id).has_value(); },
      [&] { return projects.update(admin, organization, id, restoring()).has_value(); },
  };
  for (const auto& change : changes) {
    const auto listed = names(&admin).size();
    const auto before = load(id);
    const auto head = world.store().head().revision;
    int tries = 0;
    bool changed = false;
    while (!changed && tries < 100) {
      world.fault().arm(++tries, 1'000);
      changed = change();
      world.fault().disarm();
      if (changed) break;
      EXPECT_EQ(world.store().head().revision, head);
      EXPECT_EQ(load(id).revision, before.revision);
      EXPECT_EQ(load(id).name, before.name);
      EXPECT_EQ(load(id).state, before.state);
      EXPECT_EQ(names(&admin).size(), listed);
    }
    EXPECT_GT(tries, 5);
    EXPECT_EQ(world.store().head().revision.number, head.number + 1);
  }
  EXPECT_TRUE(store::verify_audit(world.store(), {}));
}

}  // namespace
}  // namespace latchkey::service
