// `latchkey project ...`: projects of the organization.
#include <CLI/CLI.hpp>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_prompt.h"
#include "base/text.h"

namespace latchkey::app {
namespace {

struct ProjectOptions {
  std::string project;  // name or id
  std::string name;
  std::string description;
  std::string visibility;
  std::string process = "Basic";
  std::string state;
  bool yes = false;
};
using Options = std::shared_ptr<ProjectOptions>;

constexpr int kPage = 100;
constexpr int kPagesMax = 1000;

std::string path_of(const std::string& organization, const std::string& rest,
                    const std::string& query = "") {
  return "/" + organization + "/_apis/projects" + rest + "?api-version=7.1" +
         (query.empty() ? "" : "&" + query);
}

void print_project(const Cli& cli, const json::value& project) {
  print_facts(cli, project,
              {{"Id", text_field(project, "id")},
               {"Name", text_field(project, "name")},
               {"Description", text_field(project, "description")},
               {"Visibility", text_field(project, "visibility")},
               {"State", text_field(project, "state")},
               {"Changed (UTC)", short_time(text_field(project, "lastUpdateTime"))}});
}

Result<json::value> load_project(Remote& remote, const std::string& name_or_id) {
  LK_TRY(const std::string organization, remote.organization());
  return remote.call({"GET", path_of(organization, "/" + percent_encode(name_or_id)), {}});
}

Result<void> list(const Cli& cli, const ProjectOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  json::array all;
  for (int page = 0; page < kPagesMax; ++page) {
    std::string query = "$top=" + std::to_string(kPage) + "&$skip=" + std::to_string(page * kPage);
    if (!options.state.empty()) query += "&stateFilter=" + percent_encode(options.state);
    LK_TRY(const json::value answer, remote.call({"GET", path_of(organization, "", query), {}}));
    const auto rows = list_field(answer, "value");
    for (const json::value& row : rows) all.push_back(row);
    if (rows.size() < kPage) break;
  }
  Table table{{"Name", "Visibility", "State", "Id"}, {}};
  for (const json::value& row : all) {
    table.rows.push_back({text_field(row, "name"), text_field(row, "visibility"),
                          text_field(row, "state"), text_field(row, "id")});
  }
  const size_t count = all.size();
  print_list(cli, {{"count", count}, {"value", std::move(all)}}, table,
             "No projects. Make one with `latchkey project create NAME`.");
  return {};
}

// Ids of processes are the server's business; people know their names.
Result<std::string> process_id(Remote& remote, const std::string& organization,
                               const std::string& name) {
  LK_TRY(const json::value answer,
         remote.call({"GET", "/" + organization + "/_apis/process/processes?api-version=7.1", {}}));
  std::string names;
  for (const json::value& process : list_field(answer, "value")) {
    const std::string own = text_field(process, "name");
    if (ascii_equal_ignoring_case(own, name)) return text_field(process, "id");
    names += (names.empty() ? "" : ", ") + own;
  }
  return usage_error("there is no process " + name, "give one of: " + names);
}

Result<void> create(const Cli& cli, const ProjectOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  LK_TRY(const std::string process, process_id(remote, organization, options.process));
  const json::value body = {
      {"name", options.name},
      {"description", options.description},
      {"visibility", options.visibility.empty() ? "private" : options.visibility},
      {"capabilities",
       {{"versioncontrol", {{"sourceControlType", "Git"}}},
        {"processTemplate", {{"templateTypeId", process}}}}}};
  LK_CHECK(remote.call({"POST", path_of(organization, ""), body}));
  LK_TRY(const json::value made, load_project(remote, options.name));
  print_project(cli, made);
  return {};
}

Result<void> show(const Cli& cli, const ProjectOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const json::value found, load_project(remote, options.project));
  print_project(cli, found);
  return {};
}

Result<void> change(const Cli& cli, const std::string& project, json::object body) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  LK_TRY(const json::value found, load_project(remote, project));
  const std::string id = text_field(found, "id");
  LK_CHECK(remote.call({"PATCH", path_of(organization, "/" + id), json::value(std::move(body))}));
  LK_TRY(const json::value changed, load_project(remote, id));
  print_project(cli, changed);
  return {};
}

