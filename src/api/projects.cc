// Projects, operations and processes. Contract section 11; docs/spec/projects.md.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/call.h"
#include "api/wire.h"
#include "base/text.h"

namespace latchkey::api {
namespace {

// The organization as addresses name it, however the caller wrote it.
Result<std::string> organization_name(const Call& call) {
  LK_TRY(const auto id, call.organization());
  LK_TRY(const core::Organization organization,
         call.services().organizations.resolve(format_id(id)));
  return organization.name;
}

std::string project_url(const Call& call, const std::string& organization, core::ProjectId id) {
  return call.url("/" + organization + "/_apis/projects/" + format_id(id));
}

json::object reference_json(const Call& call, const std::string& organization,
                            const core::Project& project) {
  json::object body;
  body["id"] = format_id(project.id);
  body["name"] = project.name;
  if (!project.abbreviation.empty()) body["abbreviation"] = project.abbreviation;
  if (!project.description.empty()) body["description"] = project.description;
  body["url"] = project_url(call, organization, project.id);
  body["state"] = project_state_name(project.state);
  body["revision"] = project.revision;
  body["visibility"] = project_visibility_name(project.visibility);
  body["lastUpdateTime"] = format_date_time(project.last_update_at);
  return body;
}

json::object capabilities_json(const core::Project& project) {
  const core::ProcessTemplate* process = core::find_process_template(project.process_template_id);
  const bool git = project.source_control == core::SourceControl::git;
  json::object body;
  body["processTemplate"] = {{"templateName", process == nullptr ? "" : process->name},
                             {"templateTypeId", project.process_template_id}};
  // Strings, not booleans: the clients' types have it so.
  body["versioncontrol"] = {{"sourceControlType", git ? "Git" : "Tfvc"},
                            {"gitEnabled", git ? "True" : "False"},
                            {"tfvcEnabled", git ? "False" : "True"}};
  return body;
}

std::string default_team_name(const core::Project& project) { return project.name + " Team"; }

json::object team_json(const Call& call, const std::string& organization,
                       const core::Project& project) {
  json::object body;
  body["id"] = format_id(project.default_team);
  body["name"] = default_team_name(project);
  body["url"] =
      project_url(call, organization, project.id) + "/teams/" + format_id(project.default_team);
  return body;
}

json::object link(std::string url) { return {{"href", std::move(url)}}; }

json::object project_json(const Call& call, const std::string& organization,
                          const core::Project& project, bool with_capabilities) {
  json::object body = reference_json(call, organization, project);
  if (with_capabilities) body["capabilities"] = capabilities_json(project);
  json::object links;
  links["self"] = link(project_url(call, organization, project.id));
  links["collection"] = link(call.url("/" + organization + "/_apis/projectCollections/" +
                                      format_id(project.organization)));
  links["web"] = link(call.url("/" + organization + "/" + percent_encode(project.name)));
  body["_links"] = std::move(links);
  body["defaultTeam"] = team_json(call, organization, project);
  return body;
}

Result<std::vector<core::ProjectState>> read_state_filter(const Call& call) {
  using core::ProjectState;
  const std::string text = ascii_lower(call.parameter("stateFilter").value_or("wellformed"));
  if (text == "all" || text == "unchanged") return std::vector<ProjectState>();
  for (const ProjectState state :
       {ProjectState::deleting, ProjectState::new_project, ProjectState::well_formed,
        ProjectState::create_pending, ProjectState::deleted}) {
    if (text == ascii_lower(project_state_name(state))) return std::vector{state};
  }
  return invalid_field("stateFilter",
                       "must be one of wellFormed, deleted, deleting, new, createPending, "
                       "unchanged, all");
}

Result<http::Response> list_projects(Call& call) {
  LK_TRY(const auto organization, call.organization());
  service::ProjectListQuery query;
  LK_TRY(query.states, read_state_filter(call));
  LK_TRY(query.top, call.number("$top", {1, 1000, 100}));
  LK_TRY(const int continued, call.number("continuationToken", {0, 1'000'000, 0}));
  LK_TRY(query.skip, call.number("$skip", {0, 1'000'000, continued}));
  LK_TRY(const service::ProjectList list,
         call.services().projects.list(call.actor, organization, query));
  LK_TRY(const std::string name, organization_name(call));
  json::array value;
  for (const core::Project& project : list.projects) {
    value.push_back(reference_json(call, name, project));
  }
  http::Response response = collection_response(std::move(value));
  // Left out on the last page: some clients read on until it is not there.
  if (list.has_more) {
    response.add_header("X-MS-ContinuationToken", std::to_string(query.skip + query.top));
  }
  return response;
}

Result<http::Response> get_project(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const bool with_capabilities, call.flag("includeCapabilities", false));
  LK_TRY(const core::Project project,
         call.services().projects.get(call.actor, organization, call.match.parameter("projectId")));
  LK_TRY(const std::string name, organization_name(call));
  return json_response(200, project_json(call, name, project, with_capabilities));
}

// "private", "public", or their numbers.
Result<std::optional<core::ProjectVisibility>> read_visibility(JsonReader& reader) {
  using core::ProjectVisibility;
  const json::value* value = reader.find("visibility");
  if (value == nullptr) return std::optional<ProjectVisibility>();
  const std::string text = value->is_string()  ? ascii_lower(std::string_view(value->get_string()))
                           : value->is_int64() ? std::to_string(value->get_int64())
                                               : "";
  if (text == "private" || text == "0") return std::optional(ProjectVisibility::private_project);
  if (text == "public" || text == "2") return std::optional(ProjectVisibility::public_project);
  return invalid_field("visibility", "must be private or public");
}

// A capability is an object of strings.
Result<std::string> read_capability(const json::value* capabilities, std::string_view area,
                                    std::string_view name) {
  if (capabilities == nullptr) return std::string();
  LK_TRY(JsonReader reader, JsonReader::object(*capabilities));
  const json::value* group = reader.find(area);
  if (group == nullptr) return std::string();
  LK_TRY(JsonReader inner, JsonReader::object(*group));
  LK_TRY(auto text, inner.optional_text(name));
  return std::move(text).value_or("");
}

Result<core::CreateProject> read_create(const json::value& body) {
  LK_TRY(JsonReader reader, JsonReader::object(body));
  core::CreateProject request;
  LK_TRY(request.name, reader.text("name"));
  LK_TRY(auto description, reader.optional_text("description"));
  request.description = std::move(description).value_or("");
  LK_TRY(const auto visibility, read_visibility(reader));
  request.visibility = visibility.value_or(core::ProjectVisibility::private_project);
  const json::value* capabilities = reader.find("capabilities");
  LK_TRY(const std::string control,
         read_capability(capabilities, "versioncontrol", "sourceControlType"));
  if (control.empty() || ascii_equal_ignoring_case(control, "git")) {
    request.source_control = core::SourceControl::git;
  } else if (ascii_equal_ignoring_case(control, "tfvc")) {
    request.source_control = core::SourceControl::tfvc;
  } else {
    return invalid_field("sourceControlType", "must be Git or Tfvc");
  }
  LK_TRY(request.process_template_id,
         read_capability(capabilities, "processTemplate", "templateTypeId"));
  for (const core::ProcessTemplate& process : core::process_templates()) {
    if (request.process_template_id.empty() && process.is_default) {
      request.process_template_id = std::string(process.id);
    }
  }
  return request;
}

// The change is done, but clients wait for an operation, so the first answer says that it is
// queued.
Result<http::Response> accepted(Call& call,
                                const service::Changed<service::ProjectOperation>& changed) {
  call.revision = changed.revision;
  LK_TRY(const std::string name, organization_name(call));
  const std::string id = format_id(changed.value.operation.id);
  json::object body;
  body["id"] = id;
  body["status"] = "queued";
  body["url"] = call.url("/" + name + "/_apis/operations/" + id);
  return json_response(202, body);
}

Result<http::Response> create_project(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const json::value body, call.body());
  LK_TRY(const core::CreateProject request, read_create(body));
  LK_TRY(const auto changed, call.services().projects.create(call.caller(), organization, request));
  return accepted(call, changed);
}

