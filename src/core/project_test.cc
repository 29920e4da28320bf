#include "core/project.h"

#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "core/vectors_for_test.h"

namespace latchkey::core {
namespace {

constexpr Instant kNow{1'795'000'000'000};
constexpr Milliseconds kWindow = std::chrono::hours(28 * 24);

CreateProject some_request() {
  CreateProject request;
  request.name = "Fabrikam Fiber";
  request.description = "Line one.\r\n\tLine two.";
  request.process_template_id = "b8a3a935-7e91-48b8-a94c-606d37c3e9f2";
  return request;
}

// The field of a refusal, "conflict", or "none".
std::string refusal(const Result<void>& result) {
  if (result) return "none";
  if (result.error().code == ErrorCode::conflict) return "conflict";
  EXPECT_EQ(result.error().code, ErrorCode::invalid_argument);
  return result.error().field;
}

TEST(ProjectName, FollowsVectors) {
  const json::value document = load_vectors("projects.json");
  for (const json::value& text : cases(document, "names")) {
    EXPECT_TRUE(check_project_name(as_text(text)).has_value()) << as_text(text);
  }
  for (const json::value& vector : cases(document, "badNames")) {
    EXPECT_EQ(refusal(check_project_name(text_of(vector, "text"))), "name")
        << text_of(vector, "rule") << ": " << text_of(vector, "text");
  }
  EXPECT_EQ(refusal(check_project_name("a\xff")), "name");
  EXPECT_EQ(project_key("Fabrikam FIBER"), "fabrikam fiber");
}

TEST(ProcessTemplates, AreThoseOfTheContract) {
  std::set<std::string_view> names;
  int defaults = 0;
  for (const ProcessTemplate& process : process_templates()) {
    EXPECT_TRUE(parse_uuid(process.id).has_value());
    EXPECT_EQ(find_process_template(process.id), &process);
    names.insert(process.name);
    defaults += process.is_default ? 1 : 0;
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"Agile", "Basic", "CMMI", "Scrum"}));
  EXPECT_EQ(defaults, 1);
  EXPECT_EQ(process_templates()[0].name, "Basic");
  EXPECT_EQ(find_process_template("ADCC42AB-9882-485E-A3ED-7678F01F66BC")->name, "Agile");
  EXPECT_EQ(find_process_template("6b724908-ef14-45cf-84f8-768b5384da45")->name, "Scrum");
  EXPECT_EQ(find_process_template("27450541-8e31-4150-9947-dc59f998fc01")->name, "CMMI");
  EXPECT_EQ(find_process_template("00000000-0000-0000-0000-000000000000"), nullptr);
}

TEST(ProjectNames, AreTheWires) {
  EXPECT_EQ(project_state_name(ProjectState::deleting), "deleting");
  EXPECT_EQ(project_state_name(ProjectState::new_project), "new");
  EXPECT_EQ(project_state_name(ProjectState::well_formed), "wellFormed");
  EXPECT_EQ(project_state_name(ProjectState::create_pending), "createPending");
  EXPECT_EQ(project_state_name(ProjectState::deleted), "deleted");
  EXPECT_EQ(project_visibility_name(ProjectVisibility::private_project), "private");
  EXPECT_EQ(project_visibility_name(ProjectVisibility::public_project), "public");
}

TEST(DecideCreateProject, ChecksEachField) {
  EXPECT_EQ(refusal(decide_create_project(some_request())), "none");
  CreateProject request = some_request();
  request.name = "a/b";
  EXPECT_EQ(refusal(decide_create_project(request)), "name");
  request = some_request();
  request.description = std::string(15'998, 'x');
  EXPECT_EQ(refusal(decide_create_project(request)), "none");
  for (const std::string& description :
       {std::string(15'999, 'x'), std::string("a\0b", 3), std::string("a\x1b"), std::string("\x7f"),
        std::string("\xff")}) {
    request.description = description;
    EXPECT_EQ(refusal(decide_create_project(request)), "description");
  }
  for (const char* id : {"", "Basic", "00000000-0000-0000-0000-000000000000"}) {
    request = some_request();
    request.process_template_id = id;
    EXPECT_EQ(refusal(decide_create_project(request)), "templateTypeId");
  }
}

TEST(DecideUpdateProject, ChecksEachField) {
  const Project project;
  EXPECT_EQ(refusal(decide_update_project(project, UpdateProject{}, kNow)), "none");
  UpdateProject update;
  update.name = "new name";
  update.abbreviation = std::string(64, 'x');
  update.description = "";
  EXPECT_EQ(refusal(decide_update_project(project, update, kNow)), "none");
  UpdateProject name, abbreviation, control, description;
  name.name = "_a";
  abbreviation.abbreviation = std::string(65, 'x');
  control.abbreviation = "a\n";
  description.description = std::string(15'999, 'x');
  EXPECT_EQ(refusal(decide_update_project(project, name, kNow)), "name");
  EXPECT_EQ(refusal(decide_update_project(project, abbreviation, kNow)), "abbreviation");
  EXPECT_EQ(refusal(decide_update_project(project, control, kNow)), "abbreviation");
  EXPECT_EQ(refusal(decide_update_project(project, description, kNow)), "description");
}

TEST(DecideUpdateProject, RestoresWithin28Days) {
  Project project;
  UpdateProject restore;
  restore.restore = true;
  EXPECT_EQ(refusal(decide_update_project(project, restore, kNow)), "conflict");
  project.state = ProjectState::deleted;
  project.deleted_at = kNow;
  EXPECT_EQ(refusal(decide_update_project(project, UpdateProject{}, kNow)), "conflict");
  EXPECT_EQ(refusal(decide_update_project(project, restore, kNow)), "none");
  EXPECT_EQ(refusal(decide_update_project(project, restore, kNow + kWindow - Milliseconds(1))),
            "none");
  EXPECT_EQ(refusal(decide_update_project(project, restore, kNow + kWindow)), "conflict");
  restore.name = "taken by another";
  EXPECT_EQ(refusal(decide_update_project(project, restore, kNow)), "none");
  restore.name = "a/b";
  EXPECT_EQ(refusal(decide_update_project(project, restore, kNow)), "name");
}

TEST(DecideUpdateProject, WaitsForOperations) {
  for (const ProjectState state :
       {ProjectState::deleting, ProjectState::new_project, ProjectState::create_pending}) {
    Project project;
    project.state = state;
    EXPECT_EQ(refusal(decide_update_project(project, UpdateProject{}, kNow)), "conflict");
  }
}

}  // namespace
}  // namespace latchkey::core
