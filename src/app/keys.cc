#include "app/keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/json.h"
#include "base/text.h"

namespace latchkey::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDigestPrefix = "digest-";
constexpr std::string_view kKeySuffix = ".key";

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

Result<void> make_key(const std::string& path, Entropy& entropy) {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes{};
  LK_CHECK(entropy.fill(bytes));
  std::string text = format_hex(bytes) + "\n";
  auto written = write_private_file(path, text);
  wipe(bytes.data(), bytes.size());
  wipe(text.data(), text.size());
  return written;
}

Result<Hmac> load_key(const std::string& path) {
  LK_CHECK(check_private(path));
  LK_TRY(std::string text, read_small_file(path));
  auto bytes = parse_hex(trim(std::string_view(text).substr(0, text.find('\n'))));
  wipe(text.data(), text.size());
  if (!bytes || bytes->size() != SecretKey::kSizeBytes) {
    return bad(path + " does not hold 64 hexadecimal digits; put back your copy of it");
  }
  std::array<uint8_t, SecretKey::kSizeBytes> fixed{};
  std::copy(bytes->begin(), bytes->end(), fixed.begin());
  wipe(bytes->data(), bytes->size());
  const SecretKey key(fixed);
  wipe(fixed.data(), fixed.size());
  return Hmac(key);
}

struct Deployment {
  Uuid id;
  core::DigestKeyId current;
};

Result<void> make_all(const std::string& folder, Entropy& entropy) {
  LK_CHECK(make_key(folder + "/digest-AA.key", entropy));
  LK_CHECK(make_key(folder + "/row.key", entropy));
  LK_TRY(const Uuid id, make_uuid(entropy));
  const json::value document = {{"deploymentId", format_uuid(id)}, {"currentDigestKey", "AA"}};
  return write_private_file(folder + "/deployment.json", format_json(document) + "\n");
}

Result<Deployment> load_deployment(const std::string& path) {
  LK_CHECK(check_private(path));
  LK_TRY(const std::string text, read_small_file(path));
  const auto malformed = [&](const std::string& why) {
    return bad(path + " is damaged (" + why + "); put back your copy of it");
  };
  const auto document = parse_json(text);
  if (!document) return malformed(document.error().message);
  auto reader = JsonReader::object(*document);
  if (!reader) return malformed("no object");
  const auto id = reader->text("deploymentId");
  const auto current = reader->text("currentDigestKey");
  if (!id || !current) return malformed("a field is missing");
  const auto uuid = parse_uuid(*id);
  const auto key = core::parse_digest_key_id(*current);
  if (!uuid || !key) return malformed("a field is malformed");
  return Deployment{*uuid, *key};
}

// The digest key files of `folder`, by id.
Result<std::vector<std::pair<core::DigestKeyId, Hmac>>> load_digest_keys(
    const std::string& folder) {
  std::vector<std::pair<core::DigestKeyId, Hmac>> keys;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kDigestPrefix) || !name.ends_with(kKeySuffix)) continue;
    const auto id = core::parse_digest_key_id(std::string_view(name).substr(
        kDigestPrefix.size(), name.size() - kDigestPrefix.size() - kKeySuffix.size()));
    if (!id) return bad(entry.path().string() + " has no key id of two letters in its name");
    LK_TRY(auto key, load_key(entry.path().string()));
    keys.emplace_back(*id, std::move(key));
  }
  if (error) return bad("cannot read " + folder + ": " + error.message());
  return keys;
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

Result<void> sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return bad_errno("open", path);
  const bool synced = ::fsync(folder) == 0;
  ::close(folder);
  if (!synced) return bad_errno("write", path);
  return {};
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

Result<Keys> load_keys(const std::string& data_dir, MissingKeys missing, Entropy& entropy) {
  const std::string folder = data_dir + "/keys";
  const std::string deployment_path = folder + "/deployment.json";
  std::error_code error;
  if (!fs::exists(deployment_path, error)) {
    if (missing == MissingKeys::refuse || fs::exists(database_path(data_dir), error)) {
      return bad("there are no keys in " + folder + "; put back your copy of that folder");
    }
    LK_CHECK(make_folder(folder));
    LK_CHECK(sync_folder(data_dir));  // else a power cut may leave a database without its keys
    LK_CHECK(check_private(folder));
    LK_CHECK(make_all(folder, entropy));
  }
  LK_CHECK(check_private(folder));
  LK_TRY(const Deployment deployment, load_deployment(deployment_path));
  LK_TRY(auto digest_keys, load_digest_keys(folder));
  const bool has_current =
      std::any_of(digest_keys.begin(), digest_keys.end(),
                  [&](const auto& key) { return key.first == deployment.current; });
  if (!has_current) {
    return bad(folder + "/digest-" + std::string(deployment.current.view()) +
               ".key is missing; put back your copy of it");
  }
  LK_TRY(const Hmac row_key, load_key(folder + "/row.key"));
  return Keys{core::DigestKeys(std::move(digest_keys), deployment.current), row_key, deployment.id};
}

}  // namespace latchkey::app
