#include "store/organization_rows.h"

#include <utility>

#include "store/row_errors.h"
#include "store/row_mac.h"

namespace latchkey::store {
namespace {

constexpr std::string_view kOrganizationColumns =
    "organization_id, name, state, created_at, deleted_at, name_key, mac";

core::Organization read_organization(const Row& row) {
  core::Organization organization;
  organization.id = row.id<core::OrganizationId>(0);
  organization.name = row.text(1);
  organization.state =
      row.one_of(2, {core::OrganizationState::active, core::OrganizationState::deleted});
  organization.created_at = row.instant(3);
  organization.deleted_at = row.optional_instant(4);
  return organization;
}

// The key that an organization is found by follows from the name, so it is no field of the MAC.
Result<bool> is_ours(RowCheck& check, const core::Organization& read, const Row& row) {
  const bool found_by_its_key = row.text(5) == core::organization_key(read.name);
  const auto stored = found_by_its_key ? row.blob(6) : std::span<const uint8_t>();
  return check.is_ours([&](const Hmac& key) { return organization_mac(key, read); }, stored,
                       [&] { return "organization " + core::format_id(read.id); });
}

using OnOrganization = std::function<Result<void>(const core::Organization&)>;

// The rows of a statement, ours or not: how many, and the name key of the last.
struct Seen {
  int rows = 0;
  std::string last_name_key;
};

Result<Seen> visit_organizations(ReadTx& tx, RowCheck& check, std::string_view rest,
                                 std::initializer_list<Value> values,
                                 const OnOrganization& on_organization) {
  const std::string sql =
      "SELECT " + std::string(kOrganizationColumns) + " FROM organizations " + std::string(rest);
  Seen seen;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    const core::Organization read = read_organization(row);
    if (row.refused()) return {};  // run() ends with integrity_violated
    ++seen.rows;
    seen.last_name_key = row.text(5);
    LK_TRY(const bool ours, is_ours(check, read, row));
    if (!ours) return {};
    return on_organization(read);
  }));
  return seen;
}

Result<std::optional<core::Organization>> select_organization(ReadTx& tx, std::string_view rest,
                                                              Value value) {
  RowCheck check(tx, "organizations");
  std::optional<core::Organization> found;
  LK_CHECK(visit_organizations(tx, check, rest, {value}, [&](const auto& read) -> Result<void> {
    found = read;
    return {};
  }));
  return found;
}

constexpr std::string_view kProjectColumns =
    "project_id, organization_id, name, abbreviation, description, visibility, state, "
    "process_template_id, source_control, default_team_id, revision, created_at, last_update_at, "
    "deleted_at";

core::Project read_project(const Row& row) {
  using core::ProjectState;
  core::Project project;
  project.id = row.id<core::ProjectId>(0);
  project.organization = row.id<core::OrganizationId>(1);
  project.name = row.text(2);
  project.abbreviation = row.text(3);
  project.description = row.text(4);
  project.visibility = row.one_of(
      5, {core::ProjectVisibility::private_project, core::ProjectVisibility::public_project});
  project.state =
      row.one_of(6, {ProjectState::deleting, ProjectState::new_project, ProjectState::well_formed,
                     ProjectState::create_pending, ProjectState::deleted});
  project.process_template_id = row.text(7);
  project.source_control = row.one_of(8, {core::SourceControl::tfvc, core::SourceControl::git});
  project.default_team = row.id<core::TeamId>(9);
  project.revision = static_cast<uint64_t>(row.integer(10));
  project.created_at = row.instant(11);
  project.last_update_at = row.instant(12);
  project.deleted_at = row.optional_instant(13);
  return project;
}

Result<std::vector<core::Project>> select_projects(ReadTx& tx, std::string_view rest,
                                                   std::initializer_list<Value> values) {
  const std::string sql =
      "SELECT " + std::string(kProjectColumns) + " FROM projects " + std::string(rest);
  std::vector<core::Project> projects;
  LK_CHECK(tx.connection().run(sql, values, [&](const Row& row) -> Result<void> {
    projects.push_back(read_project(row));
    return {};
  }));
  return projects;
}

