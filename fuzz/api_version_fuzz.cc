// A version that is accepted is one that the route has, and previews are asked for by name.
// The input is a byte for rule and method, the query, and the Accept header.
#include "api/version.h"

#include "gate/request_for_test.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  using api::VersionRule;
  std::string_view rest = fuzz::as_text(data, size);
  const uint8_t choice = fuzz::take_byte(rest);
  const std::string query(fuzz::take_line(rest));
  const std::string accept(fuzz::take_line(rest));
  const auto parameters = http::parse_query(query);
  if (!parameters) return 0;
  const gate::TestRequest request(choice & 1 ? "POST" : "GET", "/", query, {{"Accept", accept}});
  for (const VersionRule rule : {VersionRule::none, VersionRule::any, VersionRule::released,
                                 VersionRule::preview, VersionRule::preview_from_61}) {
    const auto version = api::negotiate_version(rule, request, *parameters);
    if (!version) {
      LK_ASSERT(rule != VersionRule::none && rule != VersionRule::any);
      LK_ASSERT(version.error().field == "api-version");
      continue;
    }
    if (rule == VersionRule::none || rule == VersionRule::any) continue;
    LK_ASSERT(version->at_least(1, 0) && !version->at_least(7, 3));
    if (rule == VersionRule::preview_from_61) LK_ASSERT(version->at_least(6, 1));
    const bool was_asked = version->text != "7.1";
    if (rule != VersionRule::released && was_asked) LK_ASSERT(version->preview);
    LK_ASSERT(version->preview == (version->text.find('-') != std::string::npos));
  }
  return 0;
}
