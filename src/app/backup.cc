#include "app/backup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

#include "app/version.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/time_text.h"
#include "store/inspect.h"
#include "store/sqlite_driver.h"

namespace latchkey::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "manifest.json";
constexpr std::string_view kDeployment = "deployment.json";
constexpr std::string_view kPartial = ".latchkey-partial";
constexpr size_t kPathMax = 4'000;
constexpr size_t kKeyFilesMax = 256;
constexpr size_t kReadBytes = 1 << 20;

Error bad(const std::string& message) { return Error(ErrorCode::configuration, message, "folder"); }

Error bad_errno(const std::string& what, const std::string& path) {
  return bad("cannot " + what + " " + path + ": " + std::strerror(errno));
}

Result<void> check_target(const std::string& folder) {
  if (folder.empty() || folder.front() != '/' || folder.size() > kPathMax ||
      folder.find('\0') != std::string::npos) {
    return invalid_field("folder", "must be an absolute path of at most 4000 bytes");
  }
  std::error_code error;
  if (fs::symlink_status(folder, error).type() != fs::file_type::not_found) {
    return invalid_field("folder", "must not exist yet: " + folder + " does");
  }
  const std::string parent = fs::path(folder).parent_path().string();
  if (!fs::is_directory(parent, error)) {
    return invalid_field("folder", "must be in a folder that is there: " + parent + " is not");
  }
  return {};
}

// The folder that is written before it gets its name; removed unless keep() was called.
class PartialFolder {
 public:
  explicit PartialFolder(const std::string& target) : path_(target + std::string(kPartial)) {}
  ~PartialFolder() {
    if (!kept_) remove();
  }
  PartialFolder(const PartialFolder&) = delete;
  PartialFolder& operator=(const PartialFolder&) = delete;
  // What a killed run left is replaced.
  Result<void> make() {
    remove();
    if (::mkdir(path_.c_str(), 0700) != 0) {
      kept_ = true;  // not ours
      return bad_errno("make the folder", path_);
    }
    return {};
  }
  Result<void> rename_to(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) return bad_errno("make", target);
    kept_ = true;
    return sync_folder(fs::path(target).parent_path().string());
  }
  const std::string& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const std::string path_;
  bool kept_ = false;
};

// Reads the copy as a restore would, and fills in what it is.
Result<void> inspect_copy(const std::string& path, const core::RowKeyView& row_keys,
                          BackupManifest& manifest) {
  LK_TRY(const auto driver, store::open_sqlite(path, store::SqliteAccess::read_only));
  LK_TRY(const auto facts, store::inspect_database(*driver, row_keys));
  manifest.schema_version = facts.schema_version;
  manifest.head = facts.head;
  manifest.digest_keys = facts.digest_keys;
  return {};
}

// Whether the keys in the folder of a backup are enough for the database beside them.
Result<void> check_copied_keys(const std::string& folder, BackupManifest& manifest) {
  SystemEntropy entropy;
  const auto keys = load_keys(folder, MissingKeys::refuse, entropy);
  if (!keys) {
    return bad("the keys changed while they were copied, or are damaged (" + keys.error().message +
               "); make the backup again");
  }
  return inspect_copy(folder + "/" + std::string(kBackupDatabase),
                      core::RowKeyView((*keys)->row_keys()), manifest);
}

Result<core::Epoch> read_epoch(JsonReader& reader) {
  LK_TRY(const std::string text, reader.text("epoch"));
  const auto epoch = core::parse_id<core::Epoch>(text);
  if (!epoch) return invalid_field("epoch", "must be an id");
  return *epoch;
}

Result<int64_t> read_number(JsonReader& reader, std::string_view name) {
  LK_TRY(const auto number, reader.optional_integer(name));
  if (!number || *number < 0) return invalid_field(name, "must be a number, not negative");
  return *number;
}

