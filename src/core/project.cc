#include "core/project.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"
#include "core/organization.h"

namespace latchkey::core {
namespace {

constexpr size_t kNameMax = 64;             // UTF-16 units, as the contract counts
constexpr size_t kAbbreviationMax = 64;     // characters
constexpr size_t kDescriptionMax = 15'998;  // characters

constexpr std::string_view kForbidden = "/:\\~&%;@'\"?<>|#$*}{,+=[]";

// Words that a name may not be, without case. docs/spec/projects.md, rule P6.
constexpr std::array<std::string_view, 36> kReserved = {
    "prn",
    "con",
    "aux",
    "nul",
    "com1",
    "com2",
    "com3",
    "com4",
    "com5",
    "com6",
    "com7",
    "com8",
    "com9",
    "com10",
    "lpt1",
    "lpt2",
    "lpt3",
    "lpt4",
    "lpt5",
    "lpt6",
    "lpt7",
    "lpt8",
    "lpt9",
    "server",
    "signalr",
    "defaultcollection",
    "web",
    "app_browsers",
    "app_code",
    "app_data",
    "app_globalresources",
    "app_localresources",
    "app_themes",
    "app_webresources",
    "bin",
    "web.config",
};
static_assert(!kReserved.back().empty());

// Whether well-formed `text` has characters beyond U+FFFF, which UTF-16 writes as surrogates.
bool needs_surrogates(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<uint8_t>(c) >= 0xf0; });
}

// Text of several lines: line breaks and tabs are all the control it may have.
Result<void> check_description(std::string_view description) {
  constexpr std::string_view kField = "description";
  if (!is_utf8(description)) return invalid_field(kField, "must be UTF-8");
  if (count_code_points(description) > kDescriptionMax) {
    return invalid_field(kField, "must be at most 15,998 characters long");
  }
  const auto is_refused = [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return byte == 0x7f || (byte < 0x20 && c != '\n' && c != '\r' && c != '\t');
  };
  if (std::any_of(description.begin(), description.end(), is_refused)) {
    return invalid_field(kField, "must not have control characters but line breaks and tabs");
  }
  return {};
}

Result<void> check_abbreviation(std::string_view abbreviation) {
  constexpr std::string_view kField = "abbreviation";
  if (!is_utf8(abbreviation)) return invalid_field(kField, "must be UTF-8");
  if (count_code_points(abbreviation) > kAbbreviationMax) {
    return invalid_field(kField, "must be at most 64 characters long");
  }
  if (has_control_character(abbreviation)) {
    return invalid_field(kField, "must not have control characters or line breaks");
  }
  return {};
}

// Whether a project of this state may be changed or restored as asked.
Result<void> check_state(const Project& project, bool restore, Instant now) {
  const bool is_deleted = project.state == ProjectState::deleted;
  if (restore && !is_deleted) return Error(ErrorCode::conflict, "The project is not deleted.");
  if (is_deleted && !restore) {
    return Error(ErrorCode::conflict, "The project is deleted; it can only be restored.");
  }
  if (is_deleted && (!project.deleted_at || now >= *project.deleted_at + kRecoverWindow)) {
    return Error(ErrorCode::conflict,
                 "The project was deleted 28 days ago or more and cannot be restored.");
  }
  if (!is_deleted && project.state != ProjectState::well_formed) {
    return Error(ErrorCode::conflict, "The project is being made or deleted; try again later.");
  }
  return {};
}

}  // namespace

const std::array<ProcessTemplate, 4>& process_templates() {
  static constexpr std::array<ProcessTemplate, 4> kTemplates = {{
      {"Basic", "b8a3a935-7e91-48b8-a94c-606d37c3e9f2",
       "For any team, with work items that are easy to follow.", true},
      {"Agile", "adcc42ab-9882-485e-a3ed-7678f01f66bc", "For teams that plan with user stories.",
       false},
      {"Scrum", "6b724908-ef14-45cf-84f8-768b5384da45",
       "For teams that follow the Scrum framework.", false},
      {"CMMI", "27450541-8e31-4150-9947-dc59f998fc01",
       "For teams whose process must be recorded and improved formally.", false},
  }};
  return kTemplates;
}

const ProcessTemplate* find_process_template(std::string_view id) {
  for (const ProcessTemplate& process : process_templates()) {
    if (ascii_equal_ignoring_case(process.id, id)) return &process;
  }
  return nullptr;
}

std::string project_key(std::string_view name) { return ascii_lower(name); }

std::string_view project_state_name(ProjectState state) {
  switch (state) {
    case ProjectState::deleting: return "deleting";
    case ProjectState::new_project: return "new";
    case ProjectState::well_formed: return "wellFormed";
    case ProjectState::create_pending: return "createPending";
    case ProjectState::deleted: return "deleted";
  }
  LK_ASSERT(false);
  return {};
}

std::string_view project_visibility_name(ProjectVisibility visibility) {
  switch (visibility) {
    case ProjectVisibility::private_project: return "private";
    case ProjectVisibility::public_project: return "public";
  }
  LK_ASSERT(false);
  return {};
}

Result<void> check_project_name(std::string_view name) {
  constexpr std::string_view kField = "name";
  if (!is_utf8(name)) return invalid_field(kField, "must be UTF-8");
  if (trim(name).empty()) return invalid_field(kField, "must not be empty");
  if (trim(name) != name) return invalid_field(kField, "must not begin or end with a space");
  if (has_control_character(name)) {
    return invalid_field(kField, "must not have control characters or line breaks");
  }
  if (needs_surrogates(name)) {
    return invalid_field(kField, "must not have characters beyond U+FFFF");
  }
  if (count_code_points(name) > kNameMax) {
    return invalid_field(kField, "must be at most 64 characters long");
  }
  if (name.find_first_of(kForbidden) != std::string_view::npos) {
    return invalid_field(kField, "must not have any of " + std::string(kForbidden));
  }
  if (name.front() == '_') return invalid_field(kField, "must not begin with an underscore");
  if (name.front() == '.' || name.back() == '.') {
    return invalid_field(kField, "must not begin or end with a dot");
  }
  const std::string key = project_key(name);
  if (std::find(kReserved.begin(), kReserved.end(), key) != kReserved.end()) {
    return invalid_field(kField, "must not be a reserved word");
  }
  if (parse_uuid(name)) return invalid_field(kField, "must not have the form of an id");
  return {};
}

Result<void> decide_create_project(const CreateProject& request) {
  LK_CHECK(check_project_name(request.name));
  LK_CHECK(check_description(request.description));
  if (find_process_template(request.process_template_id) == nullptr) {
    return invalid_field("templateTypeId", "must be the id of a process of this server");
  }
  return {};
}

Result<void> decide_update_project(const Project& project, const UpdateProject& request,
                                   Instant now) {
  LK_CHECK(check_state(project, request.restore, now));
  if (request.name) LK_CHECK(check_project_name(*request.name));
  if (request.abbreviation) LK_CHECK(check_abbreviation(*request.abbreviation));
  if (request.description) LK_CHECK(check_description(*request.description));
  return {};
}

}  // namespace latchkey::core
