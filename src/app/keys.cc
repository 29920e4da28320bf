#include "app/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/json.h"

namespace latchkey::app {
namespace {

namespace fs = std::filesystem;

Error bad(const std::string& message) {
  return Error(ErrorCode::configuration, message, "data_dir");
}

Error bad_errno(const std::string& what, const std::string& path) {
  return bad("cannot " + what + " " + path + ": " + std::strerror(errno));
}

Result<void> make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return bad_errno("make the folder", path);
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Result<void> make_all(const std::string& folder, Entropy& entropy) {
  Deployment deployment;
  const Instant now = SystemClock().now();
  deployment.made.push_back({deployment.current_digest_key, now});
  deployment.made_row_keys.push_back({deployment.current_row_key, now});
  LK_CHECK(make_key_file(digest_key_path(folder, deployment.current_digest_key), entropy));
  LK_CHECK(make_key_file(row_key_path(folder, deployment.current_row_key), entropy));
  LK_TRY(deployment.id, make_uuid(entropy));
  return save_deployment(folder, deployment);
}

Result<void> check_digest_keys(const std::string& folder, const Deployment& deployment,
                               const DigestKeyList& keys) {
  const bool has_current = std::any_of(keys.begin(), keys.end(), [&](const auto& key) {
    return key.first == deployment.current_digest_key;
  });
  if (!has_current) {
    return bad(digest_key_path(folder, deployment.current_digest_key) +
               " is missing; put back your copy of it");
  }
  if (keys.size() > core::DigestKeys::kKeysMax) {
    return bad(folder + " holds more than " + std::to_string(core::DigestKeys::kKeysMax) +
               " digest keys; move those that no token needs elsewhere");
  }
  return {};
}

// Of a key that deployment.json does not name, its file says when it was made.
void add_undated(const std::string& folder, const DigestKeyList& keys, Deployment& deployment) {
  auto& made = deployment.made;
  for (const auto& [id, key] : keys) {
    const bool is_dated = std::any_of(
        made.begin(), made.end(), [&, &key_id = id](const auto& one) { return one.id == key_id; });
    if (!is_dated) made.push_back({id, file_time(digest_key_path(folder, id))});
  }
  std::stable_sort(made.begin(), made.end(),
                   [](const auto& a, const auto& b) { return a.made_at < b.made_at; });
}

// Who may write into the folder could put another socket, database or key folder into the place of
// ours. Reading it tells names only: what is in it is private by itself.
Result<void> check_writers(const std::string& data_dir) {
  struct stat status = {};
  if (::stat(data_dir.c_str(), &status) != 0) return bad_errno("read", data_dir);
  if (status.st_uid != ::geteuid()) {
    return bad(data_dir + " belongs to another user; type: chown " + std::to_string(::geteuid()) +
               " " + data_dir);
  }
  if ((status.st_mode & 022) != 0) {
    return bad(data_dir + " can be written by others than its owner; type: chmod go-w " + data_dir);
  }
  return {};
}

}  // namespace

std::string database_path(const std::string& data_dir) { return data_dir + "/latchkey.db"; }
std::string socket_path(const std::string& data_dir) { return data_dir + "/latchkey.sock"; }

Result<void> make_data_dir(const std::string& data_dir) {
  std::error_code error;
  if (fs::is_directory(data_dir, error)) return check_writers(data_dir);
  const fs::path parent = fs::path(data_dir).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  return make_folder(data_dir);
}

Result<void> check_private(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return bad_errno("read", path);
  const std::string mode = S_ISDIR(status.st_mode) ? "700" : "600";
  if (status.st_uid != ::geteuid()) {
    return bad(path + " belongs to another user; type: chown " + std::to_string(::geteuid()) + " " +
               path);
  }
  if ((status.st_mode & 077) != 0) {
    return bad(path + " can be used by others than its owner; type: chmod " + mode + " " + path);
  }
  return {};
}

Result<void> sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return bad_errno("open", path);
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  if (!synced) return bad_errno("write", path);
  return {};
}

