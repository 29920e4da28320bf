#include "app/gate_config.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace latchkey::app {
namespace {

using testing::HasSubstr;

constexpr const char* kGood = R"([[gate.api]]
name = "things"
hosts = ["a.example.com"]
path_prefix = "/v1"
organization_from_path = "org"
openapi = ["one.yaml"]
base_path = "/v1/{org}"
scope_list = "any_one"
open = ["Status"]
ready = ["git"]
ready_path = "/v1/{org}/git"
encoded_slash = "in_segment"
cors_origins = ["https://app.example.com"]
cors_headers = ["Authorization"]
cors_max_age_s = 60
upstream = ["http://127.0.0.1:3000"]
upstream_host = "upstream"
answer_timeout_ms = 1000
body_bytes_max = 10
[[gate.api.rules]]
name = "r"
methods = ["GET"]
path = "/v1/{org}/r"
query = "a=b"
host = "a.example.com"
access = "any_token"
)";

class GateConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "gateXXXXXX";
    folder_ = mkdtemp(pattern.data());
    std::ofstream(folder_ + "/one.yaml") << "openapi: 3.1.0\n";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Result<GateConfig> read(const std::string& text) {
    std::ofstream(folder_ + "/c.toml") << text;
    return read_gate_config(folder_ + "/c.toml");
  }
  // The message of what `text` is refused for.
  std::string refusal(const std::string& text) {
    const auto config = read(text);
    return config ? "none" : config.error().message;
  }
  std::string folder_;
};

TEST_F(GateConfigTest, ReadsEachKey) {
  const auto config = read(kGood);
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_EQ(config->apis.size(), 1u);
  const gate::ApiSettings& api = config->apis[0];
  EXPECT_EQ(api.name, "things");
  EXPECT_EQ(api.organization.source, gate::OrganizationSource::path_parameter);
  EXPECT_EQ(api.organization.name, "org");
  EXPECT_EQ(api.documents.at(0).file, "one.yaml");
  EXPECT_EQ(api.documents.at(0).text, "openapi: 3.1.0\n");
  EXPECT_EQ(config->files, std::vector<std::string>{folder_ + "/one.yaml"});
  EXPECT_EQ(api.scope_list, gate::ScopeList::any_one);
  EXPECT_TRUE(api.open_operations.contains("Status"));
  EXPECT_EQ(api.encoded_slash, gate::EncodedSlash::in_segment);
  EXPECT_EQ(api.ready_path, "/v1/{org}/git");
  EXPECT_EQ(api.cors.max_age_s, 60u);
  EXPECT_FALSE(api.upstream.keeps_host);
  EXPECT_EQ(api.upstream.answer_timeout, Milliseconds(1000));
  EXPECT_EQ(api.upstream.body_bytes_max, 10u);
  EXPECT_EQ(api.rules.at(0).access, gate::RuleAccess::any_token);
  EXPECT_EQ(api.rules.at(0).query, "a=b");
}

TEST_F(GateConfigTest, ErrorsNameTableKeyRuleAndLine) {
  const std::string start = "[[gate.api]]\nname = \"a\"\norganization = \"contoso\"\n";
  EXPECT_EQ(refusal(start + "colour = 1\n"),
            "gate.api[0].colour is no key that Latchkey knows (line 4)");
  EXPECT_EQ(refusal(start + "hosts = \"a\"\n"),
            "gate.api[0].hosts must be a list of texts (line 4)");
  EXPECT_THAT(refusal(start + "hosts = [1]\n"), HasSubstr("gate.api[0].hosts"));
  EXPECT_THAT(refusal(start + "scope_list = \"some\"\n"),
              HasSubstr("must be one of: all, any_one"));
  EXPECT_THAT(refusal(start + "cors_max_age_s = -1\n"), HasSubstr("from 0 to 86400"));
  EXPECT_THAT(refusal(start + "openapi = [\"none.yaml\"]\n"), HasSubstr("none.yaml"));
  EXPECT_THAT(refusal(start + "organization_from_host = \"x\"\n"), HasSubstr("stands beside"));
  EXPECT_THAT(refusal(start + "[[gate.api.rules]]\nmethod = \"GET\"\n"),
              HasSubstr("gate.api[0].rules[0].method is no key"));
  EXPECT_THAT(refusal("[[gate.api]]\nname = \"a\"\n"), HasSubstr("gate.api[0].organization"));
  EXPECT_THAT(refusal("[[gate.api]]\norganization = \"a\"\n"), HasSubstr("gate.api[0].name"));
  EXPECT_THAT(refusal(start + start + "x = 1\n"), HasSubstr("gate.api[1].x"));
  EXPECT_THAT(refusal("[gate.api]\nname = \"a\"\n"), HasSubstr("[[gate.api]]"));
  EXPECT_THAT(refusal("[[gate.api]\n"), HasSubstr("line 1"));
}

TEST_F(GateConfigTest, NoTablesAreNoApis) {
  const auto config = read("[gate]\nenabled = true\n");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->apis.empty());
}

}  // namespace
}  // namespace latchkey::app
