#include "gate/api_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.h"
#include "core/organization.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kAnyHost = "*";

// Which API an error is about.
class ApiPlace {
 public:
  ApiPlace(size_t index, const std::string& name)
      : field_("gate.api[" + std::to_string(index) + "]."), name_(name) {}
  Error wrong(std::string_view key, const std::string& rule) const {
    const std::string field = field_ + std::string(key);
    return Error(ErrorCode::configuration, field + " of '" + name_ + "' " + rule, field);
  }

 private:
  std::string field_;
  std::string name_;
};

Result<std::vector<std::string>> read_prefix(const ApiSettings& api, const ApiPlace& place) {
  if (api.path_prefix.empty() || api.path_prefix == "/") return std::vector<std::string>();
  auto segments = parse_template(api.path_prefix);
  if (!segments) return place.wrong("path_prefix", segments.error().message);
  std::vector<std::string> prefix;
  for (const TemplateSegment& segment : *segments) {
    if (segment.kind != SegmentKind::concrete) {
      return place.wrong("path_prefix", "must be without parameters");
    }
    prefix.push_back(segment.text);
  }
  return prefix;
}

Result<std::vector<HostPattern>> read_hosts(const ApiSettings& api, const ApiPlace& place) {
  std::vector<HostPattern> hosts;
  for (const std::string& text : api.hosts) {
    auto pattern = HostPattern::parse(text);
    if (!pattern)
      return place.wrong("hosts", "has '" + text + "', which " + pattern.error().message);
    hosts.push_back(*std::move(pattern));
  }
  return hosts;
}

// Every request must say its organization, or a token of another one would do.
Result<void> check_organization(const Api& api, const ApiPlace& place) {
  const OrganizationRule& rule = api.settings.organization;
  if (rule.name.empty()) {
    return place.wrong("organization", "must say which organization requests belong to");
  }
  if (rule.source == OrganizationSource::fixed) {
    if (auto good = core::check_organization_name(rule.name); !good) {
      return place.wrong("organization", "is no name of one: " + good.error().message);
    }
  } else if (rule.source == OrganizationSource::host) {
    const bool all_have_it = !api.hosts.empty() && std::all_of(api.hosts.begin(), api.hosts.end(),
                                                               [&](const HostPattern& h) {
                                                                 return h.name() == rule.name;
                                                               });
    if (!all_have_it) {
      return place.wrong("organization",
                         "is from the host, so each of hosts must begin with {" + rule.name + "}.");
    }
  } else {
    for (const GuardedOperation& guarded : api.routes.operations()) {
      const auto names = parameter_names(*parse_template(guarded.operation.path));
      if (guarded.is_open || std::find(names.begin(), names.end(), rule.name) != names.end()) {
        continue;
      }
      return place.wrong("organization", "is from the path, but " + guarded.operation.method + " " +
                                             guarded.operation.path + " has no {" + rule.name +
                                             "}");
    }
  }
  return {};
}

Result<void> check_cors(const ApiSettings& api, const ApiPlace& place) {
  for (const std::string& origin : api.cors.origins) {
    const size_t scheme = origin.starts_with("https://")  ? 8
                          : origin.starts_with("http://") ? 7
                                                          : 0;
    const bool is_origin = scheme != 0 && parse_host(origin.substr(scheme)) &&
                           origin.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == origin.npos;
    if (origin != "*" && !is_origin) {
      return place.wrong("cors_origins", "has '" + origin +
                                             "', which must be as a browser sends it: "
                                             "https://app.example.com, in small letters");
    }
  }
  for (const std::string& header : api.cors.headers) {
    const bool is_name = !header.empty() && std::all_of(header.begin(), header.end(), [](char c) {
      return is_ascii_letter(c) || is_ascii_digit(c) || c == '-';
    });
    if (!is_name) return place.wrong("cors_headers", "has '" + header + "', which is no name");
  }
  return {};
}

// Adds the operations of the documents, the rules and the ready sets of `api` to `operations`.
class Collector {
 public:
  Collector(const ApiSettings& api, const ApiPlace& place) : api_(api), place_(place) {}

  Result<void> collect() {
    for (const ApiDocument& document : api_.documents) LK_CHECK(add_document(document));
    auto rules = compile_rules(api_.rules);
    if (!rules) return place_.wrong(rules.error().field, after_field(rules.error()));
    add(*std::move(rules));
    for (const std::string& name : api_.ready) LK_CHECK(add_ready(name));
    if (operations.empty()) {
      return place_.wrong("rules", "must have one, or openapi or ready must name something");
    }
    return {};
  }

  std::vector<Operation> operations;
  std::vector<Finding> findings;
  std::map<std::string, std::string> files;
  EncodedSlash encoded_slash = EncodedSlash::refused;
  bool basic_only = false;

 private:
  // The message without the field that it begins with.
  static std::string after_field(const Error& error) {
    return error.message.substr(std::min(error.message.size(), error.field.size() + 1));
  }

  void add(std::vector<Operation> more) {
    for (Operation& operation : more) operations.push_back(std::move(operation));
  }

  Result<void> add_document(const ApiDocument& document) {
    auto loaded = load_openapi(document.text, {api_.base_path, FindingRule::collect});
    if (!loaded) {
      return place_.wrong("openapi", "has " + document.file + ": " + loaded.error().message);
    }
    for (const Operation& operation : loaded->operations) {
      files.emplace(operation.method + " " + operation.path, document.file);
    }
    for (Finding& finding : loaded->findings) {
      findings.push_back({document.file + ": " + finding.place, std::move(finding.rule)});
    }
    add(std::move(loaded->operations));
    return {};
  }

