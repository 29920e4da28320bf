// The only places of app/ where a secret becomes text: a link that is shown once, and the body or
// header of a request that carries a password, a code or a session.
//
// Callers hand the result straight to a socket or a terminal; none of it is kept or logged.
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/secret.h"

namespace latchkey::app {

// "PUBLIC/_latchkey/link#CODE": the code is behind '#', so that it is in no server's log.
std::string reveal_link(std::string_view public_url, const SecretText& code);
// `secret` as a JSON value, for a body.
json::value reveal_for_body(const SecretText& secret);
// "Bearer SESSION", for the Authorization header.
SecretText bearer_header(const SecretText& session);
// The text of a file that only its owner reads: the saved session.
std::string reveal_for_private_file(const SecretText& secret);

}  // namespace latchkey::app
