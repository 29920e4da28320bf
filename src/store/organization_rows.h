// Rows of organizations, projects, their properties and operations.
//
// A name is unique among the active organizations, or among the projects of one organization that
// are not deleted; keys are stored in lower case. A row of an organization whose MAC is wrong is
// as if it were not there, and is logged (docs/spec/row-mac.md). Thread safety: as of the
// transaction.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/organization.h"
#include "core/project.h"
#include "store/store.h"

namespace latchkey::store {

Result<std::optional<core::Organization>> find_organization(ReadTx& tx, core::OrganizationId id);
// Active ones only.
Result<std::optional<core::Organization>> find_organization_by_key(ReadTx& tx,
                                                                   std::string_view key);
Result<std::vector<core::Organization>> list_organizations(ReadTx& tx, std::string_view after_key,
                                                           int limit);
// Errors: already_exists (field "name").
Result<void> insert_organization(WriteTx& tx, const core::Organization& organization);
Result<void> update_organization(WriteTx& tx, const core::Organization& organization);
Result<void> for_each_organization(
    ReadTx& tx, const std::function<Result<void>(const core::Organization&)>& on_row);
// For `audit verify`: all organizations. Errors: integrity_violated (names the first whose MAC is
//         wrong).
Result<void> check_organization_rows(ReadTx& tx);

Result<std::optional<core::Project>> find_project(ReadTx& tx, core::ProjectId id);
// Not deleted ones only.
Result<std::optional<core::Project>> find_project_by_key(ReadTx& tx,
                                                         core::OrganizationId organization,
                                                         std::string_view key);
struct ProjectQuery {
  core::OrganizationId organization;
  std::vector<core::ProjectState> states;  // empty: all
  bool public_only = false;
  int limit = 100;
  int skip = 0;
};
// By name key, ascending.
Result<std::vector<core::Project>> list_projects(ReadTx& tx, const ProjectQuery& query);
// Errors: already_exists (field "name").
Result<void> insert_project(WriteTx& tx, const core::Project& project);
Result<void> update_project(WriteTx& tx, const core::Project& project);

struct ProjectProperty {
  std::string name;
  std::string value_json;
};
Result<std::vector<ProjectProperty>> list_project_properties(ReadTx& tx, core::ProjectId project);
Result<void> put_project_property(WriteTx& tx, core::ProjectId project,
                                  const ProjectProperty& property);
Result<void> delete_project_property(WriteTx& tx, core::ProjectId project, std::string_view name);

struct OperationRow {
  core::OperationId id;
  core::OrganizationId organization;
  core::PersonId person;
  std::string status;  // contract: "queued", "succeeded", "failed", ...
  std::string result_message;
  Instant created_at;
};
Result<std::optional<OperationRow>> find_operation(ReadTx& tx, core::OperationId id);
Result<void> insert_operation(WriteTx& tx, const OperationRow& row);
Result<void> delete_operations_created_before(WriteTx& tx, Instant instant);

}  // namespace latchkey::store