Result<http::Response> update_project(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const auto id, read_id<core::ProjectId>(call.match.parameter("projectId"), "projectId"));
  LK_TRY(const json::value body, call.body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  core::UpdateProject request;
  LK_TRY(request.name, reader.optional_text("name"));
  LK_TRY(request.abbreviation, reader.optional_text("abbreviation"));
  LK_TRY(request.description, reader.optional_text("description"));
  LK_TRY(request.visibility, read_visibility(reader));
  if (const json::value* state = reader.find("state")) {
    const bool by_name =
        state->is_string() &&
        ascii_equal_ignoring_case(std::string_view(state->get_string()),
                                  project_state_name(core::ProjectState::well_formed));
    if (!by_name) return invalid_field("state", "can only be set to wellFormed, which restores");
    request.restore = true;
  }
  LK_TRY(const auto changed,
         call.services().projects.update(call.caller(), organization, id, request));
  return accepted(call, changed);
}

Result<http::Response> delete_project(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const auto id, read_id<core::ProjectId>(call.match.parameter("projectId"), "projectId"));
  LK_TRY(const auto changed, call.services().projects.remove(call.caller(), organization, id));
  return accepted(call, changed);
}

Result<http::Response> get_operation(Call& call) {
  LK_TRY(const auto organization, call.organization());
  const auto id = core::parse_id<core::OperationId>(call.match.parameter("operationId"));
  if (!id) return Error(ErrorCode::operation_unknown);
  LK_TRY(const store::OperationRow row,
         call.services().projects.operation(call.caller(), organization, *id));
  LK_TRY(const std::string name, organization_name(call));
  const std::string url = call.url("/" + name + "/_apis/operations/" + format_id(row.id));
  json::object body;
  body["id"] = format_id(row.id);
  body["status"] = row.status;
  body["url"] = url;
  if (!row.result_message.empty()) body["resultMessage"] = row.result_message;
  body["_links"] = {{"self", link(url)}};
  return json_response(200, body);
}

