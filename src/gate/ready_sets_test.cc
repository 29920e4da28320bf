#include <gtest/gtest.h>

#include "gate/guarded_routes.h"
#include "gate/route_rules.h"

namespace latchkey::gate {
namespace {

class ReadySets : public testing::Test {
 protected:
  // What opens `method target` under the set `name` at `base`: a scope, or the error's name.
  std::string opened_by(const std::string& name, const std::string& method, std::string target,
                        const std::string& base = "") {
    const auto set = ready_set(name, base);
    EXPECT_TRUE(set) << name;
    GuardOptions options;
    options.encoded_slash = set->encoded_slash;
    const auto routes = GuardedRoutes::build(catalog_, *compile_rules(set->rules), options);
    EXPECT_TRUE(routes) << routes.error().message;
    std::string query;
    if (const size_t mark = target.find('?'); mark != target.npos) {
      query = target.substr(mark + 1);
      target.resize(mark);
    }
    const auto match = routes->match(method, target, {"", query});
    if (!match) return std::string(error_name(match.error().code));
    return match->operation->alternatives.at(0).at(0);
  }
  const core::ScopeCatalog catalog_ = core::ScopeCatalog::built_in();
};

TEST_F(ReadySets, GitTellsReadFromWriteByService) {
  const std::string fetch = "vso.code", push = "vso.code_write";
  for (const std::string at : {"/r.git", "/a/r.git", "/a/b/c/d/e/f/g/r.git"}) {
    EXPECT_EQ(opened_by("git", "GET", at + "/info/refs?service=git-upload-pack"), fetch);
    EXPECT_EQ(opened_by("git", "GET", at + "/info/refs?service=git-receive-pack"), push);
    EXPECT_EQ(opened_by("git", "GET", at + "/info/refs?service=git%2Dreceive-pack"), push);
    EXPECT_EQ(opened_by("git", "GET", at + "/info/refs"), fetch);
    EXPECT_EQ(opened_by("git", "POST", at + "/git-upload-pack"), fetch);
    EXPECT_EQ(opened_by("git", "POST", at + "/git-receive-pack"), push);
    EXPECT_EQ(opened_by("git", "GET", at + "/HEAD"), fetch);
    EXPECT_EQ(opened_by("git", "GET", at + "/objects/ab/cdef"), fetch);
    EXPECT_EQ(opened_by("git", "GET", at + "/objects/info/packs"), fetch);
    EXPECT_EQ(opened_by("git", "POST", at + "/info/lfs/objects/batch"), push);
    EXPECT_EQ(opened_by("git", "PUT", at + "/objects/ab/cdef"), "method_not_allowed");
    EXPECT_EQ(opened_by("git", "GET", at + "/git-receive-pack"), "method_not_allowed");
    EXPECT_EQ(opened_by("git", "GET", at + "/config"), "route_unknown");
    EXPECT_EQ(opened_by("git", "GET", at + "/info/refs?service=git-other"), "route_unknown");
    EXPECT_EQ(
        opened_by("git", "GET", at + "/info/refs?service=git-upload-pack&service=git-receive-pack"),
        "request_malformed");
    EXPECT_EQ(opened_by("git", "GET", at + "/info/refs?a;service=git-receive-pack"),
              "request_malformed");
  }
  EXPECT_EQ(opened_by("git", "GET", "/a/b/c/d/e/f/g/h/r.git/HEAD"), "route_unknown");
}

TEST_F(ReadySets, StandsBelowItsBase) {
  EXPECT_EQ(opened_by("git", "POST", "/contoso/p/_git/r/git-receive-pack",
                      "/{organization}/{project}/_git/"),
            "vso.code_write");
  EXPECT_EQ(opened_by("git", "POST", "/r/git-receive-pack", "/x"), "route_unknown");
}

TEST_F(ReadySets, Npm) {
  const std::string read = "vso.packaging", write = "vso.packaging_write";
  EXPECT_EQ(opened_by("npm", "GET", "/lodash"), read);
  EXPECT_EQ(opened_by("npm", "GET", "/@scope%2fname"), read);
  EXPECT_EQ(opened_by("npm", "GET", "/@scope/name/-/name-1.0.0.tgz"), read);
  EXPECT_EQ(opened_by("npm", "PUT", "/@scope%2fname"), write);
  EXPECT_EQ(opened_by("npm", "PUT", "/-/package/lodash/dist-tags/latest"), write);
  EXPECT_EQ(opened_by("npm", "DELETE", "/lodash/-rev/1-x"), write);
  EXPECT_EQ(opened_by("npm", "GET", "/-/whoami"), read);
  EXPECT_EQ(opened_by("npm", "GET", "/-/ping"), read);
  EXPECT_EQ(opened_by("npm", "GET", "/-/v1/search?text=x"), read);
  EXPECT_EQ(opened_by("npm", "POST", "/-/npm/v1/security/advisories/bulk"), read);
  EXPECT_EQ(opened_by("npm", "PUT", "/-/user/org.couchdb.user:ada"), "app_token");
  EXPECT_EQ(opened_by("npm", "POST", "/-/v1/login"), "app_token");
  EXPECT_EQ(opened_by("npm", "GET", "/-/npm/v1/tokens"), "app_token");
  EXPECT_EQ(opened_by("npm", "DELETE", "/-/npm/v1/tokens/token/1"), "app_token");
  EXPECT_EQ(opened_by("npm", "GET", "/a%2f..%2fb"), "request_malformed");
}

TEST_F(ReadySets, FeedsAndRegistries) {
  for (const std::string name : {"pypi", "maven"}) {
    EXPECT_EQ(opened_by(name, "GET", "/simple/requests/"), "vso.packaging");
    EXPECT_EQ(opened_by(name, "POST", "/"), "vso.packaging_write");
    EXPECT_EQ(opened_by(name, "PUT", "/com/example/a/1/a-1.jar"), "vso.packaging_write");
    EXPECT_EQ(opened_by(name, "GET", "/a%2fb"), "request_malformed");
  }
  EXPECT_EQ(opened_by("registry", "GET", "/v2/"), "vso.packaging");
  EXPECT_EQ(opened_by("registry", "HEAD", "/v2/a/b/manifests/latest"), "vso.packaging");
  EXPECT_EQ(opened_by("registry", "PATCH", "/v2/a/blobs/uploads/1"), "vso.packaging_write");
  EXPECT_EQ(opened_by("registry", "GET", "/v1/"), "route_unknown");
  EXPECT_TRUE(ready_set("registry", "")->basic_only);
  EXPECT_FALSE(ready_set("other", ""));
  for (const std::string_view name : ready_set_names()) EXPECT_TRUE(ready_set(name, ""));
}

}  // namespace
}  // namespace latchkey::gate
