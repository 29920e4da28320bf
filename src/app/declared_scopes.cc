#include "app/declared_scopes.h"

// As in config_file.cc.
#undef NDEBUG
#define TOML_ASSERT(condition) static_cast<void>(0)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <string_view>

#include "base/json.h"
#include "core/role.h"

namespace latchkey::app {
namespace {

// One table, with its place for messages.
struct Entry {
  std::string key;  // "gate.scope[2]"
  const toml::table& table;
};

Error refused(const std::string& key, const std::string& rule, const toml::node* node) {
  std::string message = key + " " + rule;
  if (node != nullptr && node->source().begin.line > 0) {
    message += ", line " + std::to_string(node->source().begin.line);
  }
  return Error(ErrorCode::configuration, message, key);
}

Result<std::string> read_text(const Entry& entry, std::string_view name) {
  const toml::node* node = entry.table.get(name);
  const std::string key = entry.key + "." + std::string(name);
  if (node == nullptr) return refused(key, "must be given", &entry.table);
  const auto* text = node->as_string();
  if (text == nullptr) return refused(key, "must be a text in quotes", node);
  return text->get();
}

Result<std::vector<std::string>> read_implies(const Entry& entry) {
  std::vector<std::string> implies;
  const toml::node* node = entry.table.get("implies");
  if (node == nullptr) return implies;
  const auto* list = node->as_array();
  if (list == nullptr) {
    return refused(entry.key + ".implies", "must be a list of texts in quotes", node);
  }
  for (const toml::node& element : *list) {
    const auto* text = element.as_string();
    if (text == nullptr) {
      return refused(entry.key + ".implies", "must be a list of texts in quotes", &element);
    }
    implies.push_back(text->get());
  }
  return implies;
}

Result<core::Role> read_role(const Entry& entry) {
  const toml::node* node = entry.table.get("role");
  if (node == nullptr) return core::Role::reader;
  LK_TRY(const std::string text, read_text(entry, "role"));
  const auto role = core::parse_role(text);
  if (!role || *role == core::Role::owner) {
    return refused(entry.key + ".role", "must be one of: reader, member, administrator", node);
  }
  return *role;
}

Result<bool> read_high_privilege(const Entry& entry) {
  const toml::node* node = entry.table.get("high_privilege");
  if (node == nullptr) return false;
  const auto* flag = node->as_boolean();
  if (flag == nullptr) {
    return refused(entry.key + ".high_privilege", "must be true or false", node);
  }
  return flag->get();
}

Result<void> refuse_unknown_keys(const Entry& entry) {
  constexpr std::string_view kKeys[] = {"name",    "title", "description",   "category",
                                        "implies", "role",  "high_privilege"};
  for (const auto& [name, node] : entry.table) {
    bool is_known = false;
    for (const std::string_view key : kKeys) is_known = is_known || key == name.str();
    if (!is_known) {
      return refused(entry.key + "." + std::string(name.str()), "is no key that latchkey knows",
                     &node);
    }
  }
  return {};
}

Result<core::DeclaredScope> read_scope(const Entry& entry) {
  LK_CHECK(refuse_unknown_keys(entry));
  core::DeclaredScope scope;
  LK_TRY(scope.identifier, read_text(entry, "name"));
  LK_TRY(scope.title, read_text(entry, "title"));
  LK_TRY(scope.description, read_text(entry, "description"));
  LK_TRY(scope.category, read_text(entry, "category"));
  LK_TRY(scope.implies, read_implies(entry));
  LK_TRY(scope.least_role, read_role(entry));
  LK_TRY(scope.high_privilege, read_high_privilege(entry));
  return scope;
}

}  // namespace

Result<std::vector<core::DeclaredScope>> read_declared_scopes(const std::string& path) {
  std::vector<core::DeclaredScope> scopes;
  const toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) return Error(ErrorCode::configuration, path + ": is no TOML");
  const auto* gate = parsed.table().get_as<toml::table>("gate");
  const toml::node* node = gate == nullptr ? nullptr : gate->get("scope");
  if (node == nullptr) return scopes;
  const auto* tables = node->as_array();
  if (tables == nullptr) return refused("gate.scope", "must be tables: [[gate.scope]]", node);
  if (tables->size() > core::kDeclaredScopesMax) {
    return refused("gate.scope", "must stand at most 126 times", node);
  }
  for (const toml::node& element : *tables) {
    const auto* table = element.as_table();
    if (table == nullptr) return refused("gate.scope", "must be tables: [[gate.scope]]", &element);
    const Entry entry{"gate.scope[" + std::to_string(scopes.size()) + "]", *table};
    auto scope = read_scope(entry);
    if (!scope) {
      Error error = std::move(scope).error();
      error.message += " (" + path + ")";
      return error;
    }
    scopes.push_back(*std::move(scope));
  }
  if (auto checked = core::check_declared_scopes(scopes); !checked) {
    Error error = std::move(checked).error();
    error.message += " (" + path + ")";
    return error;
  }
  return scopes;
}

std::string format_declared_scopes(std::span<const core::DeclaredScope> scopes) {
  std::string text;
  for (const core::DeclaredScope& scope : scopes) {
    // JSON's strings are strings of TOML too.
    text += "\n[[gate.scope]]\nname = " + quote_json(scope.identifier);
    text += "\ntitle = " + quote_json(scope.title);
    text += "\ndescription = " + quote_json(scope.description);
    text += "\ncategory = " + quote_json(scope.category) + "\nimplies = [";
    for (const std::string& implied : scope.implies) {
      text += (&implied == scope.implies.data() ? "" : ", ") + quote_json(implied);
    }
    text += "]\nrole = " + quote_json(core::role_name(scope.least_role));
    text += std::string("\nhigh_privilege = ") + (scope.high_privilege ? "true" : "false") + "\n";
  }
  return text;
}

}  // namespace latchkey::app
