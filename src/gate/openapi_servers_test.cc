#include "gate/openapi_servers.h"

#include <gtest/gtest.h>

namespace latchkey::gate {
namespace {

TEST(ReadBasePath, DropsSlashesAtTheEnd) {
  const auto base = [](const char* text) {
    const json::object document{{"basePath", text}};
    const auto read = read_base_path(document);
    return read ? read->at(0) : read.error().message;
  };
  EXPECT_EQ(base("/"), "");
  EXPECT_EQ(base(""), "");
  EXPECT_EQ(base("/v1//"), "/v1");
  EXPECT_EQ(base("v1"), "has a basePath without a slash");
  EXPECT_EQ(read_base_path({})->at(0), "");
}

TEST(ReadServers, EachPathStandsOnce) {
  const json::object document{
      {"servers", {{{"url", "https://a/v1"}}, {{"url", "https://b/v1/"}}, {{"url", "/v2"}}}}};
  const auto bases = read_servers(document, {}, {});
  ASSERT_TRUE(bases);
  EXPECT_EQ(*bases, (std::vector<std::string>{"/v1", "/v2"}));
}

}  // namespace
}  // namespace latchkey::gate