Result<void> write_private_file(const std::string& path, std::string_view text) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  const int file =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return bad_errno("write", temporary);
  const bool written = write_all(file, text) && ::fsync(file) == 0;
  ::close(file);
  if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) return bad_errno("write", path);
  const fs::path parent = fs::path(path).parent_path();
  return sync_folder(parent.empty() ? "." : parent.string());
}

Result<std::string> read_small_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(64 * 1024, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() <= 0) return bad("cannot read " + path + ", or it is empty");
  if (!file.eof()) return bad(path + " is longer than it may be");
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

Keys::Keys(std::string folder, Deployment deployment, const DigestKeyList& digest_keys,
           core::RowKeyList row_keys)
    : folder_(std::move(folder)),
      deployment_id_(deployment.id),
      digest_keys_(digest_keys, deployment.current_digest_key),
      row_keys_(std::move(row_keys)),
      deployment_(std::move(deployment)) {}

Deployment Keys::deployment() const {
  const MutexLock lock(mutex_);
  return deployment_;
}

Result<void> Keys::save(Deployment changed) {
  LK_CHECK(save_deployment(folder_, changed));
  const MutexLock lock(mutex_);
  deployment_ = std::move(changed);
  return {};
}

std::vector<DigestKeyFacts> Keys::digest_key_facts() const {
  const Deployment now = deployment();
  const auto here = digest_keys_.ids();
  std::vector<DigestKeyFacts> facts;
  for (const MadeDigestKey& key : now.made) {
    // One whose file is missing keeps its id, in case the file comes back.
    if (std::find(here.begin(), here.end(), key.id) == here.end()) continue;
    facts.push_back({key.id, key.made_at, key.id == now.current_digest_key});
  }
  return facts;
}

Result<std::vector<std::pair<core::DigestKeyId, SecretKey>>> Keys::read_digest_keys() const {
  std::vector<std::pair<core::DigestKeyId, SecretKey>> keys;
  for (const core::DigestKeyId id : digest_keys_.ids()) {
    auto key = read_key_file(digest_key_path(folder_, id));
    if (key) {
      keys.emplace_back(id, *std::move(key));
      continue;
    }
    // Its file goes first when a key is retired.
    const auto now = digest_keys_.ids();
    if (std::find(now.begin(), now.end(), id) != now.end()) return std::move(key).error();
  }
  return keys;
}

Result<core::DigestKeyId> Keys::rotate_digest_key(Entropy& entropy, Instant now) {
  Deployment changed = deployment();
  std::vector<core::DigestKeyId> used = changed.retired;
  for (const MadeDigestKey& key : changed.made) used.push_back(key.id);
  auto id = core::first_unused_id(used);
  // One that was killed before deployment.json named it has left a file; its id is spent as well.
  while (id && fs::exists(digest_key_path(folder_, *id))) {
    used.push_back(*id);
    id = core::first_unused_id(used);
  }
  if (!id || digest_keys_.ids().size() >= core::DigestKeys::kKeysMax) {
    return Error(ErrorCode::conflict,
                 "There are as many digest keys as there may be; retire old ones first with "
                 "`latchkey key retire`.");
  }
  LK_TRY(const Hmac key, make_key_file(digest_key_path(folder_, *id), entropy));
  const json::value data = {{"key", id->view()}, {"previous", changed.current_digest_key.view()}};
  changed.unlogged.push_back({core::Action::key_digest_rotated, format_json(data)});
  changed.made.push_back({*id, now});
  changed.current_digest_key = *id;
  // If this fails it may be on disk all the same, so the key's file stays.
  LK_CHECK(save(std::move(changed)));
  digest_keys_.add(*id, key);
  digest_keys_.make_current(*id);
  return *id;
}

Result<void> Keys::retire_digest_key(core::DigestKeyId id) {
  Deployment changed = deployment();
  LK_ASSERT(id != changed.current_digest_key);
  std::erase_if(changed.made, [&](const MadeDigestKey& key) { return key.id == id; });
  changed.retired.push_back(id);
  changed.unlogged.push_back(
      {core::Action::key_digest_retired, format_json(json::object{{"key", id.view()}})});
  LK_CHECK(save(std::move(changed)));
  digest_keys_.remove(id);
  return remove_key_file(digest_key_path(folder_, id));
}

