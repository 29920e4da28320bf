#include "service/projects.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "core/role.h"
#include "service/access.h"

namespace latchkey::service {
namespace {

constexpr int kPageMax = 1'000;
constexpr int kSkipMax = 1'000'000;
constexpr Milliseconds kOperationsKept = std::chrono::days(7);
constexpr size_t kPropertiesMax = 100;
constexpr size_t kPropertyNameMax = 256;      // characters
constexpr size_t kPropertyValueMax = 16'384;  // bytes

enum class Reach { all, public_only };

// Without words of its own: every refusal of this kind must read the same (rule O9).
Error organization_unknown() { return Error(ErrorCode::organization_unknown); }

// Without words of its own, as above.
Error credential_missing() { return Error(ErrorCode::credential_missing); }

Error project_unknown() {
  return Error(ErrorCode::project_unknown, "There is no such project in this organization.");
}

// What someone who sees public projects only is told when there is none to see. A member of nothing
// here must not learn more than that.
Error nothing_public(const Actor* actor) {
  return actor == nullptr ? credential_missing() : organization_unknown();
}

// How much of `organization` the caller sees. Errors: organization_unknown.
Result<Reach> load_reach(store::ReadTx& tx, const Actor* actor, core::OrganizationId id) {
  LK_TRY(const auto organization, store::find_organization(tx, id));
  if (!organization || organization->state != core::OrganizationState::active) {
    return organization_unknown();
  }
  if (actor == nullptr) return Reach::public_only;
  LK_TRY(const auto role, find_role(tx, *actor, id));
  const bool reads = role && core::role_allows(*role, core::Permission::read_organization);
  return reads ? Reach::all : Reach::public_only;
}

bool is_deleted(const core::Project& project) {
  return project.state == core::ProjectState::deleted;
}

// A project that was deleted so long ago that nobody can restore it is gone for everybody.
bool is_gone(const core::Project& project, Instant now) {
  core::UpdateProject restore;
  restore.restore = true;
  return is_deleted(project) && !core::decide_update_project(project, restore, now);
}

// The project `id` of `organization`, deleted or not, but not when it is gone.
Result<core::Project> load_project(store::ReadTx& tx, core::OrganizationId organization,
                                   core::ProjectId id, Instant now) {
  LK_TRY(auto project, store::find_project(tx, id));
  if (!project || project->organization != organization || is_gone(*project, now)) {
    return project_unknown();
  }
  return *std::move(project);
}

Result<core::Project> load_undeleted(store::ReadTx& tx, core::OrganizationId organization,
                                     core::ProjectId id, Instant now) {
  LK_TRY(auto project, load_project(tx, organization, id, now));
  if (is_deleted(project)) return project_unknown();
  return project;
}

Result<core::Project> load_by_id_or_name(store::ReadTx& tx, core::OrganizationId organization,
                                         const std::string& id_or_name, Instant now) {
  if (const auto id = core::parse_id<core::ProjectId>(id_or_name)) {
    return load_project(tx, organization, *id, now);  // no name has the form of an id
  }
  LK_TRY(auto named, store::find_project_by_key(tx, organization, core::project_key(id_or_name)));
  if (!named) return project_unknown();
  return *std::move(named);
}

std::vector<core::ProjectState> states_of(const ProjectListQuery& query, Reach reach) {
  using core::ProjectState;
  std::vector<ProjectState> states = query.states;
  // The contract's "all" is all but deleted.
  if (states.empty()) {
    states = {ProjectState::deleting, ProjectState::new_project, ProjectState::well_formed,
              ProjectState::create_pending};
  }
  if (reach == Reach::public_only) std::erase(states, ProjectState::deleted);
  return states;
}

// A page of what `asked` selects. Deleted projects are filtered by age here, so they are counted
// here too; the others are skipped by the store.
Result<ProjectList> load_page(store::ReadTx& tx, store::ProjectQuery asked,
                              const ProjectListQuery& query, Instant now) {
  ProjectList list;
  if (asked.states.empty()) return list;
  const bool filters =
      std::ranges::find(asked.states, core::ProjectState::deleted) != asked.states.end();
  int to_skip = filters ? query.skip : 0;
  asked.skip = filters ? 0 : query.skip;
  asked.limit = filters ? kPageMax : query.top + 1;
  while (true) {
    LK_TRY(auto projects, store::list_projects(tx, asked));
    for (core::Project& project : projects) {
      if (is_gone(project, now)) continue;
      if (to_skip > 0) {
        --to_skip;
        continue;
      }
      if (list.projects.size() == static_cast<size_t>(query.top)) {
        list.has_more = true;
        return list;
      }
      list.projects.push_back(std::move(project));
    }
    if (projects.size() < static_cast<size_t>(asked.limit)) return list;
    asked.skip += asked.limit;
  }
}

core::EventDraft draft_of(core::Action action, const Actor& actor, const core::Project& project,
                          const json::object& data) {
  return {.action = action,
          .organization = project.organization,
          .actor = actor.person(),
          .subjects = {{core::SubjectKind::project, project.id.uuid}},
          .data = format_json(data)};
}

std::string event_names(const core::Project& project, const std::string& name_before) {
  json::object names{{"ProjectName", project.name}};
  if (name_before != project.name) names["PreviousProjectName"] = name_before;
  return format_json(names);
}

constexpr const char* kChooseAnother = "; choose another";

// What writing a project's row gave, told so that the caller knows what to do.
Result<void> explain_taken_name(Result<void> written, const std::string& name,
                                std::string_view advice) {
  if (written || written.error().code != ErrorCode::already_exists) return written;
  return Error(
      ErrorCode::already_exists,
      "The organization has a project named '" + name + "' already" + std::string(advice) + ".",
      "name");
}

// The operation that answers a change: it is done when the answer is sent.
Result<store::OperationRow> insert_done_operation(const Dependencies& dependencies,
                                                  store::WriteTx& tx, const Actor& actor,
                                                  core::OrganizationId organization) {
  store::OperationRow row;
  LK_TRY(row.id, core::make_id<core::OperationId>(dependencies.entropy));
  row.organization = organization;
  row.person = actor.person().value_or(core::PersonId());
  row.status = "succeeded";
  row.created_at = tx.now();
  LK_CHECK(store::delete_operations_created_before(tx, tx.now() - kOperationsKept));
  LK_CHECK(store::insert_operation(tx, row));
  return row;
}

// Naming, showing and restoring a project is for those who manage projects.
core::Permission permission_for(const core::UpdateProject& request) {
  return request.name || request.visibility || request.restore ? core::Permission::manage_projects
                                                               : core::Permission::write_projects;
}

core::Project apply(const core::Project& project, const core::UpdateProject& request) {
  core::Project changed = project;
  if (request.name) changed.name = *request.name;
  if (request.abbreviation) changed.abbreviation = *request.abbreviation;
  if (request.description) changed.description = *request.description;
  if (request.visibility) changed.visibility = *request.visibility;
  if (request.restore) {
    changed.state = core::ProjectState::well_formed;
    changed.deleted_at.reset();
  }
  return changed;
}

json::object describe_update(const core::Project& before, const core::Project& after) {
  json::array changed;
  if (after.name != before.name) changed.emplace_back("name");
  if (after.abbreviation != before.abbreviation) changed.emplace_back("abbreviation");
  if (after.description != before.description) changed.emplace_back("description");
  json::object data;
  if (after.visibility != before.visibility) {
    changed.emplace_back("visibility");
    data["visibility"] = core::project_visibility_name(after.visibility);
  }
  data["changed"] = std::move(changed);
  return data;
}

Result<void> check_property(const Projects::PropertyChange& change) {
  if (change.name.empty() || !is_utf8(change.name) ||
      count_code_points(change.name) > kPropertyNameMax || has_control_character(change.name)) {
    return invalid_field("name", "must be 1 to 256 characters without control characters");
  }
  if (change.value_json && change.value_json->size() > kPropertyValueMax) {
    return invalid_field("value", "must be at most 16,384 bytes long");
  }
  return {};
}

// Applies `changes` to the rows and checks what they amount to.
Result<void> write_properties(store::WriteTx& tx, core::ProjectId id,
                              const std::vector<Projects::PropertyChange>& changes) {
  for (const Projects::PropertyChange& change : changes) {
    if (change.value_json) {
      LK_CHECK(store::put_project_property(tx, id, {change.name, *change.value_json}));
    } else {
      LK_CHECK(store::delete_project_property(tx, id, change.name));
    }
  }
  LK_TRY(const auto properties, store::list_project_properties(tx, id));
  if (properties.size() <= kPropertiesMax) return {};
  return invalid_field("name", "must not bring a project to more than 100 properties");
}

}  // namespace

Result<ProjectList> Projects::list(const Actor* actor, core::OrganizationId organization,
                                   const ProjectListQuery& query) {
  if (query.top < 1 || query.top > kPageMax) return invalid_field("$top", "must be 1 to 1000");
  if (query.skip < 0 || query.skip > kSkipMax) {
    return invalid_field("$skip", "must be 0 to 1000000");
  }
  const Instant now = dependencies_.clock.now();
  ProjectList list;
  const auto body = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const Reach reach, load_reach(tx, actor, organization));
    store::ProjectQuery asked;
    asked.organization = organization;
    asked.public_only = reach == Reach::public_only;
    asked.states = states_of(query, reach);
    LK_TRY(list, load_page(tx, asked, query, now));
    if (reach == Reach::all || !list.projects.empty()) return {};
    asked.states = states_of({}, reach);
    LK_TRY(const ProjectList any, load_page(tx, asked, {.states = {}, .top = 1, .skip = 0}, now));
    if (any.projects.empty()) return nothing_public(actor);
    return {};
  };
  LK_CHECK(dependencies_.store.read(body));
  return list;
}

