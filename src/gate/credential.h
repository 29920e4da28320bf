// The one credential of a request.
//
// A request carries at most one: two Authorization headers, or a token in the query, are refused;
// with Authorization, cookies are not looked at. Basic ignores the user name, unless the password
// is empty: then the user name is the token (git's habit). Base64 must be canonical. RFC 7617, RFC
// 6750. Thread safety: pure functions. Spec: docs/spec/authentication.md.
#pragma once

#include <array>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace latchkey::gate {

enum class CredentialKind { none, basic, bearer };

// The presented text lives in this object (Basic) or in the request (Bearer) and is wiped with it.
class Credential {
 public:
  static constexpr size_t kBytesMax = 1024;

  Credential() = default;
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;
  ~Credential();

  // Reads the credential of `request` into this object.
  // Errors: credential_ambiguous (400), credential_malformed (401: scheme unknown, not canonical
  //         base64, no colon, empty, too long). Cost: allocates nothing.
  Result<void> read(const http::Request& request);

  CredentialKind kind() const { return kind_; }
  // The presented secret; empty when there is none.
  std::string_view secret() const { return secret_; }

 private:
  void clear();
  Result<void> read_basic(std::string_view encoded);
  Result<void> read_bearer(std::string_view text);

  CredentialKind kind_ = CredentialKind::none;
  std::array<char, kBytesMax> buffer_;  // the first used_bytes_ hold what was decoded
  size_t used_bytes_ = 0;
  std::string_view secret_;
};

}  // namespace latchkey::gate