template <class T>
std::optional<T> first_of(std::vector<T>&& rows) {
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

}  // namespace

Result<std::optional<core::Organization>> find_organization(ReadTx& tx, core::OrganizationId id) {
  return select_organization(tx, "WHERE organization_id = $1", id);
}

Result<std::optional<core::Organization>> find_organization_by_key(ReadTx& tx,
                                                                   std::string_view key) {
  return select_organization(tx, "WHERE name_key = $1 AND state = 1", key);
}

Result<std::vector<core::Organization>> list_organizations(ReadTx& tx, std::string_view after_key,
                                                           int limit) {
  RowCheck check(tx, "organizations");
  using Page = std::vector<core::Organization>;
  const auto select = [&](std::string_view after, int count,
                          Page& page) -> Result<std::optional<std::string>> {
    LK_TRY(Seen seen, visit_organizations(
                          tx, check, "WHERE name_key > $1 AND state = 1 ORDER BY name_key LIMIT $2",
                          {after, count}, [&](const core::Organization& read) -> Result<void> {
                            page.push_back(read);
                            return {};
                          }));
    if (seen.rows < count) return std::optional<std::string>();
    return std::optional(std::move(seen.last_name_key));
  };
  return fill_page<core::Organization>(after_key, limit, select);
}

Result<void> insert_organization(WriteTx& tx, const core::Organization& organization) {
  auto inserted = tx.connection().run(
      "INSERT INTO organizations (organization_id, name, name_key, state, created_at, deleted_at, "
      "mac) VALUES ($1, $2, $3, $4, $5, $6, $7)",
      {organization.id, organization.name, core::organization_key(organization.name),
       static_cast<int>(organization.state), organization.created_at, organization.deleted_at,
       organization_mac(tx.row_key(), organization)});
  LK_CHECK(with_field(std::move(inserted), "name_key", "name"));
  return {};
}

Result<void> update_organization(WriteTx& tx, const core::Organization& organization) {
  auto updated = tx.connection().run(
      "UPDATE organizations SET name = $2, name_key = $3, state = $4, deleted_at = $5, mac = $6 "
      "WHERE organization_id = $1",
      {organization.id, organization.name, core::organization_key(organization.name),
       static_cast<int>(organization.state), organization.deleted_at,
       organization_mac(tx.row_key(), organization)});
  return expect_one(with_field(std::move(updated), "name_key", "name"));
}

Result<void> for_each_organization(
    ReadTx& tx, const std::function<Result<void>(const core::Organization&)>& on_row) {
  RowCheck check(tx, "organizations");
  LK_CHECK(visit_organizations(tx, check, "", {}, on_row));
  return {};
}

Result<void> check_organization_rows(ReadTx& tx) {
  RowCheck check(tx, "organizations", OnForged::fail);
  LK_CHECK(visit_organizations(tx, check, "", {}, [](const auto&) { return Result<void>(); }));
  return {};
}

Result<std::optional<core::Project>> find_project(ReadTx& tx, core::ProjectId id) {
  LK_TRY(auto found, select_projects(tx, "WHERE project_id = $1", {id}));
  return first_of(std::move(found));
}

Result<std::optional<core::Project>> find_project_by_key(ReadTx& tx,
                                                         core::OrganizationId organization,
                                                         std::string_view key) {
  LK_TRY(auto found,
         select_projects(tx, "WHERE organization_id = $1 AND name_key = $2 AND state <> 5",
                         {organization, key}));
  return first_of(std::move(found));
}

Result<std::vector<core::Project>> list_projects(ReadTx& tx, const ProjectQuery& query) {
  std::string rest = "WHERE organization_id = $1";
  if (query.public_only) rest += " AND visibility = 2";
  if (!query.states.empty()) {
    // Numbers of a closed list, so they may stand in the text.
    rest += " AND state IN (";
    const char* separator = "";
    for (const core::ProjectState state : query.states) {
      rest += separator + std::to_string(static_cast<int>(state));
      separator = ", ";
    }
    rest += ")";
  }
  rest += " ORDER BY name_key, project_id LIMIT $2 OFFSET $3";
  return select_projects(tx, rest, {query.organization, query.limit, query.skip});
}