Result<core::Project> Projects::get(const Actor* actor, core::OrganizationId organization,
                                    const std::string& id_or_name) {
  const Instant now = dependencies_.clock.now();
  core::Project found;
  const auto body = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const Reach reach, load_reach(tx, actor, organization));
    auto project = load_by_id_or_name(tx, organization, id_or_name, now);
    if (!project) {
      const bool absent = project.error().code == ErrorCode::project_unknown;
      if (absent && reach == Reach::public_only) return nothing_public(actor);
      return std::move(project).error();
    }
    const bool is_public =
        project->visibility == core::ProjectVisibility::public_project && !is_deleted(*project);
    if (reach == Reach::public_only && !is_public) return nothing_public(actor);
    found = *std::move(project);
    return {};
  };
  LK_CHECK(dependencies_.store.read(body));
  return found;
}

Result<Changed<ProjectOperation>> Projects::create(const Actor& actor,
                                                   core::OrganizationId organization,
                                                   const core::CreateProject& request) {
  LK_CHECK(core::decide_create_project(request));
  ProjectOperation outcome;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::manage_projects));
    core::Project project;
    LK_TRY(project.id, core::make_id<core::ProjectId>(dependencies_.entropy));
    LK_TRY(project.default_team, core::make_id<core::TeamId>(dependencies_.entropy));
    project.organization = organization;
    project.name = request.name;
    project.description = request.description;
    project.visibility = request.visibility;
    project.process_template_id = core::find_process_template(request.process_template_id)->id;
    project.source_control = request.source_control;
    project.created_at = tx.now();
    project.last_update_at = tx.now();
    const json::object data{{"visibility", core::project_visibility_name(project.visibility)}};
    LK_TRY(const core::Revision revision,
           tx.append(draft_of(core::Action::project_created, actor, project, data),
                     actor.event_context(event_names(project, project.name))));
    project.revision = revision.number;
    LK_CHECK(explain_taken_name(store::insert_project(tx, project), project.name, kChooseAnother));
    LK_TRY(outcome.operation, insert_done_operation(dependencies_, tx, actor, organization));
    outcome.project = project.id;
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<ProjectOperation>{std::move(outcome), committed.revision};
}

