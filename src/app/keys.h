// The keys that live outside the database, and the identity of this installation.
//
// In `DATA/keys` (0700) stand, each 0600: `digest-AA.key` for each digest key, its id in the name;
// `row.key` for the first row key, `row-2.key` for the next; and `deployment.json`, which is
// written last, so that a change of keys that was killed at any step has happened or has not.
// Looser permissions are refused with what to type. A database without its keys is refused too: new
// keys would make every token of it worthless. Thread safety: load_keys() from one thread; of Keys
// the const functions from any, the others from one at a time. Spec: docs/spec/keys.md.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/key_files.h"
#include "base/crypto.h"
#include "base/entropy.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/uuid.h"
#include "core/digest_keys.h"

namespace latchkey::app {

struct DigestKeyFacts {
  core::DigestKeyId id;
  Instant made_at;
  bool is_current = false;
};

struct RowKeyFacts {
  core::RowKeyId id;
  Instant made_at;
  bool is_current = false;
};

class Keys {
 public:
  // REQUIRES: both lists hold the current key of `deployment`.
  Keys(std::string folder, Deployment deployment, const DigestKeyList& digest_keys,
       core::RowKeyList row_keys);

  const core::DigestKeys& digest_keys() const { return digest_keys_; }
  const core::RowKeys& row_keys() const { return row_keys_; }
  Uuid deployment_id() const { return deployment_id_; }
  // In the order in which they were made.
  std::vector<DigestKeyFacts> digest_key_facts() const;

  // The keys themselves, for a gate. Errors: configuration. Cost: reads their files.
  Result<std::vector<std::pair<core::DigestKeyId, SecretKey>>> read_digest_keys() const;

  // Makes a key, which is current from then on, durably and in memory; its event is unlogged.
  // Errors: conflict (there are kKeysMax, or all ids are spent); configuration; internal.
  Result<core::DigestKeyId> rotate_digest_key(Entropy& entropy, Instant now);
  // Forgets the key for good, in its file and in memory; its event is unlogged.
  // REQUIRES: it is here and not current. Errors: configuration.
  Result<void> retire_digest_key(core::DigestKeyId id);

  // The same for row keys, the current one first.
  std::vector<RowKeyFacts> row_key_facts() const;
  // Errors: configuration; internal.
  Result<core::RowKeyId> rotate_row_key(Entropy& entropy, Instant now);
  // REQUIRES: it is here and not current, and nothing is signed with it. Errors: configuration.
  Result<void> retire_row_key(core::RowKeyId id);

  // Changes whose events may not be in the log yet.
  std::vector<UnloggedChange> unlogged() const;
  // Says that the event of `change` is in the log. Errors: configuration.
  Result<void> set_logged(const UnloggedChange& change);

 private:
  Deployment deployment() const;
  Result<void> save(Deployment changed);

  const std::string folder_;
  const Uuid deployment_id_;
  core::DigestKeys digest_keys_;
  core::RowKeys row_keys_;
  mutable Mutex mutex_;
  Deployment deployment_ LK_GUARDED_BY(mutex_);
};

// "DATA/latchkey.db" and "DATA/latchkey.sock".
std::string database_path(const std::string& data_dir);
std::string socket_path(const std::string& data_dir);

// Makes `data_dir` (0700) if it is missing. Errors: configuration (also when others may write into
// it).
Result<void> make_data_dir(const std::string& data_dir);

// Whether keys that are missing altogether are made, or refused (offline tools, which also leave
// the folder as it is).
enum class MissingKeys { make, refuse };
// The keys of `data_dir`. Errors: configuration (missing, malformed, not ours or readable by
// others; the message says what to type), internal (no entropy).
Result<std::unique_ptr<Keys>> load_keys(const std::string& data_dir, MissingKeys missing,
                                        Entropy& entropy);

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
