#include "app/backup.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace latchkey::app {
namespace {

using testing::HasSubstr;

BackupManifest make_manifest() {
  BackupManifest manifest;
  manifest.deployment_id = "3f0c1d2e-4b5a-4c6d-8e7f-901122334455";
  manifest.created_at = "2026-12-01T10:00:00Z";
  manifest.version = "0.1.0";
  manifest.schema_version = 2;
  manifest.head.revision = {17};
  manifest.head.hash[3] = 9;
  manifest.head.epoch.uuid.bytes[0] = 1;
  manifest.with_keys = true;
  manifest.digest_keys = {"AA", "AB"};
  manifest.sha256 = {{"latchkey.db", "00"}, {"keys/row.key", "11"}};
  return manifest;
}

TEST(BackupManifest, ReadsBackWhatWasWritten) {
  const BackupManifest made = make_manifest();
  const auto read = parse_manifest(format_manifest(made));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->deployment_id, made.deployment_id);
  EXPECT_EQ(read->created_at, made.created_at);
  EXPECT_EQ(read->version, made.version);
  EXPECT_EQ(read->schema_version, made.schema_version);
  EXPECT_EQ(read->head.position(), made.head.position());
  EXPECT_EQ(read->head.hash, made.head.hash);
  EXPECT_EQ(read->with_keys, made.with_keys);
  EXPECT_EQ(read->digest_keys, made.digest_keys);
  EXPECT_EQ(read->sha256, made.sha256);
}

TEST(BackupManifest, RefusesAnotherFormAndNamesTheField) {
  const auto whole = parse_json(format_manifest(make_manifest()));
  ASSERT_TRUE(whole);
  const auto expect = [&](std::string_view field, const json::value& value,
                          const std::string& words) {
    json::object changed = whole->as_object();
    if (value.is_null()) {
      changed.erase(field);
    } else {
      changed[field] = value;
    }
    const auto read = parse_manifest(format_json(changed));
    ASSERT_FALSE(read) << field;
    EXPECT_EQ(read.error().code, ErrorCode::configuration);
    EXPECT_THAT(read.error().message, HasSubstr(words)) << field;
  };
  for (const char* field : {"format", "deploymentId", "createdAt", "version", "schemaVersion",
                            "epoch", "revision", "headHash", "withKeys", "sha256"}) {
    expect(field, nullptr, "'" + std::string(field) + "'");
  }
  expect("format", 2, "newer version");
  expect("revision", -1, "'revision'");
  expect("epoch", "x", "'epoch'");
  expect("headHash", "00", "'headHash'");
  for (const char* name : {"../x", "/x", "keys/../x", "keys/", "keys/.x", "manifest.json", ""}) {
    expect("sha256", {{name, "00"}, {"latchkey.db", "00"}}, "names a file that no backup has");
  }
  expect("sha256", {{"keys/row.key", "00"}}, "must name latchkey.db");
  EXPECT_FALSE(parse_manifest(""));
  EXPECT_FALSE(parse_manifest("[]"));
}

}  // namespace
}  // namespace latchkey::app
