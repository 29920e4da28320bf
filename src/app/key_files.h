// The files of DATA/keys: one for each key, and deployment.json, which says what they are.
//
// deployment.json is always replaced as a whole and written last: what it does not name yet has not
// happened. It names the current keys, when each was made, which ids are spent, and the events of
// changes of keys that may not be in the log yet. Thread safety: one thread a folder.
// Spec: docs/spec/keys.md.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/uuid.h"
#include "core/digest_keys.h"
#include "core/event.h"
#include "core/row_keys.h"

namespace latchkey::app {

using DigestKeyList = std::vector<std::pair<core::DigestKeyId, Hmac>>;

// A change of keys whose event may be missing in the log, because the process was killed between.
struct UnloggedChange {
  core::Action action = core::Action::key_digest_rotated;
  std::string data;  // of the event: a JSON object
  friend bool operator==(const UnloggedChange&, const UnloggedChange&) = default;
};

struct MadeDigestKey {
  core::DigestKeyId id;
  Instant made_at;
};

struct MadeRowKey {
  core::RowKeyId id;
  Instant made_at;
};

struct Deployment {
  Uuid id;
  core::DigestKeyId current_digest_key;
  std::vector<MadeDigestKey> made;         // of those that are not retired
  std::vector<core::DigestKeyId> retired;  // never used again
  core::RowKeyId current_row_key;          // the newest: numbers only grow
  std::vector<MadeRowKey> made_row_keys;
  std::vector<UnloggedChange> unlogged;
};

std::string deployment_path(const std::string& folder);
std::string digest_key_path(const std::string& folder, core::DigestKeyId id);
// "row.key" for the first, then "row-2.key", "row-3.key", ...
std::string row_key_path(const std::string& folder, core::RowKeyId id);

// Errors of all: configuration (the message says what to type), internal (no entropy).
Result<Deployment> load_deployment(const std::string& folder);
Result<void> save_deployment(const std::string& folder, const Deployment& deployment);
// Makes a key in a file of its own (0600), durably. Returns it.
Result<Hmac> make_key_file(const std::string& path, Entropy& entropy);
Result<Hmac> load_key_file(const std::string& path);
// The key itself, for a gate.
Result<SecretKey> read_key_file(const std::string& path);
// Removes the file durably; it may be gone already.
Result<void> remove_key_file(const std::string& path);
// The digest key files of `folder`, by id, but for those that `deployment` says are retired.
Result<DigestKeyList> load_digest_key_files(const std::string& folder,
                                            const Deployment& deployment);
// The row key files of `folder` up to the current one of `deployment`: one above it is left of a
// rotation that was killed.
Result<core::RowKeyList> load_row_key_files(const std::string& folder,
                                            const Deployment& deployment);
// When the file was written: what is known of a key that deployment.json does not date.
Instant file_time(const std::string& path);

}  // namespace latchkey::app
