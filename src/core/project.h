// Projects: what a token opens in our own REST API.
//
// The wire forms and rules are those of the contract (projects, operations, processes).
// Thread safety: values and pure functions. Spec: docs/spec/projects.md.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/ids.h"

namespace latchkey::core {

// Numbers are stored and are those of the wire's numeric form: do not change them.
enum class ProjectVisibility { private_project = 0, public_project = 2 };
enum class ProjectState {
  deleting = 0,
  new_project = 1,
  well_formed = 2,
  create_pending = 3,
  deleted = 5
};
enum class SourceControl { tfvc = 1, git = 2 };

struct ProcessTemplate {
  std::string_view name;  // "Basic"
  std::string_view id;    // a UUID
  std::string_view description;
  bool is_default = false;
};
// Basic (the default), Agile, Scrum, CMMI.
const std::array<ProcessTemplate, 4>& process_templates();
const ProcessTemplate* find_process_template(std::string_view id);  // null when unknown

struct Project {
  ProjectId id;
  OrganizationId organization;
  std::string name;
  std::string abbreviation;  // may be empty
  std::string description;   // may be empty
  ProjectVisibility visibility = ProjectVisibility::private_project;
  ProjectState state = ProjectState::well_formed;
  std::string process_template_id;
  SourceControl source_control = SourceControl::git;
  TeamId default_team;
  uint64_t revision = 0;  // of the event of its last change
  Instant created_at;
  Instant last_update_at;
  std::optional<Instant> deleted_at;
};

struct CreateProject {
  std::string name;
  std::string description;
  ProjectVisibility visibility = ProjectVisibility::private_project;
  std::string process_template_id;
  SourceControl source_control = SourceControl::git;
};

struct UpdateProject {  // what is absent stays
  std::optional<std::string> name;
  std::optional<std::string> abbreviation;
  std::optional<std::string> description;
  std::optional<ProjectVisibility> visibility;
  bool restore = false;  // state: wellFormed
};

std::string project_key(std::string_view name);           // what names are compared by
std::string_view project_state_name(ProjectState state);  // "wellFormed"
std::string_view project_visibility_name(ProjectVisibility visibility);  // "private"

// Errors: invalid_argument naming the field and the rule (contract, "Names").
Result<void> check_project_name(std::string_view name);
Result<void> decide_create_project(const CreateProject& request);
// Errors: invalid_argument; conflict (a deleted project is only restored, within 28 days; an
// existing
//         one is not restored).
Result<void> decide_update_project(const Project& project, const UpdateProject& request,
                                   Instant now);

}  // namespace latchkey::core
