#include "app/key_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "app/keys.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDigestPrefix = "digest-";
constexpr std::string_view kRowPrefix = "row-";
constexpr std::string_view kKeySuffix = ".key";

Error bad(const std::string& message) {
  return Error(ErrorCode::configuration, message, "data_dir");
}

// Why a deployment.json is refused; all its parts are read by functions that give this.
Error damaged(std::string_view why) { return Error(ErrorCode::configuration, std::string(why)); }

// The array field `name`; empty when it is absent, as in files of before keys could be rotated.
Result<const json::array*> find_array(JsonReader& reader, std::string_view name) {
  static const json::array none;
  const json::value* value = reader.find(name);
  if (value == nullptr) return &none;
  if (!value->is_array()) return damaged(std::string(name) + " is no list");
  return &value->get_array();
}

Result<core::DigestKeyId> read_id(const json::value& value) {
  if (!value.is_string()) return damaged("a key id is no text");
  return core::parse_digest_key_id(std::string_view(value.get_string()));
}

Result<MadeDigestKey> read_made(const json::value& value) {
  LK_TRY(auto reader, JsonReader::object(value));
  LK_TRY(const std::string id, reader.text("id"));
  LK_TRY(const std::string made_at, reader.text("madeAt"));
  LK_TRY(const core::DigestKeyId key, core::parse_digest_key_id(id));
  const auto at = parse_date_time(made_at);
  if (!at) return damaged("madeAt is no date-time");
  return MadeDigestKey{key, *at};
}

Result<core::RowKeyId> read_row_id(JsonReader& reader, std::string_view name) {
  LK_TRY(const auto number, reader.optional_integer(name));
  if (!number) return core::RowKeyId{};  // of before row keys could be rotated: the first
  if (*number < 1) return damaged(std::string(name) + " is below 1");
  return core::RowKeyId{static_cast<uint64_t>(*number)};
}

Result<MadeRowKey> read_made_row_key(const json::value& value) {
  LK_TRY(auto reader, JsonReader::object(value));
  LK_TRY(const core::RowKeyId id, read_row_id(reader, "id"));
  LK_TRY(const std::string made_at, reader.text("madeAt"));
  const auto at = parse_date_time(made_at);
  if (!at) return damaged("madeAt is no date-time");
  return MadeRowKey{id, *at};
}

Result<UnloggedChange> read_unlogged(const json::value& value) {
  LK_TRY(auto reader, JsonReader::object(value));
  LK_TRY(const std::string name, reader.text("action"));
  LK_TRY(std::string data, reader.text("data"));
  const auto action = core::parse_action(name);
  if (!action) return damaged("there is no action " + name);
  return UnloggedChange{*action, std::move(data)};
}

Result<Deployment> read_deployment(const json::value& document) {
  Deployment deployment;
  LK_TRY(auto reader, JsonReader::object(document));
  LK_TRY(const std::string id, reader.text("deploymentId"));
  const auto uuid = parse_uuid(id);
  if (!uuid) return damaged("deploymentId is malformed");
  deployment.id = *uuid;
  LK_TRY(const std::string current, reader.text("currentDigestKey"));
  LK_TRY(deployment.current_digest_key, core::parse_digest_key_id(current));
  LK_TRY(const json::array* const made, find_array(reader, "digestKeys"));
  for (const json::value& value : *made) {
    LK_TRY(const MadeDigestKey key, read_made(value));
    deployment.made.push_back(key);
  }
  LK_TRY(const json::array* const retired, find_array(reader, "retiredDigestKeys"));
  for (const json::value& value : *retired) {
    LK_TRY(const core::DigestKeyId key, read_id(value));
    deployment.retired.push_back(key);
  }
  LK_TRY(deployment.current_row_key, read_row_id(reader, "currentRowKey"));
  LK_TRY(const json::array* const row_keys, find_array(reader, "rowKeys"));
  for (const json::value& value : *row_keys) {
    LK_TRY(const MadeRowKey key, read_made_row_key(value));
    deployment.made_row_keys.push_back(key);
  }
  LK_TRY(const json::array* const unlogged, find_array(reader, "unlogged"));
  for (const json::value& value : *unlogged) {
    LK_TRY(UnloggedChange change, read_unlogged(value));
    deployment.unlogged.push_back(std::move(change));
  }
  return deployment;
}