Result<void> edit(const Cli& cli, const ProjectOptions& options) {
  json::object body;
  if (!options.name.empty()) body["name"] = options.name;
  if (!options.description.empty()) body["description"] = options.description;
  if (!options.visibility.empty()) body["visibility"] = options.visibility;
  if (body.empty()) {
    return usage_error("nothing is to be changed", "give --name, --description or --visibility");
  }
  return change(cli, options.project, std::move(body));
}

Result<void> remove_project(const Cli& cli, const ProjectOptions& options) {
  LK_TRY(Remote remote, Remote::signed_in(cli));
  LK_TRY(const std::string organization, remote.organization());
  LK_TRY(const json::value found, load_project(remote, options.project));
  const std::string name = text_field(found, "name");
  const std::string id = text_field(found, "id");
  if (!options.yes) LK_CHECK(confirm("The project " + name + " will be deleted.", name));
  LK_CHECK(remote.call({"DELETE", path_of(organization, "/" + id), {}}));
  tell("The project is deleted. For 28 days `latchkey project restore " + id + "` brings it back.");
  return {};
}

void add_reading(CLI::App& project, Cli& cli, const Options& options) {
  auto* list_command = project.add_subcommand("list", "List projects");
  list_command->add_option("--state", options->state, "wellFormed, deleted or all")
      ->check(CLI::IsMember({"wellFormed", "deleted", "all"}));
  list_command->footer("Example:\n  latchkey project list");
  list_command->callback([&cli, options] { cli.finish(list(cli, *options)); });

  auto* show_command = project.add_subcommand("show", "Show a project");
  show_command->add_option("project", options->project, "Its name or id")->required();
  show_command->footer("Example:\n  latchkey project show website");
  show_command->callback([&cli, options] { cli.finish(show(cli, *options)); });
}

void add_changing(CLI::App& project, Cli& cli, const Options& options) {
  const auto is_visibility = CLI::IsMember({"private", "public"});
  auto* create_command = project.add_subcommand("create", "Make a project");
  create_command->add_option("name", options->name, "Its name")->required();
  create_command->add_option("--description", options->description, "What it is for");
  create_command->add_option("--visibility", options->visibility, "private (default) or public")
      ->check(is_visibility);
  create_command->add_option("--process", options->process, "Basic, Agile, Scrum or CMMI");
  create_command->footer("Example:\n  latchkey project create website --visibility private");
  create_command->callback([&cli, options] { cli.finish(create(cli, *options)); });

  auto* edit_command = project.add_subcommand("edit", "Change a project");
  edit_command->add_option("project", options->project, "Its name or id")->required();
  edit_command->add_option("--name", options->name, "The new name");
  edit_command->add_option("--description", options->description, "The new description");
  edit_command->add_option("--visibility", options->visibility, "private or public")
      ->check(is_visibility);
  edit_command->footer("Example:\n  latchkey project edit website --name shop");
  edit_command->callback([&cli, options] { cli.finish(edit(cli, *options)); });

  auto* delete_command = project.add_subcommand("delete", "Delete a project");
  delete_command->add_option("project", options->project, "Its name or id")->required();
  delete_command->add_flag("--yes", options->yes, "Do not ask");
  delete_command->footer("Example:\n  latchkey project delete website");
  delete_command->callback([&cli, options] { cli.finish(remove_project(cli, *options)); });

  auto* restore_command = project.add_subcommand("restore", "Bring a deleted project back");
  restore_command
      ->add_option("id", options->project, "Its id, from `latchkey project list --state deleted`")
      ->required();
  restore_command->footer(
      "Example:\n  latchkey project restore 4ab5bcd8-0000-4000-8000-000000000001");
  restore_command->callback([&cli, options] {
    cli.finish(change(cli, options->project, {{"state", "wellFormed"}}));
  });
}

}  // namespace

void add_project_commands(CLI::App& root, Cli& cli) {
  auto* project = root.add_subcommand("project", "Projects of the organization");
  project->require_subcommand(1);
  project->footer("Example:\n  latchkey project list");
  const auto options = std::make_shared<ProjectOptions>();
  add_reading(*project, cli, options);
  add_changing(*project, cli, options);
}

}  // namespace latchkey::app
