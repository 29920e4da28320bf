#include "app/declared_scopes.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/config.h"
#include "core/role.h"

namespace latchkey::app {
namespace {

using testing::HasSubstr;

constexpr std::string_view kWhole = R"toml(
[listen]
port = 1001

[[gate.scope]]
name = "acme.orders_read"
title = "Read"
description = "Reads orders and their history."
category = "Acme orders"

[[gate.scope]]
name = "acme.orders_write"
title = "Read & write"
description = "Creates and changes \"orders\"."
category = "Acme orders"
implies = ["acme.orders_read"]
role = "member"
high_privilege = true
)toml";

class DeclaredScopesFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "scopesXXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(std::string_view text) {
    std::ofstream(folder_ + "/c.toml") << text;
    return folder_ + "/c.toml";
  }
  // What load_config() makes of a file with `text`.
  Result<Config> load(std::string_view text) {
    ConfigSources sources;
    sources.flags["data_dir"] = folder_;
    sources.file = write(text);
    return load_config(sources);
  }
  std::string folder_;
};

TEST_F(DeclaredScopesFile, AreReadBesideTheOtherKeys) {
  const auto config = load(kWhole);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->listen_port, 1001);
  ASSERT_EQ(config->declared_scopes.size(), 2u);
  const core::DeclaredScope& read = config->declared_scopes[0];
  EXPECT_EQ(read.identifier, "acme.orders_read");
  EXPECT_EQ(read.least_role, core::Role::reader);
  EXPECT_FALSE(read.high_privilege);
  const core::DeclaredScope& write = config->declared_scopes[1];
  EXPECT_EQ(write.title, "Read & write");
  EXPECT_EQ(write.description, "Creates and changes \"orders\".");
  EXPECT_EQ(write.implies, std::vector<std::string>{"acme.orders_read"});
  EXPECT_EQ(write.least_role, core::Role::member);
  EXPECT_TRUE(write.high_privilege);
}

TEST_F(DeclaredScopesFile, ArePrintedAsTheyAreRead) {
  const auto config = load(kWhole);
  ASSERT_TRUE(config.has_value());
  const auto again = load(format_config(*config));
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(again->declared_scopes, config->declared_scopes);
}

TEST_F(DeclaredScopesFile, RefusesWithPlaceKeyAndRule) {
  const std::string good = "name = \"acme.a\"\ntitle = \"A\"\ndescription = \"A.\"\n";
  const std::string category = "category = \"Acme\"\n";
  const struct {
    std::string text;
    const char* field;
    const char* words;
  } kCases[] = {
      {"[[gate.scope]]\n" + good, "gate.scope[0].category", "must be given"},
      {"[[gate.scope]]\n" + good + "category = 7\n", "gate.scope[0].category", "line 5"},
      {"[[gate.scope]]\n" + good + category + "color = \"red\"\n", "gate.scope[0].color",
       "is no key that latchkey knows, line 6"},
      {"[[gate.scope]]\n" + good + category + "implies = \"acme.b\"\n", "gate.scope[0].implies",
       "list of texts"},
      {"[[gate.scope]]\n" + good + category + "implies = [1]\n", "gate.scope[0].implies",
       "list of texts"},
      {"[[gate.scope]]\n" + good + category + "role = \"owner\"\n", "gate.scope[0].role",
       "reader, member, administrator"},
      {"[[gate.scope]]\n" + good + category + "high_privilege = 1\n",
       "gate.scope[0].high_privilege", "true or false"},
      {"[gate.scope]\n" + good + category, "gate.scope", "[[gate.scope]]"},
      {"[gate]\nscope = 3\n", "gate.scope", "[[gate.scope]]"},
      {"[[gate.scope]]\n" + good + category + "[[gate.scope]]\n" + good + category,
       "gate.scope[1].name", "declared in gate.scope[0] too"},
  };
  for (const auto& [text, field, words] : kCases) {
    const auto config = load(text);
    ASSERT_FALSE(config.has_value()) << text;
    EXPECT_EQ(config.error().code, ErrorCode::configuration) << text;
    EXPECT_EQ(config.error().field, field) << text;
    EXPECT_THAT(config.error().message, HasSubstr(words)) << text;
  }
}

}  // namespace
}  // namespace latchkey::app
