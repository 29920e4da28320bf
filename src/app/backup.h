// The folder of a backup: the database in one file, what it is, and with it, if asked, the keys.
//
//   latchkey.db     the database as it was at one moment, whole without a write-ahead file
//   manifest.json   what it is, and the SHA-256 of every other file; written last
//   keys/           only if asked for
// It is made as DIR.latchkey-partial, synced, checked and renamed, so a folder called DIR is whole.
// Thread safety: one at a time for one folder. Spec: docs/spec/store.md, "Backup".
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "app/keys.h"
#include "base/clock.h"
#include "store/driver.h"
#include "store/store.h"

namespace latchkey::app {

constexpr std::string_view kBackupDatabase = "latchkey.db";

// What a backup says of itself.
struct BackupManifest {
  static constexpr int64_t kFormat = 1;
  std::string deployment_id;
  std::string created_at;  // of the API's form
  std::string version;     // of the program that made it
  int64_t schema_version = 0;
  store::LogHead head;
  bool with_keys = false;
  std::vector<std::string> digest_keys;       // ids that its live tokens need, in order
  std::map<std::string, std::string> sha256;  // by path in the folder, in hexadecimal
};
std::string format_manifest(const BackupManifest& manifest);
// Errors: configuration (not of this form; written by a newer version).
Result<BackupManifest> parse_manifest(std::string_view text);
// That of the backup in `folder`. Errors: configuration.
Result<BackupManifest> load_manifest(const std::string& folder);

enum class BackupKeys { without, with };

struct BackupRequest {
  std::string folder;  // absolute; must not exist, its parent must
  BackupKeys keys = BackupKeys::without;
};
// Writes the database to a new file of this path, as Driver::copy_to does.
using CopyDatabase =
    std::function<Result<void>(const std::string& path, const store::CopyProgress& on_progress)>;
struct BackupSource {
  CopyDatabase copy;
  const std::string& data_dir;
  const Keys& keys;
  Clock& clock;
  Log& log;
};
// Makes a backup. `on_progress` is as of Driver::copy_to, in bytes.
// Errors: invalid_argument (field "folder"); configuration (a file cannot be written; the message
//         names it); conflict (it was ended); store_unavailable; integrity_violated (the copy is
//         not what was signed). Nothing is left behind then.
Result<BackupManifest> make_backup(const BackupRequest& request, const BackupSource& source,
                                   const store::CopyProgress& on_progress);

// `manifest` for people: one line that says what it is of and when it was made.
std::string describe_backup(const BackupManifest& manifest);
// Copies the files of the key folder `from`, whatever keys there are, to the folder `to`, which is
// made. Errors: configuration.
Result<void> copy_key_files(const std::string& from, const std::string& to);
// The SHA-256 of a file in hexadecimal. Errors: configuration.
Result<std::string> hash_file(const std::string& path);

}  // namespace latchkey::app
