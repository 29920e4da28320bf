#include "http/loggable_path.h"

#include <gtest/gtest.h>

namespace latchkey::http {
namespace {

TEST(LoggablePath, ShowsOrdinaryPathsAsTheyAre) {
  EXPECT_EQ(loggable_path("/"), "/");
  EXPECT_EQ(loggable_path("/fabrikam/_apis/projects"), "/fabrikam/_apis/projects");
  EXPECT_EQ(loggable_path("/a//b/"), "/a//b/");
  EXPECT_EQ(loggable_path("/" + std::string(64, 'a')), "/" + std::string(64, 'a'));
}

TEST(LoggablePath, HidesSegmentsAsLongAsATokenWhereverTheyStand) {
  const std::string token(84, 'T');
  EXPECT_EQ(loggable_path("/" + token), "/[84 bytes]");
  EXPECT_EQ(loggable_path("/fabrikam/" + token + "/x"), "/fabrikam/[84 bytes]/x");
  EXPECT_EQ(loggable_path("/" + std::string(65, 'a')), "/[65 bytes]");
}

TEST(LoggablePath, IsBounded) {
  std::string path;
  for (int i = 0; i < 100; ++i) path += "/segment";
  EXPECT_EQ(loggable_path(path), path.substr(0, 200));
}

}  // namespace
}  // namespace latchkey::http
