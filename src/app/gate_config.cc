#include "app/gate_config.h"

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <set>
#include <sstream>

#include "app/toml.h"
#include "gate/openapi.h"

namespace latchkey::app {
namespace {

constexpr size_t kDocumentsMax = 64;
constexpr size_t kListMax = 1'000;

// Reads the members of one table, each by its name and type; what was not asked for is unknown.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string place)
      : table_(table), place_(std::move(place)) {}

  Error wrong(std::string_view key, const std::string& rule) const {
    const std::string field = place_ + "." + std::string(key);
    const toml::node* node = table_.get(key);
    const auto line = node ? node->source().begin.line : table_.source().begin.line;
    std::string text = field + " " + rule;
    if (line > 0) text += " (line " + std::to_string(line) + ")";
    return Error(ErrorCode::configuration, std::move(text), field);
  }

  const toml::node* take(std::string_view key) {
    asked_.insert(std::string(key));
    return table_.get(key);
  }

  Result<void> read(std::string_view key, std::string& value) {
    const toml::node* node = take(key);
    if (!node) return {};
    if (!node->is_string()) return wrong(key, "must be a text in quotes");
    value = node->as_string()->get();
    return {};
  }
  Result<void> read(std::string_view key, std::optional<std::string>& value) {
    if (!table_.get(key)) return {};
    std::string text;
    LK_CHECK(read(key, text));
    value = std::move(text);
    return {};
  }
  Result<void> read(std::string_view key, std::vector<std::string>& values) {
    const toml::node* node = take(key);
    if (!node) return {};
    const toml::array* array = node->as_array();
    if (!array) return wrong(key, "must be a list of texts");
    if (array->size() > kListMax) return wrong(key, "must have at most 1000");
    values.clear();
    for (const toml::node& item : *array) {
      if (!item.is_string()) return wrong(key, "must be a list of texts");
      values.push_back(item.as_string()->get());
    }
    return {};
  }
  Result<void> read_number(std::string_view key, int64_t least, int64_t most, int64_t& value) {
    const toml::node* node = take(key);
    if (!node) return {};
    const bool is_good = node->is_integer() && node->as_integer()->get() >= least &&
                         node->as_integer()->get() <= most;
    if (!is_good) {
      return wrong(key, "must be a whole number from " + std::to_string(least) + " to " +
                            std::to_string(most));
    }
    value = node->as_integer()->get();
    return {};
  }
  template <class Enum>
  Result<void> read_choice(std::string_view key,
                           std::initializer_list<std::pair<std::string_view, Enum>> choices,
                           Enum& value) {
    std::optional<std::string> text;
    LK_CHECK(read(key, text));
    if (!text) return {};
    std::string names;
    for (const auto& [name, choice] : choices) {
      if (name == *text) {
        value = choice;
        return {};
      }
      names += (names.empty() ? "" : ", ") + std::string(name);
    }
    return wrong(key, "must be one of: " + names);
  }

  Result<void> refuse_unknown() const {
    for (const auto& [name, node] : table_) {
      if (asked_.count(std::string(name.str())) == 0) {
        return wrong(name.str(), "is no key that Latchkey knows");
      }
    }
    return {};
  }

