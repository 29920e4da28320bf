// The ready sets of route rules. Sources of what their clients send:
// https://git-scm.com/docs/http-protocol,
// https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md,
// https://peps.python.org/pep-0503/, https://distribution.github.io/distribution/spec/api/
#include "base/text.h"
#include "gate/route_rules.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kCode = "vso.code";
constexpr std::string_view kCodeWrite = "vso.code_write";
constexpr std::string_view kPackaging = "vso.packaging";
constexpr std::string_view kPackagingWrite = "vso.packaging_write";
constexpr size_t kRepositoryDepthMax = 8;  // segments of a repository's path

const std::vector<std::string> kRead = {"GET", "HEAD"};
const std::vector<std::string> kWrite = {"POST", "PUT", "PATCH", "DELETE"};

class RuleList {
 public:
  explicit RuleList(std::string_view base) : base_(base) {
    while (base_.ends_with('/')) base_.pop_back();
  }
  void add(std::string_view name, const std::vector<std::string>& methods, const std::string& path,
           std::string_view scope, std::string_view query = {}) {
    rules_.push_back({std::string(name),
                      methods,
                      "",
                      base_ + path,
                      std::string(query),
                      {std::string(scope)},
                      RuleAccess::scopes});
  }
  std::vector<RouteRule> take() { return std::move(rules_); }

 private:
  std::string base_;
  std::vector<RouteRule> rules_;
};

// "/{_1}/{_2}" for 2: a template's rest stands at its end only, so each depth has its own rules.
std::string repository_path(size_t depth) {
  std::string path;
  for (size_t i = 1; i <= depth; ++i) path += "/{_" + std::to_string(i) + "}";
  return path;
}

// The smart protocol tells what it will do by `service`; who asks without it reads files.
std::vector<RouteRule> git_rules(std::string_view base) {
  RuleList list(base);
  for (size_t depth = 1; depth <= kRepositoryDepthMax; ++depth) {
    const std::string at = repository_path(depth);
    list.add("git fetch", kRead, at + "/info/refs", kCode, "service=git-upload-pack");
    list.add("git push", kRead, at + "/info/refs", kCodeWrite, "service=git-receive-pack");
    list.add("git fetch (dumb)", kRead, at + "/info/refs", kCode, "service=");
    list.add("git fetch", {"POST"}, at + "/git-upload-pack", kCode);
    list.add("git push", {"POST"}, at + "/git-receive-pack", kCodeWrite);
    for (const char* file :
         {"/HEAD", "/objects/info/packs", "/objects/info/alternates",
          "/objects/info/http-alternates", "/objects/pack/{_file}", "/objects/{_two}/{_file}"}) {
      list.add("git fetch (dumb)", kRead, at + file, kCode);
    }
    // What a batch of LFS is for stands in its body, so each asks for the more.
    list.add("git lfs", {"*"}, at + "/info/lfs/{*_rest}", kCodeWrite);
  }
  return list.take();
}

// A registry's own accounts and tokens are not for those of ours: nothing less than full access.
std::vector<RouteRule> npm_rules(std::string_view base) {
  RuleList list(base);
  list.add("npm read", kRead, "/{*_package}", kPackaging);
  list.add("npm publish", kWrite, "/{*_package}", kPackagingWrite);
  list.add("npm read", kRead, "/", kPackaging);
  list.add("npm audit", {"POST"}, "/-/npm/v1/security/{*_what}", kPackaging);
  list.add("npm account", {"*"}, "/-/npm/v1/{_what}", "app_token");
  list.add("npm account", {"*"}, "/-/npm/v1/tokens/{*_what}", "app_token");
  list.add("npm account", {"*"}, "/-/user/{*_who}", "app_token");
  list.add("npm account", {"*"}, "/-/v1/login", "app_token");
  list.add("npm account", {"*"}, "/-/v1/done", "app_token");
  list.add("npm search", kRead, "/-/v1/search", kPackaging);
  return list.take();
}

// Files that are read by GET and changed by anything else: simple indexes, Maven's layout, and
// uploads to the root, which twine does.
std::vector<RouteRule> feed_rules(std::string_view base) {
  RuleList list(base);
  for (const char* path : {"/", "/{*_path}"}) {
    list.add("feed read", kRead, path, kPackaging);
    list.add("feed publish", kWrite, path, kPackagingWrite);
  }
  return list.take();
}

std::vector<RouteRule> registry_rules(std::string_view base) {
  RuleList list(base);
  list.add("registry version", kRead, "/v2", kPackaging);
  list.add("registry pull", kRead, "/v2/{*_name}", kPackaging);
  list.add("registry push", kWrite, "/v2/{*_name}", kPackagingWrite);
  return list.take();
}

}  // namespace

std::vector<std::string_view> ready_set_names() {
  return {"git", "maven", "npm", "pypi", "registry"};
}

std::optional<ReadySet> ready_set(std::string_view name, std::string_view base) {
  if (name == "git") return ReadySet{git_rules(base)};
  if (name == "npm") return ReadySet{npm_rules(base), EncodedSlash::in_segment};
  if (name == "pypi" || name == "maven") return ReadySet{feed_rules(base)};
  if (name == "registry") {
    return ReadySet{registry_rules(base), EncodedSlash::refused, true};
  }
  return std::nullopt;
}

}  // namespace latchkey::gate