  Result<void> add_ready(const std::string& name) {
    const std::string base = api_.ready_path.value_or(api_.path_prefix);
    auto set = ready_set(name, base);
    if (!set) {
      std::string names;
      for (const std::string_view known : ready_set_names()) {
        names += (names.empty() ? "" : ", ") + std::string(known);
      }
      return place_.wrong("ready", "has '" + name + "'; there are " + names);
    }
    if (!base.empty() && !parse_template(base)) {
      return place_.wrong("ready_path", parse_template(base).error().message);
    }
    auto compiled = compile_rules(set->rules);
    if (!compiled)
      return place_.wrong("ready_path", "makes a rule that " + after_field(compiled.error()));
    add(*std::move(compiled));
    if (set->encoded_slash == EncodedSlash::in_segment) encoded_slash = set->encoded_slash;
    basic_only = basic_only || set->basic_only;
    return {};
  }

  const ApiSettings& api_;
  const ApiPlace& place_;
};

Result<Api> make_api(const core::ScopeCatalog& catalog, ApiSettings settings,
                     const TableOptions& options, const ApiPlace& place) {
  LK_TRY(auto prefix, read_prefix(settings, place));
  LK_TRY(auto hosts, read_hosts(settings, place));
  LK_CHECK(check_cors(settings, place));
  Collector collected(settings, place);
  LK_CHECK(collected.collect());
  if (collected.encoded_slash == EncodedSlash::in_segment) {
    settings.encoded_slash = EncodedSlash::in_segment;
  }
  auto routes = GuardedRoutes::build(catalog, collected.operations,
                                     {settings.scope_list, options.unknown_scopes,
                                      settings.open_operations, settings.encoded_slash});
  if (!routes) {
    const auto file = collected.files.find(routes.error().field);
    const std::string where = file == collected.files.end() ? "" : file->second + ": ";
    return place.wrong(settings.documents.empty() ? "rules" : "openapi",
                       "is refused: " + where + routes.error().message);
  }
  for (ApiDocument& document : settings.documents) document.text = {};
  Api api{std::move(settings),
          std::move(hosts),
          std::move(prefix),
          *std::move(routes),
          std::move(collected.findings),
          std::move(collected.files),
          collected.basic_only,
          0};
  LK_CHECK(check_organization(api, place));
  return api;
}

bool begins_with(const PathSegments& path, const std::vector<std::string>& prefix) {
  if (path.size() < prefix.size()) return false;
  for (size_t i = 0; i < prefix.size(); ++i) {
    if (!ascii_equal_ignoring_case(path[i], prefix[i])) return false;
  }
  return true;
}

}  // namespace

Result<std::shared_ptr<const ApiTable>> ApiTable::build(const core::ScopeCatalog& catalog,
                                                        std::vector<ApiSettings> apis,
                                                        const TableOptions& options) {
  if (apis.size() > kApisMax) {
    return Error(ErrorCode::configuration, "gate.api must be at most 1000 tables", "gate.api");
  }
  std::unique_ptr<ApiTable> table(new ApiTable);
  std::set<std::string> names, places;
  for (size_t i = 0; i < apis.size(); ++i) {
    const ApiPlace place(i, apis[i].name);
    if (!names.insert(apis[i].name).second) return place.wrong("name", "is there twice");
    LK_TRY(Api api, make_api(catalog, std::move(apis[i]), options, place));
    api.number = i;
    std::vector<std::string> keys;
    for (const HostPattern& host : api.hosts) keys.push_back(host.key());
    if (keys.empty()) keys.emplace_back(kAnyHost);
    for (const std::string& key : keys) {
      std::string where = key;
      for (const std::string& segment : api.prefix) where += "/" + ascii_lower(segment);
      if (!places.insert(where).second) {
        return place.wrong("hosts", "and path_prefix are those of another API: " + where);
      }
      table->by_host_[key].push_back(i);
    }
    table->apis_.push_back(std::move(api));
  }
  for (auto& [host, list] : table->by_host_) {
    std::stable_sort(list.begin(), list.end(), [&](size_t a, size_t b) {
      return table->apis_[a].prefix.size() > table->apis_[b].prefix.size();
    });
  }
  return std::shared_ptr<const ApiTable>(std::move(table));
}

const Api* ApiTable::choose_among(std::string_view key, const PathSegments& path) const {
  const auto found = by_host_.find(key);
  if (found == by_host_.end()) return nullptr;
  for (const size_t i : found->second) {
    if (begins_with(path, apis_[i].prefix)) return &apis_[i];
  }
  return nullptr;
}

ApiTable::Choice ApiTable::choose(std::string_view host, std::string_view path) const {
  PathSegments segments;
  if (!segments.parse(path, EncodedSlash::in_segment)) return {};
  Choice choice;
  choice.api = choose_among(host, segments);
  if (const size_t dot = host.find('.'); !choice.api && dot != host.npos && dot > 0) {
    choice.api = choose_among("*" + std::string(host.substr(dot)), segments);
    if (choice.api) choice.organization = host.substr(0, dot);
  }
  if (!choice.api) choice.api = choose_among(kAnyHost, segments);
  return choice;
}

}  // namespace latchkey::gate