Result<Changed<ProjectOperation>> Projects::update(const Actor& actor,
                                                   core::OrganizationId organization,
                                                   core::ProjectId id,
                                                   const core::UpdateProject& request) {
  ProjectOperation outcome;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, permission_for(request)));
    LK_TRY(const auto before, load_project(tx, organization, id, tx.now()));
    LK_CHECK(core::decide_update_project(before, request, tx.now()));
    core::Project project = apply(before, request);
    project.last_update_at = tx.now();
    const auto action =
        request.restore ? core::Action::project_restored : core::Action::project_updated;
    LK_TRY(const core::Revision revision,
           tx.append(draft_of(action, actor, project, describe_update(before, project)),
                     actor.event_context(event_names(project, before.name))));
    project.revision = revision.number;
    LK_CHECK(explain_taken_name(store::update_project(tx, project), project.name,
                                request.restore
                                    ? "; restore this one under another name by giving a new 'name'"
                                    : kChooseAnother));
    LK_TRY(outcome.operation, insert_done_operation(dependencies_, tx, actor, organization));
    outcome.project = id;
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<ProjectOperation>{std::move(outcome), committed.revision};
}

Result<Changed<ProjectOperation>> Projects::remove(const Actor& actor,
                                                   core::OrganizationId organization,
                                                   core::ProjectId id) {
  ProjectOperation outcome;
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::manage_projects));
    LK_TRY(auto project, load_undeleted(tx, organization, id, tx.now()));
    project.state = core::ProjectState::deleted;
    project.deleted_at = tx.now();
    project.last_update_at = tx.now();
    LK_TRY(const core::Revision revision,
           tx.append(draft_of(core::Action::project_deleted, actor, project, {}),
                     actor.event_context(event_names(project, project.name))));
    project.revision = revision.number;
    LK_CHECK(store::update_project(tx, project));
    LK_TRY(outcome.operation, insert_done_operation(dependencies_, tx, actor, organization));
    outcome.project = id;
    return {};
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return Changed<ProjectOperation>{std::move(outcome), committed.revision};
}