 private:
  const toml::table& table_;
  const std::string place_;
  std::set<std::string> asked_;
};

Result<gate::RouteRule> read_rule(const toml::table& table, const std::string& place) {
  TableReader reader(table, place);
  gate::RouteRule rule;
  LK_CHECK(reader.read("name", rule.name));
  LK_CHECK(reader.read("methods", rule.methods));
  LK_CHECK(reader.read("host", rule.host));
  LK_CHECK(reader.read("path", rule.path));
  LK_CHECK(reader.read("query", rule.query));
  LK_CHECK(reader.read("scopes", rule.scopes));
  LK_CHECK(reader.read_choice("access",
                              {{"scopes", gate::RuleAccess::scopes},
                               {"any_token", gate::RuleAccess::any_token},
                               {"open", gate::RuleAccess::open}},
                              rule.access));
  LK_CHECK(reader.refuse_unknown());
  return rule;
}

Result<void> read_rules(TableReader& reader, const std::string& place, gate::ApiSettings& api) {
  const toml::node* node = reader.take("rules");
  if (!node) return {};
  const toml::array* rules = node->as_array();
  if (!rules) return reader.wrong("rules", "must be tables: [[gate.api.rules]], or a list of {}");
  if (rules->size() > gate::kRulesMax) return reader.wrong("rules", "must be at most 10000");
  for (size_t i = 0; i < rules->size(); ++i) {
    const toml::table* table = rules->get(i)->as_table();
    if (!table) return reader.wrong("rules", "must be tables");
    LK_TRY(auto rule, read_rule(*table, place + ".rules[" + std::to_string(i) + "]"));
    api.rules.push_back(std::move(rule));
  }
  return {};
}

Result<std::string> read_document(const std::string& file) {
  std::error_code error;
  const auto size_bytes = std::filesystem::file_size(file, error);
  const auto bad = [&](const std::string& what) {
    return Error(ErrorCode::configuration, "has " + file + ", which " + what);
  };
  if (error) return bad("cannot be read: " + error.message());
  if (size_bytes > gate::kDocumentBytesMax) return bad("is over 32 MiB");
  std::ifstream stream(file, std::ios::binary);
  std::string text(size_bytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream) return bad("cannot be read");
  return text;
}

Result<void> read_documents(TableReader& reader, const std::filesystem::path& folder,
                            gate::ApiSettings& api, std::vector<std::string>& files) {
  std::vector<std::string> names;
  LK_CHECK(reader.read("openapi", names));
  if (names.size() > kDocumentsMax) return reader.wrong("openapi", "must be at most 64 files");
  for (const std::string& name : names) {
    const std::string file = (folder / name).string();
    files.push_back(file);
    auto text = read_document(file);
    if (!text) return reader.wrong("openapi", text.error().message);
    api.documents.push_back({name, *std::move(text)});
  }
  return {};
}

Result<void> read_organization(TableReader& reader, gate::ApiSettings& api) {
  using gate::OrganizationSource;
  int given = 0;
  for (const auto& [key, source] :
       {std::pair{"organization", OrganizationSource::fixed},
        std::pair{"organization_from_path", OrganizationSource::path_parameter},
        std::pair{"organization_from_host", OrganizationSource::host}}) {
    std::optional<std::string> name;
    LK_CHECK(reader.read(key, name));
    if (!name) continue;
    if (++given > 1) return reader.wrong(key, "stands beside another organization key");
    api.organization = {source, *std::move(name)};
  }
  if (given == 0) {
    return reader.wrong("organization",
                        "must be given, or organization_from_path or organization_from_host: "
                        "which organization do requests belong to?");
  }
  return {};
}

Result<void> read_cors(TableReader& reader, gate::ApiSettings& api) {
  LK_CHECK(reader.read("cors_origins", api.cors.origins));
  LK_CHECK(reader.read("cors_headers", api.cors.headers));
  int64_t seconds = api.cors.max_age_s;
  LK_CHECK(reader.read_number("cors_max_age_s", 0, 86'400, seconds));
  api.cors.max_age_s = static_cast<uint32_t>(seconds);
  return {};
}

Result<void> read_time(TableReader& reader, std::string_view key, Milliseconds& value) {
  int64_t ms = value.count();
  LK_CHECK(reader.read_number(key, 1, 3'600'000, ms));
  value = Milliseconds(ms);
  return {};
}

Result<void> read_upstream(TableReader& reader, gate::UpstreamSettings& upstream) {
  LK_CHECK(reader.read("upstream", upstream.urls));
  LK_CHECK(reader.read("upstream_ca_file", upstream.ca_file));
  LK_CHECK(reader.read_choice("upstream_host", {{"client", true}, {"upstream", false}},
                              upstream.keeps_host));
  LK_CHECK(reader.read("health_path", upstream.health_path));
  LK_CHECK(read_time(reader, "connect_timeout_ms", upstream.connect_timeout));
  LK_CHECK(read_time(reader, "answer_timeout_ms", upstream.answer_timeout));
  LK_CHECK(read_time(reader, "stall_timeout_ms", upstream.stall_timeout));
  LK_CHECK(read_time(reader, "tunnel_timeout_ms", upstream.tunnel_timeout));
  int64_t bytes = INT64_MAX;
  LK_CHECK(reader.read_number("body_bytes_max", 0, INT64_MAX, bytes));
  if (bytes != INT64_MAX) upstream.body_bytes_max = static_cast<uint64_t>(bytes);
  return {};
}

Result<gate::ApiSettings> read_api(const toml::table& table, const std::string& place,
                                   const std::filesystem::path& folder,
                                   std::vector<std::string>& files) {
  TableReader reader(table, place);
  gate::ApiSettings api;
  LK_CHECK(reader.read("name", api.name));
  if (api.name.empty() || api.name.size() > 100) {
    return reader.wrong("name", "must be given, with at most 100 bytes");
  }
  LK_CHECK(reader.read("hosts", api.hosts));
  LK_CHECK(reader.read("path_prefix", api.path_prefix));
  LK_CHECK(read_organization(reader, api));
  LK_CHECK(read_documents(reader, folder, api, files));
  LK_CHECK(reader.read("base_path", api.base_path));
  LK_CHECK(reader.read_choice(
      "scope_list", {{"all", gate::ScopeList::all}, {"any_one", gate::ScopeList::any_one}},
      api.scope_list));
  std::vector<std::string> open;
  LK_CHECK(reader.read("open", open));
  api.open_operations = {open.begin(), open.end()};
  LK_CHECK(read_rules(reader, place, api));
  LK_CHECK(reader.read("ready", api.ready));
  LK_CHECK(reader.read("ready_path", api.ready_path));
  LK_CHECK(reader.read_choice(
      "encoded_slash",
      {{"refused", gate::EncodedSlash::refused}, {"in_segment", gate::EncodedSlash::in_segment}},
      api.encoded_slash));
  LK_CHECK(reader.read_choice(
      "path_case", {{"exact", gate::PathCase::exact}, {"ignored", gate::PathCase::ignored}},
      api.path_case));
  LK_CHECK(read_cors(reader, api));
  LK_CHECK(read_upstream(reader, api.upstream));
  LK_CHECK(reader.refuse_unknown());
  return api;
}

}  // namespace

Result<GateConfig> read_gate_config(const std::string& path) {
  const toml::parse_result parsed = toml::parse_file(path);
  if (!parsed) {
    std::ostringstream where;
    where << path << ": " << parsed.error().description();
    const auto line = parsed.error().source().begin.line;
    if (line > 0) where << ", line " << line;
    return Error(ErrorCode::configuration, where.str());
  }
  GateConfig config;
  const toml::node_view apis = parsed.table()["gate"]["api"];
  if (!apis) return config;
  const toml::array* tables = apis.as_array();
  if (!tables) return Error(ErrorCode::configuration, "gate.api must be [[gate.api]]", "gate.api");
  if (tables->size() > gate::kApisMax) {
    return Error(ErrorCode::configuration, "gate.api must be at most 1000 tables", "gate.api");
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  for (size_t i = 0; i < tables->size(); ++i) {
    const toml::table* table = tables->get(i)->as_table();
    if (!table) return Error(ErrorCode::configuration, "gate.api must be tables", "gate.api");
    LK_TRY(auto api, read_api(*table, "gate.api[" + std::to_string(i) + "]", folder, config.files));
    config.apis.push_back(std::move(api));
  }
  return config;
}

}  // namespace latchkey::app
