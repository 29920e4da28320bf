// A request has at most one credential, which is what its one Authorization header says.
// The input is the query, then one "Name: value" a line.
#include "gate/credential.h"

#include <string>

#include "base/bytes.h"
#include "base/text.h"
#include "gate/request_for_test.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  std::string_view rest = fuzz::as_text(data, size);
  const std::string query(fuzz::take_line(rest));
  std::vector<http::Header> headers;
  while (!rest.empty() && headers.size() < 16) {
    const std::string_view line = fuzz::take_line(rest);
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    headers.push_back({line.substr(0, colon), trim(line.substr(colon + 1))});
  }
  const gate::TestRequest request("GET", "/", query, headers);

  gate::Credential credential;
  const auto read = credential.read(request);
  const size_t count = request.count_headers("Authorization");
  const auto parameters = http::parse_query(query, query.size() + 1);
  bool is_in_query = false;
  for (const auto& [name, value] : parameters.value_or(http::QueryParameters())) {
    is_in_query = is_in_query || name == "access_token";
  }
  if (!read) {
    LK_ASSERT(credential.kind() == gate::CredentialKind::none && credential.secret().empty());
    return 0;
  }
  LK_ASSERT(count <= 1 && !is_in_query);
  if (count == 0) {
    LK_ASSERT(credential.kind() == gate::CredentialKind::none && credential.secret().empty());
    return 0;
  }
  const std::string_view secret = credential.secret();
  const std::string_view value = *request.header("Authorization");
  LK_ASSERT(!secret.empty() && secret.size() <= gate::Credential::kBytesMax);
  LK_ASSERT(is_utf8(secret) && !has_control_character(secret));
  if (credential.kind() == gate::CredentialKind::bearer) {
    LK_ASSERT(ascii_starts_with_ignoring_case(value, "bearer ") && value.ends_with(secret));
    LK_ASSERT(secret.find(' ') == secret.npos);
    return 0;
  }
  LK_ASSERT(credential.kind() == gate::CredentialKind::basic);
  LK_ASSERT(ascii_starts_with_ignoring_case(value, "basic "));
  const std::string_view encoded = trim(value.substr(6));
  const auto decoded = parse_base64(encoded);
  LK_ASSERT(decoded && format_base64(*decoded) == encoded);
  const std::string pair(decoded->begin(), decoded->end());
  const size_t colon = pair.find(':');
  LK_ASSERT(colon != pair.npos);
  const std::string password = pair.substr(colon + 1);
  LK_ASSERT(secret == (password.empty() ? pair.substr(0, colon) : password));
  return 0;
}
