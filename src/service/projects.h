// Projects, as the contract's REST API has them.
//
// Creating, changing and deleting happen at once, but are answered as operations, because clients
// wait for one. Reading a private project takes membership; anybody reads a public one.
// Thread safety: any thread. Spec: docs/spec/projects.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/project.h"
#include "service/actor.h"
#include "service/dependencies.h"
#include "store/organization_rows.h"

namespace latchkey::service {

struct ProjectListQuery {
  std::vector<core::ProjectState> states;  // empty: all but deleted (the contract's "all")
  int top = 100;                           // 1 to 1,000
  int skip = 0;
};
struct ProjectList {
  std::vector<core::Project> projects;
  bool has_more = false;
};

struct ProjectOperation {
  store::OperationRow operation;
  core::ProjectId project;
};

class Projects {
 public:
  explicit Projects(const Dependencies& dependencies) : dependencies_(dependencies) {}

  // `actor` null: an anonymous caller, who sees public projects of an organization that has any.
  // Errors: organization_unknown; credential_missing (anonymous, and nothing public there).
  Result<ProjectList> list(const Actor* actor, core::OrganizationId organization,
                           const ProjectListQuery& query);
  // By id, or by name without case. Deleted projects are found by id only.
  // Errors: project_unknown; credential_missing (anonymous and not public).
  Result<core::Project> get(const Actor* actor, core::OrganizationId organization,
                            const std::string& id_or_name);
  // Errors: invalid_argument, already_exists, permission_denied.
  Result<Changed<ProjectOperation>> create(const Actor& actor, core::OrganizationId organization,
                                           const core::CreateProject& request);
  Result<Changed<ProjectOperation>> update(const Actor& actor, core::OrganizationId organization,
                                           core::ProjectId id, const core::UpdateProject& request);
  Result<Changed<ProjectOperation>> remove(const Actor& actor, core::OrganizationId organization,
                                           core::ProjectId id);
  // Errors: operation_unknown.
  Result<store::OperationRow> operation(const Actor& actor, core::OrganizationId organization,
                                        core::OperationId id);

  Result<std::vector<store::ProjectProperty>> properties(const Actor& actor,
                                                         core::OrganizationId organization,
                                                         core::ProjectId id);
  // An absent value removes the property. At most 100 properties of at most 16 KB.
  struct PropertyChange {
    std::string name;
    std::optional<std::string> value_json;
  };
  Result<core::Revision> change_properties(const Actor& actor, core::OrganizationId organization,
                                           core::ProjectId id,
                                           const std::vector<PropertyChange>& changes);

 private:
  Dependencies dependencies_;
};

}  // namespace latchkey::service
