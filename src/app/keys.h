// The keys that live outside the database, and the identity of this installation.
//
// In `DATA/keys` (0700) stand, each 0600: `digest-AA.key` for each digest key, its id in the name;
// `row.key`; and `deployment.json`, which is written last, so that a first start that was killed
// begins again. Looser permissions are refused with what to type. A database without its keys is
// refused too: new keys would make every token of it worthless.
// Thread safety: load_keys() from one thread; Keys is immutable.
#pragma once

#include <string>

#include "base/crypto.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/uuid.h"
#include "core/digest_keys.h"

namespace latchkey::app {

struct Keys {
  core::DigestKeys digest_keys;
  Hmac row_key;
  Uuid deployment_id;
};

// "DATA/latchkey.db" and "DATA/latchkey.sock".
std::string database_path(const std::string& data_dir);
std::string socket_path(const std::string& data_dir);

// Makes `data_dir` (0700) if it is missing. Errors: configuration (also when others may write into
// it).
Result<void> make_data_dir(const std::string& data_dir);

// Whether keys that are missing altogether are made, or refused (offline tools).
enum class MissingKeys { make, refuse };
// The keys of `data_dir`. Errors: configuration (missing, malformed, not ours or readable by
// others; the message says what to type), internal (no entropy).
Result<Keys> load_keys(const std::string& data_dir, MissingKeys missing, Entropy& entropy);

// Writes `text` to `path` with mode 0600 so that after a kill there is the old file or the new one.
// Errors: configuration.
Result<void> write_private_file(const std::string& path, std::string_view text);
// The contents of the small file `path`. Errors: configuration.
Result<std::string> read_small_file(const std::string& path);
// Makes what was made, renamed or removed in the folder `path` durable. Errors: configuration.
Result<void> sync_folder(const std::string& path);
// Errors: configuration, with the chmod to type, if others than the owner may use `path`.
Result<void> check_private(const std::string& path);

}  // namespace latchkey::app
