// Puts a backup into a data folder that no server runs on.
//
// All of it is made and checked in DATA/restore-staging. Then a marker is written there, and from
// that moment on the restore holds: what is in its place is moved to DATA/replaced-TIME, and the
// new files take their places. A kill before the marker leaves the old, and after it the next
// restore or server start finishes the new. Nothing that was there is removed.
// Thread safety: one thread. Spec: docs/spec/store.md, "Restore".
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/backup.h"
#include "service/restoration.h"
#include "store/sqlite_driver.h"
#include "store/store.h"

namespace latchkey::app {

struct RestoreRequest {
  std::string backup;
  std::string data_dir;
  std::string keys_dir;  // empty: those of the data folder, or else of the backup
  std::string log_of;    // another data folder whose log goes on from the backup; may be empty
  bool replace = false;  // a database that is there
};

// A token that was made after the backup: it is not in it.
struct LostToken {
  core::TokenId id;
  std::string name;
  std::string owner_email;
};

// What a restore found before it changed anything.
struct RestorePlan {
  BackupManifest manifest;
  store::AuditReport audit;
  bool replaces = false;
  std::vector<std::string> missing_digest_keys;  // tokens of these stay refused
  // What the log that was there says of the time since; nothing if there is none that goes on from
  // the backup, and `no_log` says why.
  std::optional<service::ChangesSince> since;
  std::string no_log;
  std::vector<LostToken> lost;
};

// How far the check of the backup's event log is.
using RestoreProgress = std::function<void(uint64_t done, uint64_t total)>;

class Restore {
 public:
  // Takes the lock of the data folder and stages the backup.
  // Errors: configuration (no backup, a file that is not as it was written, wrong keys, a newer
  //         schema; the message names it); conflict (the folder is in use; it has a database and
  //         `replace` was not asked for; `log_of` does not go on from the backup);
  //         integrity_violated (the backup does not verify). The data folder is as it was then.
  static Result<std::unique_ptr<Restore>> prepare(const RestoreRequest& request,
                                                  const RestoreProgress& on_progress);
  ~Restore();  // unless it was carried out, removes what was staged
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

  const RestorePlan& plan() const;
  // REQUIRES: called once. Errors: as prepare(); store_unavailable.
  Result<service::RestorationReport> carry_out(service::SinceBackup choice);
  // Where carry_out() put what was there; empty if there was nothing.
  const std::string& replaced() const;

 private:
  struct State;

 public:
  explicit Restore(std::unique_ptr<State> state);  // called by prepare() only

 private:
  std::unique_ptr<State> state_;
};

// Whether a restore was begun for good in `data_dir` and not finished.
bool restore_is_pending(const std::string& data_dir);
// Finishes it, if one is; whether one was. Errors: conflict (the folder is in use); configuration.
Result<bool> finish_pending_restore(const std::string& data_dir);

}  // namespace latchkey::app
