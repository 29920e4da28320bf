// Hashing and checking people's passwords with Argon2id, through libsodium.
//
// A hash costs 19 MiB and two passes (OWASP), about 20 ms; so it runs on the caller's bounded pool,
// never on a network thread. Checking against no hash costs the same as against one, so that an
// unknown login cannot be told by time. Thread safety: any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace latchkey::service {

// The Argon2id string of `password` (with its salt and parameters). Errors: internal (out of
// memory).
Result<std::string> hash_password(const SecretText& password);
// Whether `password` is that of `hash`; an empty `hash` takes as long and is never right.
bool verify_password(const std::string& hash, const SecretText& password);

}  // namespace latchkey::service