std::vector<RowKeyFacts> Keys::row_key_facts() const {
  const Deployment now = deployment();
  const auto set = row_keys_.now();
  std::vector<RowKeyFacts> facts;
  for (const auto& [id, key] : set->all()) {
    RowKeyFacts& one = facts.emplace_back();
    one.id = id;
    one.is_current = id == set->current_id();
    const auto dated = std::find_if(now.made_row_keys.begin(), now.made_row_keys.end(),
                                    [&](const MadeRowKey& made) { return made.id == one.id; });
    one.made_at =
        dated != now.made_row_keys.end() ? dated->made_at : file_time(row_key_path(folder_, id));
  }
  return facts;
}

Result<core::RowKeyId> Keys::rotate_row_key(Entropy& entropy, Instant now) {
  Deployment changed = deployment();
  const core::RowKeyId id{changed.current_row_key.number + 1};
  // What a rotation that was killed has left there is overwritten: nothing was signed with it.
  LK_TRY(const Hmac key, make_key_file(row_key_path(folder_, id), entropy));
  const json::value data = {{"key", id.number}, {"previous", changed.current_row_key.number}};
  changed.unlogged.push_back({core::Action::key_row_rotated, format_json(data)});
  changed.made_row_keys.push_back({id, now});
  changed.current_row_key = id;
  LK_CHECK(save(std::move(changed)));
  row_keys_.add(id, key);
  return id;
}

Result<void> Keys::retire_row_key(core::RowKeyId id) {
  Deployment changed = deployment();
  LK_ASSERT(id != changed.current_row_key);
  std::erase_if(changed.made_row_keys, [&](const MadeRowKey& key) { return key.id == id; });
  changed.unlogged.push_back(
      {core::Action::key_row_retired, format_json(json::object{{"key", id.number}})});
  LK_CHECK(save(std::move(changed)));
  LK_CHECK(remove_key_file(row_key_path(folder_, id)));
  row_keys_.remove(id);
  return {};
}

std::vector<UnloggedChange> Keys::unlogged() const { return deployment().unlogged; }

Result<void> Keys::set_logged(const UnloggedChange& change) {
  Deployment changed = deployment();
  std::erase(changed.unlogged, change);
  return save(std::move(changed));
}

Result<std::unique_ptr<Keys>> load_keys(const std::string& data_dir, MissingKeys missing,
                                        Entropy& entropy) {
  const std::string folder = data_dir + "/keys";
  std::error_code error;
  if (!fs::exists(deployment_path(folder), error)) {
    if (missing == MissingKeys::refuse || fs::exists(database_path(data_dir), error)) {
      return bad("there are no keys in " + folder + "; put back your copy of that folder");
    }
    LK_CHECK(make_folder(folder));
    LK_CHECK(sync_folder(data_dir));  // else a power cut may leave a database without its keys
    LK_CHECK(check_private(folder));
    LK_CHECK(make_all(folder, entropy));
  }
  LK_CHECK(check_private(folder));
  LK_TRY(Deployment deployment, load_deployment(folder));
  if (missing == MissingKeys::make) {
    // A retirement that was killed before the file was gone.
    for (const core::DigestKeyId id : deployment.retired) {
      const std::string path = digest_key_path(folder, id);
      if (fs::exists(path, error)) LK_CHECK(remove_key_file(path));
    }
  }
  LK_TRY(const DigestKeyList digest_keys, load_digest_key_files(folder, deployment));
  LK_CHECK(check_digest_keys(folder, deployment, digest_keys));
  add_undated(folder, digest_keys, deployment);
  LK_TRY(core::RowKeyList row_keys, load_row_key_files(folder, deployment));
  return std::make_unique<Keys>(folder, std::move(deployment), digest_keys, std::move(row_keys));
}

}  // namespace latchkey::app
