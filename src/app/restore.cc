#include "app/restore.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/json.h"
#include "base/time_text.h"
#include "store/identity_rows.h"
#include "store/inspect.h"
#include "store/token_rows.h"

namespace latchkey::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStaging = "/restore-staging";
constexpr std::string_view kMarker = "/commit.json";
constexpr size_t kCopyBytes = 1 << 20;

Error bad(const std::string& message) { return Error(ErrorCode::configuration, message); }

Error bad_errno(const std::string& what, const std::string& path) {
  return bad("cannot " + what + " " + path + ": " + std::strerror(errno));
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::symlink_status(path, ignored).type() != fs::file_type::not_found;
}

std::string staging_of(const std::string& data_dir) { return data_dir + std::string(kStaging); }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  const int number_;
};

// Copies a file of any size to a new private one. Returns the SHA-256 of what was written.
Result<std::string> copy_and_hash(const std::string& from, const std::string& to) {
  const Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (source.number() < 0) return bad_errno("read", from);
  const Descriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (target.number() < 0) return bad_errno("write", to);
  Sha256 hash;
  std::string buffer(kCopyBytes, '\0');
  while (true) {
    const ssize_t count = ::read(source.number(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return bad_errno("read", from);
    if (count == 0) break;
    const auto piece = std::string_view(buffer).substr(0, static_cast<size_t>(count));
    hash.update(as_bytes(piece));
    for (size_t done = 0; done < piece.size();) {
      const ssize_t written = ::write(target.number(), piece.data() + done, piece.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return bad_errno("write", to);
      done += static_cast<size_t>(written);
    }
  }
  if (::fsync(target.number()) != 0) return bad_errno("write", to);
  return format_hex(hash.finish());
}

Error not_as_written(const std::string& path) {
  return bad(path + " is not as it was written: its SHA-256 is another than manifest.json says");
}

// Moves `name` of the data folder to `replaced`, which is made for the first.
Result<void> move_aside(const std::string& data_dir, const std::string& name,
                        const std::string& replaced) {
  const std::string from = data_dir + name;
  const std::string to = replaced + name;
  if (!exists(from)) return {};
  if (exists(to)) return bad("both " + from + " and " + to + " are there; move one of them away");
  if (::mkdir(replaced.c_str(), 0700) != 0 && errno != EEXIST) {
    return bad_errno("make the folder", replaced);
  }
  if (::rename(from.c_str(), to.c_str()) != 0) return bad_errno("move", from);
  LK_CHECK(sync_folder(replaced));
  return sync_folder(data_dir);
}

// Puts `name` of the staging folder into its place, after the `old` files there were moved aside.
Result<void> put_in_place(const std::string& data_dir, const std::string& name,
                          const std::vector<std::string>& old, const std::string& replaced) {
  const std::string staged = staging_of(data_dir) + name;
  if (!exists(staged)) return {};  // it is there already
  for (const std::string& file : old) LK_CHECK(move_aside(data_dir, file, replaced));
  if (::rename(staged.c_str(), (data_dir + name).c_str()) != 0) return bad_errno("move", staged);
  return sync_folder(data_dir);
}

// What the marker says: where to the old goes. REQUIRES: the lock of the folder is held.
Result<void> finish(const std::string& data_dir) {
  const std::string staging = staging_of(data_dir);
  const std::string marker = staging + std::string(kMarker);
  LK_TRY(const std::string text, read_small_file(marker));
  LK_TRY(const json::value document, parse_json(text));
  LK_TRY(auto reader, JsonReader::object(document));
  LK_TRY(const std::string name, reader.text("replaced"));
  const std::string replaced = data_dir + "/" + name;
  LK_CHECK(put_in_place(data_dir, "/keys", {"/keys"}, replaced));
  // A write-ahead file belongs to the database of its name: it must never meet another.
  LK_CHECK(put_in_place(data_dir, "/latchkey.db",
                        {"/latchkey.db-wal", "/latchkey.db-shm", "/latchkey.db"}, replaced));
  if (::unlink(marker.c_str()) != 0) return bad_errno("remove", marker);
  std::error_code ignored;
  fs::remove_all(staging, ignored);
  return sync_folder(data_dir);
}

Result<store::SqliteLock> lock_folder(const std::string& data_dir) {
  auto lock = store::lock_sqlite(database_path(data_dir), store::SqliteAccess::exclusive);
  if (lock) return lock;
  return Error(ErrorCode::conflict, "the database in " + data_dir + " is in use", "",
               "stop its server first (systemctl stop latchkey, or Ctrl-C where it runs)");
}

std::string replaced_name(const std::string& data_dir, Instant now) {
  std::string name = "replaced-";
  for (const char c : format_date_time(now)) {
    if (c != '-' && c != ':' && c != '.') name += c;
  }
  while (exists(data_dir + "/" + name)) name += 'x';
  return name;
}

}  // namespace

struct Restore::State {
  RestoreRequest request;
  RestorePlan plan;
  std::string staging;
  std::string replaced;
  bool is_committed = false;
  SystemClock clock;
  SystemEntropy entropy;
  const std::unique_ptr<Log> log = make_log(LogFormat::text, LogLevel::error);
  std::optional<store::SqliteLock> lock;
  std::unique_ptr<Keys> keys;
  std::unique_ptr<store::Store> store;

  Result<void> stage_files();
  Result<void> stage_keys();
  Result<void> check_keys(const std::string& from) const;
  Result<void> open_store(const RestoreProgress& on_progress);
  Result<void> follow_log();
  Result<void> read_log(store::Driver& driver);
  Result<void> commit();
  std::string staged_database() const { return staging + "/latchkey.db"; }
};

// The database is copied, and every file compared with what the manifest says.
Result<void> Restore::State::stage_files() {
  if (exists(staging)) {
    std::error_code error;
    fs::remove_all(staging, error);
    if (error) return bad("cannot remove " + staging + ": " + error.message());
  }
  if (::mkdir(staging.c_str(), 0700) != 0) return bad_errno("make the folder", staging);
  for (const auto& [name, hash] : plan.manifest.sha256) {
    const std::string path = request.backup + "/" + name;
    const bool is_database = name == kBackupDatabase;
    if (!exists(path)) return bad(path + " is missing: the backup is not whole");
    LK_TRY(const std::string found,
           is_database ? copy_and_hash(path, staged_database()) : hash_file(path));
    if (found != hash) return not_as_written(path);
  }
  return {};
}

Result<void> Restore::State::stage_keys() {
  const std::string own = request.data_dir + "/keys";
  std::string from = request.keys_dir;
  while (from.size() > 1 && from.ends_with('/')) from.pop_back();
  if (from.empty()) from = exists(own + "/deployment.json") ? own : "";
  if (from.empty() && plan.manifest.with_keys) from = request.backup + "/keys";
  if (from.empty()) {
    Error error = bad("this backup is without keys, and there are none in " + own);
    error.detail = "give --keys with your copy of the keys folder";
    return error;
  }
  if (!exists(from + "/deployment.json")) return bad("there are no keys in " + from);
  std::error_code ignored;
  const bool are_in_place = fs::equivalent(from, own, ignored);
  if (!are_in_place) LK_CHECK(copy_key_files(from, staging + "/keys"));
  auto loaded = load_keys(are_in_place ? request.data_dir : staging, MissingKeys::refuse, entropy);
  if (!loaded) return bad("the keys in " + from + ": " + loaded.error().message);
  keys = *std::move(loaded);
  return check_keys(from);
}

Result<void> Restore::State::check_keys(const std::string& from) const {
  const std::string deployment = format_uuid(keys->deployment_id());
  Error wrong = bad("the keys in " + from + " are not those of this backup");
  wrong.detail = plan.manifest.with_keys && from != request.backup + "/keys"
                     ? "give those in it: --keys " + request.backup + "/keys"
                     : "give the right ones with --keys";
  if (deployment != plan.manifest.deployment_id) {
    wrong.message +=
        ": they are of installation " + deployment + ", it is of " + plan.manifest.deployment_id;
    return wrong;
  }
  LK_TRY(const auto driver, store::open_sqlite(staged_database(), store::SqliteAccess::read_only));
  auto facts = store::inspect_database(*driver, core::RowKeyView(keys->row_keys()));
  if (!facts && facts.error().code == ErrorCode::integrity_violated) {
    wrong.message += ": " + facts.error().message;
    return wrong;
  }
  if (!facts && facts.error().code == ErrorCode::configuration) {
    Error error = bad(request.backup + ": " + facts.error().message);
    error.detail = "restore it with the version that made it, " + plan.manifest.version;
    return error;
  }
  LK_CHECK(facts);
  const store::LogHead& head = facts->head;
  const store::LogHead& told = plan.manifest.head;
  if (head.position() != told.position() || head.hash != told.hash) {
    return Error(ErrorCode::integrity_violated,
                 "manifest.json does not describe the database beside it");
  }
  return {};
}

Result<void> Restore::State::open_store(const RestoreProgress& on_progress) {
  const std::string folder = exists(staging + "/keys") ? staging : request.data_dir;
  for (const std::string& id : plan.manifest.digest_keys) {
    if (!exists(folder + "/keys/digest-" + id + ".key")) plan.missing_digest_keys.push_back(id);
  }
  LK_TRY(auto driver, store::open_sqlite(staged_database(), store::SqliteAccess::exclusive));
  LK_TRY(store, store::open_store(std::move(driver), {clock, entropy, *log, keys->row_keys()}));
  LK_TRY(plan.audit, store::verify_audit(*store, on_progress));
  return store::verify_rights(*store);
}

// What happened since, from the log that is about to be replaced or from the one that was named.
Result<void> Restore::State::follow_log() {
  const bool is_own = request.log_of.empty();
  const std::string folder = is_own ? request.data_dir : request.log_of;
  const std::string path = database_path(folder);
  if (!exists(path)) {
    plan.no_log = "there is no database in " + folder;
  } else {
    auto driver = is_own ? store::open_locked_sqlite(path, store::SqliteAccess::read_only, *lock)
                         : store::open_sqlite(path, store::SqliteAccess::read_only);
    auto read = driver ? read_log(**driver) : Result<void>(driver.error());
    if (read) return {};
    plan.since.reset();
    plan.lost.clear();
    plan.no_log = "the log in " + folder + " does not do: " + read.error().message;
  }
  if (is_own) return {};
  return Error(ErrorCode::conflict, plan.no_log, "log_of",
               "name another folder, or leave --log-of out");
}

Result<void> Restore::State::read_log(store::Driver& driver) {
  LK_TRY(const auto connection, driver.connect());
  plan.since.emplace();
  LK_CHECK(store::read_log_after(*connection, core::RowKeyView(keys->row_keys()),
                                 plan.manifest.head,
                                 [&](const core::Event& event) { return plan.since->add(event); }));
  store::ReadTx tx(*connection, keys->row_keys(), *log);
  for (const core::TokenId id : plan.since->tokens_made) {
    LK_TRY(const auto token, store::find_token(tx, id));
    if (!token) continue;
    LK_TRY(const auto owner, store::find_person(tx, token->token.owner));
    plan.lost.push_back({id, token->token.display_name, owner ? owner->person.email : "-"});
  }
  return {};
}

Result<void> Restore::State::commit() {
  store.reset();  // brings what is in the write-ahead file into the database
  std::error_code error;
  const std::string wal = staged_database() + "-wal";
  if (exists(wal) && fs::file_size(wal, error) != 0) {
    return Error(ErrorCode::internal, "the restored database is not one file");
  }
  LK_CHECK(sync_folder(staging));
  const std::string name = replaced_name(request.data_dir, clock.now());
  const json::value document = {{"replaced", name}};
  LK_CHECK(write_private_file(staging + std::string(kMarker), format_json(document) + "\n"));
  is_committed = true;
  LK_CHECK(finish(request.data_dir));
  if (exists(request.data_dir + "/" + name)) replaced = request.data_dir + "/" + name;
  return {};
}

Restore::Restore(std::unique_ptr<State> state) : state_(std::move(state)) {}

Restore::~Restore() {
  state_->store.reset();
  std::error_code ignored;
  if (!state_->is_committed) fs::remove_all(state_->staging, ignored);
}

const RestorePlan& Restore::plan() const { return state_->plan; }
const std::string& Restore::replaced() const { return state_->replaced; }

Result<std::unique_ptr<Restore>> Restore::prepare(const RestoreRequest& request,
                                                  const RestoreProgress& on_progress) {
  auto restore = std::make_unique<Restore>(std::make_unique<State>());
  State& state = *restore->state_;
  state.request = request;
  LK_TRY(state.plan.manifest, load_manifest(request.backup));
  LK_CHECK(make_data_dir(request.data_dir));
  LK_TRY(state.lock, lock_folder(request.data_dir));
  state.plan.replaces = exists(database_path(request.data_dir));
  if (state.plan.replaces && !request.replace) {
    return Error(ErrorCode::conflict, request.data_dir + " has a database already", "",
                 "give --replace to move it aside");
  }
  state.staging = staging_of(request.data_dir);
  LK_CHECK(state.stage_files());
  LK_CHECK(state.stage_keys());
  LK_CHECK(state.open_store(on_progress));
  LK_CHECK(state.follow_log());
  return restore;
}

Result<service::RestorationReport> Restore::carry_out(service::SinceBackup choice) {
  static const service::ChangesSince kNothing;
  const bool by_log = choice == service::SinceBackup::revoke_changed;
  LK_ASSERT(!by_log || state_->plan.since);
  LK_TRY(auto report, service::restore_state({*state_->store, state_->entropy}, choice,
                                             by_log ? *state_->plan.since : kNothing));
  LK_CHECK(state_->commit());
  return report;
}

bool restore_is_pending(const std::string& data_dir) {
  return exists(staging_of(data_dir) + std::string(kMarker));
}

Result<bool> finish_pending_restore(const std::string& data_dir) {
  if (!restore_is_pending(data_dir)) return false;
  LK_TRY(const auto lock, lock_folder(data_dir));
  if (!restore_is_pending(data_dir)) return false;  // somebody else did
  LK_CHECK(finish(data_dir));
  return true;
}

}  // namespace latchkey::app
