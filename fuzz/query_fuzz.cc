// Queries, cookies and percent-encoding: what is decoded is UTF-8 and stands for one text.
#include <string>

#include "base/text.h"
#include "gate/request_for_test.h"
#include "http/message.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  const std::string_view text = fuzz::as_text(data, size);
  for (const PlusSign sign : {PlusSign::literal, PlusSign::space}) {
    LK_ASSERT(percent_decode(percent_encode(text), sign) == text);
    const auto decoded = percent_decode(text, sign);
    if (decoded) LK_ASSERT(decoded->size() <= text.size());
  }

  const auto parameters = http::parse_query(text);
  if (parameters) {
    LK_ASSERT(parameters->size() <= 64);
    std::string written;
    for (const auto& [name, value] : *parameters) {
      LK_ASSERT(is_utf8(name) && is_utf8(value));
      written += "&" + percent_encode(name) + "=" + percent_encode(value);
    }
    LK_ASSERT(http::parse_query(written) == parameters);
  }

  const gate::TestRequest request("GET", "/", "", {{"Cookie", text}});
  const auto cookie = http::find_cookie(request, "a");
  if (cookie) LK_ASSERT(text.find("a=" + std::string(*cookie)) != text.npos);
  return 0;
}