Result<store::OperationRow> Projects::operation(const Actor& actor,
                                                core::OrganizationId organization,
                                                core::OperationId id) {
  store::OperationRow found;
  const auto body = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::read_organization));
    LK_TRY(auto row, store::find_operation(tx, id));
    if (!row || row->organization != organization) {
      return Error(ErrorCode::operation_unknown, "There is no such operation.");
    }
    found = *std::move(row);
    return {};
  };
  LK_CHECK(dependencies_.store.read(body));
  return found;
}

Result<std::vector<store::ProjectProperty>> Projects::properties(const Actor& actor,
                                                                 core::OrganizationId organization,
                                                                 core::ProjectId id) {
  const Instant now = dependencies_.clock.now();
  std::vector<store::ProjectProperty> properties;
  const auto body = [&](store::ReadTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::read_organization));
    LK_CHECK(load_undeleted(tx, organization, id, now));
    LK_TRY(properties, store::list_project_properties(tx, id));
    return {};
  };
  LK_CHECK(dependencies_.store.read(body));
  return properties;
}

Result<core::Revision> Projects::change_properties(const Actor& actor,
                                                   core::OrganizationId organization,
                                                   core::ProjectId id,
                                                   const std::vector<PropertyChange>& changes) {
  if (changes.empty() || changes.size() > kPropertiesMax) {
    return invalid_field("properties", "must be 1 to 100 changes");
  }
  for (const PropertyChange& change : changes) LK_CHECK(check_property(change));
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::write_projects));
    LK_TRY(auto project, load_undeleted(tx, organization, id, tx.now()));
    LK_CHECK(write_properties(tx, id, changes));
    json::array names;
    for (const PropertyChange& change : changes) names.emplace_back(change.name);
    const json::object context{{"ProjectName", project.name}, {"PropertyNames", names}};
    const json::object data{{"changes", changes.size()}};
    LK_TRY(const core::Revision revision,
           tx.append(draft_of(core::Action::project_properties_changed, actor, project, data),
                     actor.event_context(format_json(context))));
    project.revision = revision.number;
    project.last_update_at = tx.now();
    return store::update_project(tx, project);
  };
  LK_TRY(const store::Committed committed, dependencies_.store.write(body));
  return committed.revision;
}

}  // namespace latchkey::service