Result<void> insert_project(WriteTx& tx, const core::Project& project) {
  auto inserted = tx.connection().run(
      "INSERT INTO projects (project_id, organization_id, name, name_key, abbreviation, "
      "description, visibility, state, process_template_id, source_control, default_team_id, "
      "revision, created_at, last_update_at, deleted_at) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
      {project.id, project.organization, project.name, core::project_key(project.name),
       project.abbreviation, project.description, static_cast<int>(project.visibility),
       static_cast<int>(project.state), project.process_template_id,
       static_cast<int>(project.source_control), project.default_team, project.revision,
       project.created_at, project.last_update_at, project.deleted_at});
  LK_CHECK(with_field(std::move(inserted), "name_key", "name"));
  return {};
}

Result<void> update_project(WriteTx& tx, const core::Project& project) {
  auto updated = tx.connection().run(
      "UPDATE projects SET name = $2, name_key = $3, abbreviation = $4, description = $5, "
      "visibility = $6, state = $7, process_template_id = $8, source_control = $9, "
      "default_team_id = $10, revision = $11, last_update_at = $12, deleted_at = $13 "
      "WHERE project_id = $1",
      {project.id, project.name, core::project_key(project.name), project.abbreviation,
       project.description, static_cast<int>(project.visibility), static_cast<int>(project.state),
       project.process_template_id, static_cast<int>(project.source_control), project.default_team,
       project.revision, project.last_update_at, project.deleted_at});
  return expect_one(with_field(std::move(updated), "name_key", "name"));
}

Result<std::vector<ProjectProperty>> list_project_properties(ReadTx& tx, core::ProjectId project) {
  std::vector<ProjectProperty> properties;
  LK_CHECK(tx.connection().run(
      "SELECT name, value_json FROM project_properties WHERE project_id = $1 ORDER BY name",
      {project}, [&](const Row& row) -> Result<void> {
        properties.push_back({std::string(row.text(0)), std::string(row.text(1))});
        return {};
      }));
  return properties;
}

Result<void> put_project_property(WriteTx& tx, core::ProjectId project,
                                  const ProjectProperty& property) {
  LK_CHECK(tx.connection().run(
      "INSERT INTO project_properties (project_id, name, value_json) VALUES ($1, $2, $3) "
      "ON CONFLICT (project_id, name) DO UPDATE SET value_json = excluded.value_json",
      {project, property.name, property.value_json}));
  return {};
}

Result<void> delete_project_property(WriteTx& tx, core::ProjectId project, std::string_view name) {
  LK_CHECK(tx.connection().run("DELETE FROM project_properties WHERE project_id = $1 AND name = $2",
                               {project, name}));
  return {};
}

Result<std::optional<OperationRow>> find_operation(ReadTx& tx, core::OperationId id) {
  std::optional<OperationRow> found;
  LK_CHECK(tx.connection().run(
      "SELECT operation_id, organization_id, person_id, status, result_message, created_at "
      "FROM operations WHERE operation_id = $1",
      {id}, [&](const Row& row) -> Result<void> {
        found = OperationRow{row.id<core::OperationId>(0), row.id<core::OrganizationId>(1),
                             row.id<core::PersonId>(2),    std::string(row.text(3)),
                             std::string(row.text(4)),     row.instant(5)};
        return {};
      }));
  return found;
}

Result<void> insert_operation(WriteTx& tx, const OperationRow& row) {
  LK_CHECK(tx.connection().run(
      "INSERT INTO operations (operation_id, organization_id, person_id, status, result_message, "
      "created_at) VALUES ($1, $2, $3, $4, $5, $6)",
      {row.id, row.organization, row.person, row.status, row.result_message, row.created_at}));
  return {};
}

Result<void> delete_operations_created_before(WriteTx& tx, Instant instant) {
  LK_CHECK(tx.connection().run("DELETE FROM operations WHERE created_at < $1", {instant}));
  return {};
}

}  // namespace latchkey::store