json::object deployment_json(const Deployment& deployment) {
  json::array made;
  for (const MadeDigestKey& key : deployment.made) {
    made.push_back({{"id", key.id.view()}, {"madeAt", format_date_time(key.made_at)}});
  }
  json::array retired;
  for (const core::DigestKeyId id : deployment.retired) retired.emplace_back(id.view());
  json::array row_keys;
  for (const MadeRowKey& key : deployment.made_row_keys) {
    row_keys.push_back({{"id", key.id.number}, {"madeAt", format_date_time(key.made_at)}});
  }
  json::array unlogged;
  for (const UnloggedChange& change : deployment.unlogged) {
    unlogged.push_back({{"action", core::action_name(change.action)}, {"data", change.data}});
  }
  return {{"deploymentId", format_uuid(deployment.id)},
          {"currentDigestKey", deployment.current_digest_key.view()},
          {"digestKeys", std::move(made)},
          {"retiredDigestKeys", std::move(retired)},
          {"currentRowKey", deployment.current_row_key.number},
          {"rowKeys", std::move(row_keys)},
          {"unlogged", std::move(unlogged)}};
}

}  // namespace

std::string deployment_path(const std::string& folder) { return folder + "/deployment.json"; }

std::string digest_key_path(const std::string& folder, core::DigestKeyId id) {
  return folder + '/' + std::string(kDigestPrefix) + std::string(id.view()) +
         std::string(kKeySuffix);
}

std::string row_key_path(const std::string& folder, core::RowKeyId id) {
  if (id == core::RowKeyId{}) return folder + "/row.key";
  return folder + '/' + std::string(kRowPrefix) + std::to_string(id.number) +
         std::string(kKeySuffix);
}

Result<Deployment> load_deployment(const std::string& folder) {
  const std::string path = deployment_path(folder);
  LK_CHECK(check_private(path));
  LK_TRY(const std::string text, read_small_file(path));
  const auto document = parse_json(text);
  auto deployment = document ? read_deployment(*document) : Result<Deployment>(document.error());
  if (deployment) return deployment;
  return bad(path + " is damaged (" + deployment.error().message + "); put back your copy of it");
}

Result<void> save_deployment(const std::string& folder, const Deployment& deployment) {
  return write_private_file(deployment_path(folder),
                            format_json(deployment_json(deployment)) + "\n");
}

Result<Hmac> make_key_file(const std::string& path, Entropy& entropy) {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes{};
  LK_CHECK(entropy.fill(bytes));
  std::string text = format_hex(bytes) + "\n";
  const SecretKey key(bytes);
  auto written = write_private_file(path, text);
  wipe(bytes.data(), bytes.size());
  wipe(text.data(), text.size());
  if (!written) return std::move(written).error();
  return Hmac(key);
}

Result<Hmac> load_key_file(const std::string& path) {
  LK_TRY(const SecretKey key, read_key_file(path));
  return Hmac(key);
}

Result<SecretKey> read_key_file(const std::string& path) {
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
  SecretKey key(fixed);
  wipe(fixed.data(), fixed.size());
  return key;
}

Result<void> remove_key_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return bad("cannot remove " + path + ": " + std::strerror(errno));
  }
  return sync_folder(fs::path(path).parent_path().string());
}

Result<DigestKeyList> load_digest_key_files(const std::string& folder,
                                            const Deployment& deployment) {
  DigestKeyList keys;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kDigestPrefix) || !name.ends_with(kKeySuffix)) continue;
    const auto id = core::parse_digest_key_id(std::string_view(name).substr(
        kDigestPrefix.size(), name.size() - kDigestPrefix.size() - kKeySuffix.size()));
    if (!id) return bad(entry.path().string() + " has no key id of two letters in its name");
    const auto& retired = deployment.retired;
    if (std::find(retired.begin(), retired.end(), *id) != retired.end()) continue;
    LK_TRY(auto key, load_key_file(entry.path().string()));
    keys.emplace_back(*id, std::move(key));
  }
  if (error) return bad("cannot read " + folder + ": " + error.message());
  return keys;
}

Result<core::RowKeyList> load_row_key_files(const std::string& folder,
                                            const Deployment& deployment) {
  core::RowKeyList keys;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string path = entry.path().string();
    const std::string name = entry.path().filename().string();
    core::RowKeyId id;
    if (name.starts_with(kRowPrefix) && name.ends_with(kKeySuffix)) {
      const auto number = parse_unsigned(std::string_view(name).substr(
          kRowPrefix.size(), name.size() - kRowPrefix.size() - kKeySuffix.size()));
      if (!number || *number < 2) return bad(path + " has no number above 1 in its name");
      id.number = *number;
    } else if (name != "row.key") {
      continue;
    }
    if (id > deployment.current_row_key) continue;
    LK_TRY(const Hmac key, load_key_file(path));
    keys.emplace_back(id, key);
  }
  if (error) return bad("cannot read " + folder + ": " + error.message());
  const bool has_current = std::any_of(keys.begin(), keys.end(), [&](const auto& key) {
    return key.first == deployment.current_row_key;
  });
  if (has_current) return keys;
  return bad(row_key_path(folder, deployment.current_row_key) +
             " is missing; put back your copy of it");
}

Instant file_time(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000};
}

}  // namespace latchkey::app