Result<std::map<std::string, std::string>> read_hashes(JsonReader& reader) {
  std::map<std::string, std::string> hashes;
  const json::value* const files = reader.find("sha256");
  if (files == nullptr || !files->is_object()) {
    return invalid_field("sha256", "must be an object of file names");
  }
  for (const auto& [name, value] : files->as_object()) {
    const std::string_view path(name);
    const bool in_keys = path.starts_with("keys/") && path.find('/', 5) == path.npos;
    const std::string_view plain = in_keys ? path.substr(5) : path;
    const bool is_plain = !plain.empty() && plain[0] != '.' && plain.find('/') == plain.npos;
    if (!is_plain || (!in_keys && path != kBackupDatabase) || !value.is_string()) {
      return invalid_field("sha256", "names a file that no backup has");
    }
    hashes.emplace(path, std::string(value.as_string()));
  }
  if (!hashes.contains(std::string(kBackupDatabase))) {
    return invalid_field("sha256", "must name " + std::string(kBackupDatabase));
  }
  return hashes;
}

Result<BackupManifest> read_manifest(JsonReader& reader) {
  BackupManifest manifest;
  LK_TRY(manifest.deployment_id, reader.text("deploymentId"));
  LK_TRY(manifest.created_at, reader.text("createdAt"));
  LK_TRY(manifest.version, reader.text("version"));
  LK_TRY(manifest.schema_version, read_number(reader, "schemaVersion"));
  LK_TRY(manifest.head.epoch, read_epoch(reader));
  LK_TRY(const int64_t revision, read_number(reader, "revision"));
  manifest.head.revision.number = static_cast<uint64_t>(revision);
  LK_TRY(const std::string hash, reader.text("headHash"));
  const auto bytes = parse_hex(hash);
  if (!bytes || bytes->size() != manifest.head.hash.size()) {
    return invalid_field("headHash", "must be 64 hexadecimal digits");
  }
  std::copy(bytes->begin(), bytes->end(), manifest.head.hash.begin());
  LK_TRY(const auto with_keys, reader.optional_boolean("withKeys"));
  if (!with_keys) return invalid_field("withKeys", "is missing");
  manifest.with_keys = *with_keys;
  if (const json::value* keys = reader.find("digestKeys"); keys != nullptr && keys->is_array()) {
    for (const json::value& key : keys->as_array()) {
      if (key.is_string()) manifest.digest_keys.emplace_back(key.as_string());
    }
  }
  LK_TRY(manifest.sha256, read_hashes(reader));
  return manifest;
}

}  // namespace

Result<std::string> hash_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return bad_errno("read", path);
  Sha256 hash;
  std::string buffer(kReadBytes, '\0');
  ssize_t count = 0;
  while ((count = ::read(file, buffer.data(), buffer.size())) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    hash.update(as_bytes(std::string_view(buffer).substr(0, static_cast<size_t>(count))));
  }
  ::close(file);
  if (count < 0) return bad_errno("read", path);
  return format_hex(hash.finish());
}

Result<void> copy_key_files(const std::string& from, const std::string& to) {
  if (::mkdir(to.c_str(), 0700) != 0 && errno != EEXIST) return bad_errno("make the folder", to);
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file(error) || name.ends_with(".new")) continue;
    if (names.size() == kKeyFilesMax) return bad(from + " holds more files than keys can be");
    names.push_back(name);
  }
  if (error) return bad("cannot read " + from + ": " + error.message());
  // First what names the keys: one that is made meanwhile is then more than is needed.
  std::partition(names.begin(), names.end(),
                 [](const std::string& name) { return name == kDeployment; });
  for (const std::string& name : names) {
    LK_TRY(std::string text, read_small_file(from + "/" + name));
    auto written = write_private_file(to + "/" + name, text);
    wipe(text.data(), text.size());
    LK_CHECK(written);
  }
  return {};
}