json::object process_json(const Call& call, const std::string& organization,
                          const core::ProcessTemplate& process) {
  json::object body;
  body["id"] = process.id;
  body["name"] = process.name;
  body["description"] = process.description;
  body["isDefault"] = process.is_default;
  body["type"] = "system";
  body["url"] =
      call.url("/" + organization + "/_apis/process/processes/" + std::string(process.id));
  return body;
}

Result<http::Response> list_processes(Call& call) {
  LK_TRY(const std::string name, organization_name(call));
  json::array value;
  for (const core::ProcessTemplate& process : core::process_templates()) {
    value.push_back(process_json(call, name, process));
  }
  return collection_response(std::move(value));
}

Result<http::Response> get_process(Call& call) {
  LK_TRY(const std::string name, organization_name(call));
  const core::ProcessTemplate* process =
      core::find_process_template(ascii_lower(call.match.parameter("processId")));
  if (process == nullptr) {
    return Error(ErrorCode::project_unknown, "There is no such process template.", "processId");
  }
  return json_response(200, process_json(call, name, *process));
}

// Whether `name` is asked for by `keys`: names, of which a trailing * matches the rest.
bool is_asked_for(std::string_view keys, std::string_view name) {
  for (const std::string_view key : split(keys, ',')) {
    if (key == name) return true;
    if (key.ends_with('*') && name.starts_with(key.substr(0, key.size() - 1))) return true;
  }
  return false;
}

Result<http::Response> list_properties(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const auto id, read_id<core::ProjectId>(call.match.parameter("projectId"), "projectId"));
  LK_TRY(const auto properties,
         call.services().projects.properties(call.caller(), organization, id));
  const auto keys = call.parameter("keys");
  json::array value;
  for (const store::ProjectProperty& property : properties) {
    if (keys && !keys->empty() && !is_asked_for(*keys, property.name)) continue;
    LK_TRY(json::value parsed, parse_json(property.value_json));
    value.push_back({{"name", property.name}, {"value", std::move(parsed)}});
  }
  return collection_response(std::move(value));
}

// One step of a JSON patch (RFC 6902) on the flat list of properties: "/name".
Result<service::Projects::PropertyChange> read_patch_step(const json::value& step) {
  LK_TRY(JsonReader reader, JsonReader::object(step));
  LK_TRY(const std::string operation, reader.text("op"));
  LK_TRY(std::string path, reader.text("path"));
  if (!path.starts_with('/')) return invalid_field("path", "must begin with '/'");
  service::Projects::PropertyChange change;
  change.name = path.substr(1);
  if (operation == "remove") return change;
  if (operation != "add" && operation != "replace") {
    return invalid_field("op", "must be add, replace or remove");
  }
  const json::value* value = reader.find("value");
  if (value == nullptr) return change;  // the contract: a null value removes
  if (!value->is_string() && !value->is_number() && !value->is_bool()) {
    return invalid_field("value", "must be a string, a number or a boolean");
  }
  change.value_json = format_json(*value);
  return change;
}

