#include "gate/openapi_servers.h"

#include <algorithm>

#include "base/text.h"
#include "gate/openapi_pointer.h"

namespace latchkey::gate {
namespace {

constexpr size_t kBasesMax = 64;

Error wrong(const std::string& rule) { return Error(ErrorCode::configuration, rule); }

// The values that the variable `name` of `server` may have.
Result<std::vector<std::string>> values_of(const json::object& server, std::string_view name) {
  const json::object* variables = find_object(server, "variables");
  const json::object* variable = variables ? find_object(*variables, name) : nullptr;
  const json::value* listed = variable ? variable->if_contains("enum") : nullptr;
  std::vector<std::string> values;
  if (const json::array* array = listed ? listed->if_array() : nullptr) {
    for (const json::value& value : *array) {
      if (values.size() == kBasesMax) break;  // as many as can matter; the caller counts again
      if (const json::string* text = value.if_string()) values.emplace_back(*text);
    }
  }
  if (values.empty() && variable && variable->contains("default")) {
    values.emplace_back(find_text(*variable, "default"));
  }
  if (values.empty()) {
    return wrong("has a server with the variable '" + std::string(name) + "', which has no value");
  }
  return values;
}

// The path of a server's URL, with its variables: "" when it has none.
Result<std::string_view> path_of(std::string_view url) {
  if (url.find_first_of("?#") != url.npos) return wrong("has a server with a query or fragment");
  if (const size_t authority = url.find("://"); authority != url.npos) {
    const size_t slash = url.find('/', authority + 3);
    return slash == url.npos ? std::string_view() : url.substr(slash);
  }
  // "//host/path" has an authority too.
  if (url.starts_with("//")) {
    const size_t slash = url.find('/', 2);
    return slash == url.npos ? std::string_view() : url.substr(slash);
  }
  if (url.empty() || url.starts_with('/')) return url;
  return wrong("has the relative server '" + std::string(url) +
               "': say where its paths begin with the base path");
}

// All values of `path` with its variables replaced, added to `bases`.
Result<void> expand(const json::object& server, std::string_view path,
                    std::vector<std::string>& bases) {
  std::vector<std::string> texts = {""};
  while (!path.empty()) {
    const size_t open = path.find('{');
    for (std::string& text : texts) text += path.substr(0, open);
    if (open == path.npos) break;
    const size_t close = path.find('}', open);
    if (close == path.npos) return wrong("has a server with a brace that is no variable");
    LK_TRY(const auto values, values_of(server, path.substr(open + 1, close - open - 1)));
    std::vector<std::string> longer;
    for (const std::string& text : texts) {
      for (const std::string& value : values) longer.push_back(text + value);
    }
    if (longer.size() > kBasesMax) return wrong("has servers with more than 64 paths");
    texts = std::move(longer);
    path.remove_prefix(close + 1);
  }
  for (std::string& text : texts) {
    while (text.ends_with('/')) text.pop_back();
    if (std::find(bases.begin(), bases.end(), text) == bases.end()) bases.push_back(text);
  }
  if (bases.size() > kBasesMax) return wrong("has servers with more than 64 paths");
  return {};
}

const json::array* find_servers(const json::object& owner) {
  const json::value* value = owner.if_contains("servers");
  const json::array* servers = value ? value->if_array() : nullptr;
  return servers && !servers->empty() ? servers : nullptr;
}

}  // namespace

Result<std::vector<std::string>> read_servers(const json::object& document,
                                              const json::object& item,
                                              const json::object& operation) {
  const json::array* servers = nullptr;
  for (const json::object* owner : {&operation, &item, &document}) {
    servers = find_servers(*owner);
    if (servers) break;
  }
  if (!servers) return std::vector<std::string>{""};
  std::vector<std::string> bases;
  for (const json::value& value : *servers) {
    const json::object* server = value.if_object();
    if (!server) return wrong("has a server that is no object");
    LK_TRY(const std::string_view path, path_of(find_text(*server, "url")));
    LK_CHECK(expand(*server, path, bases));
  }
  return bases;
}

Result<std::vector<std::string>> read_base_path(const json::object& document) {
  std::string base(find_text(document, "basePath"));
  if (!base.empty() && !base.starts_with('/')) return wrong("has a basePath without a slash");
  while (base.ends_with('/')) base.pop_back();
  return std::vector<std::string>{std::move(base)};
}

}  // namespace latchkey::gate