std::string format_manifest(const BackupManifest& manifest) {
  json::object hashes;
  for (const auto& [path, hash] : manifest.sha256) hashes[path] = hash;
  const json::value document = {
      {"format", BackupManifest::kFormat},
      {"deploymentId", manifest.deployment_id},
      {"createdAt", manifest.created_at},
      {"version", manifest.version},
      {"schemaVersion", manifest.schema_version},
      {"epoch", core::format_id(manifest.head.epoch)},
      {"revision", manifest.head.revision.number},
      {"headHash", format_hex(manifest.head.hash)},
      {"withKeys", manifest.with_keys},
      {"digestKeys", json::array(manifest.digest_keys.begin(), manifest.digest_keys.end())},
      {"sha256", std::move(hashes)}};
  return format_json(document) + "\n";
}

Result<BackupManifest> parse_manifest(std::string_view text) {
  const auto refuse = [](const std::string& why) {
    return bad("its manifest.json is damaged: " + why);
  };
  const auto document = parse_json(text);
  if (!document) return refuse(document.error().message);
  auto reader = JsonReader::object(*document);
  if (!reader) return refuse(reader.error().message);
  const auto format = reader->optional_integer("format");
  if (!format || !*format) return refuse("'format' is missing");
  if (**format > BackupManifest::kFormat) {
    return bad("it was written by a newer version of Latchkey; restore it with that");
  }
  auto manifest = read_manifest(*reader);
  if (!manifest) return refuse(manifest.error().message);
  return manifest;
}

Result<BackupManifest> load_manifest(const std::string& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) return bad("there is no backup at " + folder);
  if (!fs::exists(folder + "/" + std::string(kManifest), error)) {
    return bad(folder + " is no whole backup: it has no " + std::string(kManifest));
  }
  LK_TRY(const std::string text, read_small_file(folder + "/" + std::string(kManifest)));
  auto manifest = parse_manifest(text);
  if (!manifest) return bad(folder + ": " + manifest.error().message);
  return manifest;
}

std::string describe_backup(const BackupManifest& manifest) {
  return "revision " + std::to_string(manifest.head.revision.number) + " of epoch " +
         core::format_id(manifest.head.epoch) + ", made " + manifest.created_at;
}

Result<BackupManifest> make_backup(const BackupRequest& request, const BackupSource& source,
                                   const store::CopyProgress& on_progress) {
  LK_CHECK(check_target(request.folder));
  PartialFolder partial(request.folder);
  LK_CHECK(partial.make());
  const std::string database = partial.path() + "/" + std::string(kBackupDatabase);
  BackupManifest manifest;
  manifest.deployment_id = format_uuid(source.keys.deployment_id());
  manifest.version = kVersion;
  manifest.with_keys = request.keys == BackupKeys::with;
  // Of before the state that is copied, so that nothing older than this is missing in it.
  manifest.created_at = format_date_time(source.clock.now());
  // Before the database and after it: a row key may be replaced meanwhile, and the copy may need
  // the one that was removed or the one that came.
  const core::RowKeyView row_keys(source.keys.row_keys());
  const std::string keys = partial.path() + "/keys";
  if (manifest.with_keys) LK_CHECK(copy_key_files(source.data_dir + "/keys", keys));
  LK_CHECK(source.copy(database, on_progress));
  LK_CHECK(inspect_copy(database, row_keys, manifest));
  LK_TRY(manifest.sha256[std::string(kBackupDatabase)], hash_file(database));
  if (manifest.with_keys) {
    LK_CHECK(copy_key_files(source.data_dir + "/keys", keys));
    LK_CHECK(check_copied_keys(partial.path(), manifest));
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(keys, error)) {
      const std::string name = "keys/" + entry.path().filename().string();
      LK_TRY(manifest.sha256[name], hash_file(partial.path() + "/" + name));
    }
  }
  LK_CHECK(
      write_private_file(partial.path() + "/" + std::string(kManifest), format_manifest(manifest)));
  LK_CHECK(partial.rename_to(request.folder));
  return manifest;
}

}  // namespace latchkey::app