Result<http::Response> set_properties(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const auto id, read_id<core::ProjectId>(call.match.parameter("projectId"), "projectId"));
  LK_TRY(const json::value body, call.body());
  if (!body.is_array()) return Error(ErrorCode::body_malformed, "The body must be a JSON patch.");
  std::vector<service::Projects::PropertyChange> changes;
  for (const json::value& step : body.get_array()) {
    LK_TRY(auto change, read_patch_step(step));
    changes.push_back(std::move(change));
  }
  LK_TRY(call.revision,
         call.services().projects.change_properties(call.caller(), organization, id, changes));
  return no_content();
}

json::object full_team_json(const Call& call, const std::string& organization,
                            const core::Project& project) {
  json::object body = team_json(call, organization, project);
  body["description"] = "The default project team.";
  body["projectName"] = project.name;
  body["projectId"] = format_id(project.id);
  return body;
}

Result<http::Response> list_teams(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const core::Project project,
         call.services().projects.get(call.actor, organization, call.match.parameter("projectId")));
  LK_TRY(const std::string name, organization_name(call));
  return collection_response({full_team_json(call, name, project)});
}

Result<http::Response> get_team(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const core::Project project,
         call.services().projects.get(call.actor, organization, call.match.parameter("projectId")));
  LK_TRY(const std::string name, organization_name(call));
  const std::string& asked = call.match.parameter("teamId");
  if (!ascii_equal_ignoring_case(asked, format_id(project.default_team)) &&
      !ascii_equal_ignoring_case(asked, default_team_name(project))) {
    return Error(ErrorCode::project_unknown, "The project has no such team.", "teamId");
  }
  return json_response(200, full_team_json(call, name, project));
}

json::object collection_json(const Call& call, const std::string& name, core::OrganizationId id) {
  const std::string url = call.url("/" + name + "/_apis/projectCollections/" + format_id(id));
  json::object body;
  body["id"] = format_id(id);
  body["name"] = name;
  body["url"] = url;
  body["state"] = "Started";
  body["_links"] = {{"self", link(url)}, {"web", link(call.url("/" + name))}};
  return body;
}

Result<http::Response> list_collections(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const std::string name, organization_name(call));
  json::object body = collection_json(call, name, organization);
  body.erase("state");
  body.erase("_links");
  return collection_response({std::move(body)});
}

Result<http::Response> get_collection(Call& call) {
  LK_TRY(const auto organization, call.organization());
  LK_TRY(const std::string name, organization_name(call));
  const std::string& asked = call.match.parameter("collectionId");
  if (!ascii_equal_ignoring_case(asked, format_id(organization)) &&
      !ascii_equal_ignoring_case(asked, name)) {
    return Error(ErrorCode::organization_unknown, "", "collectionId");
  }
  return json_response(200, collection_json(call, name, organization));
}

constexpr Route kRoutes[] = {
    {"listProjects", Work::store, VersionRule::released, list_projects},
    {"createProject", Work::store, VersionRule::released, create_project},
    {"getProject", Work::store, VersionRule::released, get_project},
    {"updateProject", Work::store, VersionRule::released, update_project},
    {"deleteProject", Work::store, VersionRule::released, delete_project},
    {"listProjectProperties", Work::store, VersionRule::preview, list_properties},
    {"setProjectProperties", Work::store, VersionRule::preview, set_properties},
    {"listTeams", Work::store, VersionRule::released, list_teams},
    {"getTeam", Work::store, VersionRule::released, get_team},
    {"getOperation", Work::store, VersionRule::released, get_operation},
    {"listProcesses", Work::store, VersionRule::released, list_processes},
    {"getProcess", Work::store, VersionRule::released, get_process},
    {"listProjectCollections", Work::store, VersionRule::released, list_collections},
    {"getProjectCollection", Work::store, VersionRule::released, get_collection},
};

}  // namespace

std::span<const Route> project_routes() { return kRoutes; }

}  // namespace latchkey::api
