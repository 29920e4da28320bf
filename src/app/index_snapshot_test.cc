#include "app/index_snapshot.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "app/indexed_world_for_test.h"

namespace latchkey::app {
namespace {

using service::World;

// A world with an index, and its snapshot beside the store.
class IndexSnapshotTest : public testing::Test, protected IndexedWorld {
 protected:
  // An index as a start makes it, from the snapshot or, if that is not believed, from all rows.
  // Whether it was the snapshot.
  bool start() {
    make();
    const bool used = snapshot->load([&](const SnapshotHeader& header, const auto& names) {
      resumed_at = header.from.position();
      feed->resume(header.from, header.through, names);
    });
    World::check(used ? verifier->follow_once(*feed, Milliseconds(0)) : verifier->load(*feed));
    return used;
  }
  void make() {
    make_index(*catalog);
    snapshot = std::make_unique<IndexSnapshot>(
        IndexSnapshotDependencies{world.store(), *verifier, world.row_keys(), deployment, *catalog,
                                  world.entropy, *log, path()});
  }
  void write() {
    World::check(snapshot->write([](Milliseconds) { return true; }));
  }
  // What a restart does, with all that changed since in the snapshot.
  void restart() {
    follow();
    write();
    ASSERT_TRUE(start());
  }
  std::string path() { return index_snapshot_path(world.folder()); }
  std::string read_file() {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void write_file(const std::string& bytes) {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
  }

  const core::ScopeCatalog* catalog = &world.catalog;
  Uuid deployment;
  std::unique_ptr<IndexSnapshot> snapshot;
  core::Position resumed_at;
};

TEST_F(IndexSnapshotTest, HoldsWhatTheIndexHeld) {
  const auto kept = make_token();
  const auto revoked = make_token();
  const auto before = make_token();
  World::must(tokens.revoke(owner, organization, revoked.token.id));
  const auto after =
      World::must(tokens.regenerate(owner, organization, before.token.id, std::nullopt));
  EXPECT_FALSE(start());
  const auto loaded = verifier->status();
  restart();
  EXPECT_EQ(outcome(kept.text), "granted");
  EXPECT_EQ(outcome(kept.text, "vso.code"), "scope_missing");
  EXPECT_EQ(outcome(revoked.text), "token_revoked");
  EXPECT_EQ(outcome(before.text), "token_revoked");
  EXPECT_EQ(outcome(after.value.text), "granted");
  EXPECT_EQ(verifier->find_organization("fabrikam"), organization);
  EXPECT_EQ(verifier->status().tokens, loaded.tokens);
  EXPECT_EQ(verifier->status().memberships, loaded.memberships);
  EXPECT_EQ(resumed_at.revision, world.store().head().revision);
}

TEST_F(IndexSnapshotTest, WhatChangedSinceIsFollowed) {
  const auto token = make_token();
  start();
  write();
  World::must(tokens.revoke(owner, organization, token.token.id));
  const auto later = make_token();
  World::must(organizations.rename(owner, organization, "Contoso"));
  EXPECT_TRUE(start());
  EXPECT_EQ(outcome(token.text), "token_revoked");
  EXPECT_EQ(outcome(later.text), "granted");
  EXPECT_EQ(verifier->find_organization("fabrikam"), std::nullopt);
  EXPECT_EQ(verifier->find_organization("contoso"), organization);
}

// Its age counts from a poll, and there was none.
TEST_F(IndexSnapshotTest, RefusesUntilTheStoreConfirmedIt) {
  const auto token = make_token();
  start();
  write();
  make();
  ASSERT_TRUE(snapshot->load([&](const SnapshotHeader& header, const auto& names) {
    feed->resume(header.from, header.through, names);
  }));
  EXPECT_EQ(outcome(token.text), "index_stale");
  World::check(verifier->follow_once(*feed, Milliseconds(0)));
  EXPECT_EQ(outcome(token.text), "granted");
}

TEST_F(IndexSnapshotTest, AMembershipWithoutTokensIsInIt) {
  const service::Actor member = world.member(organization, "bob", core::Role::member);
  start();
  restart();
  const core::CreateToken request{
      .display_name = "build", .scope = "vso.project", .valid_to = std::nullopt};
  const auto token = World::must(tokens.create(member, organization, request));
  World::check(verifier->follow_once(*feed, Milliseconds(0)));
  EXPECT_EQ(outcome(token.value.text), "granted");
}

TEST_F(IndexSnapshotTest, AnyChangedByteIsRefused) {
  const auto token = make_token();
  start();
  write();
  const std::string whole = read_file();
  for (size_t at = 0; at < whole.size(); at += 11) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write_file(changed);
    ASSERT_FALSE(start()) << "byte " << at << " of " << whole.size();
    ASSERT_EQ(outcome(token.text), "granted");
  }
  write_file(whole);
  EXPECT_TRUE(start());
}

TEST_F(IndexSnapshotTest, ACutOneIsRefusedAtEachLength) {
  make_token();
  start();
  write();
  const std::string whole = read_file();
  for (size_t length = 0; length < whole.size(); length += 23) {
    write_file(whole.substr(0, length));
    ASSERT_FALSE(start()) << length;
  }
}

// Blocks of two snapshots are both ours; only the nonce tells them apart.
TEST_F(IndexSnapshotTest, BlocksOfAnotherSnapshotAreRefused) {
  const auto token = make_token();
  start();
  write();
  const std::string older = read_file();
  World::must(tokens.revoke(owner, organization, token.token.id));
  World::check(verifier->follow_once(*feed, Milliseconds(0)));
  write();
  const std::string newer = read_file();
  ASSERT_EQ(older.size(), newer.size());
  constexpr size_t kHeader = 384;
  write_file(newer.substr(0, kHeader) + older.substr(kHeader));
  EXPECT_FALSE(start());
  EXPECT_EQ(outcome(token.text), "token_revoked");
}

// Put back by who can write files: what was revoked since is followed from the log all the same.
TEST_F(IndexSnapshotTest, AnOlderOneThatIsPutBackRevivesNothing) {
  const auto token = make_token();
  start();
  write();
  const std::string older = read_file();
  World::must(tokens.revoke(owner, organization, token.token.id));
  World::check(verifier->follow_once(*feed, Milliseconds(0)));
  write();
  write_file(older);
  EXPECT_TRUE(start());
  EXPECT_EQ(outcome(token.text), "token_revoked");
}

TEST_F(IndexSnapshotTest, AnEventSinceThatWasChangedEndsTheTrust) {
  const auto token = make_token();
  start();
  write();
  World::must(tokens.revoke(owner, organization, token.token.id));
  const auto other = make_token();
  // The revocation is made to look like one of another token.
  tamper("UPDATE events SET subjects = 'token:" + core::format_id(other.token.id) +
         "' WHERE action = 'Token.PatRevokeEvent'");
  EXPECT_FALSE(start());
  EXPECT_EQ(outcome(token.text), "token_revoked");
}

TEST_F(IndexSnapshotTest, ALogThatLostItsEndIsNotGoneOnWith) {
  start();
  write();
  std::filesystem::copy_file(path(), path() + ".kept");
  // Another store of the same keys and epoch, whose log is not this one's.
  make_token();
  World::check(verifier->follow_once(*feed, Milliseconds(0)));
  write();
  tamper("DELETE FROM event_contexts WHERE revision = (SELECT MAX(revision) FROM events)");
  tamper("DELETE FROM events WHERE revision = (SELECT MAX(revision) FROM events)");
  make();
  EXPECT_FALSE(snapshot->load([](const SnapshotHeader&, const auto&) {}));
}

// What it holds may be as new as the head was when it was written, and that was lost by a failover.
TEST_F(IndexSnapshotTest, OneThatMaySayMoreThanTheLogIsRefused) {
  start();
  write();
  const Hmac key = snapshot_key(world.row_keys().now()->current());
  auto reader = World::must(SnapshotReader::open(path(), key));
  SnapshotHeader header = reader.header();
  ++header.through.revision.number;
  header.through.hash = sha256({});
  auto writer = World::must(SnapshotWriter::create(path(), key, header.nonce));
  World::check(reader.read([&](const verify::ImageBlock& block) { return writer.add(block); }));
  World::check(writer.finish(header));
  make_token();  // the log has an event in that place, and others after it
  make_token();
  EXPECT_FALSE(start());
}

TEST_F(IndexSnapshotTest, AnotherEpochIsRefused) {
  start();
  write();
  World::must(world.store().write([&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto epoch, core::make_id<core::Epoch>(world.entropy));
    tx.begin_epoch(epoch);
    LK_CHECK(tx.append({.action = core::Action::store_restored,
                        .organization = std::nullopt,
                        .actor = std::nullopt,
                        .subjects = {},
                        .data = "{}"},
                       {}));
    return {};
  }));
  EXPECT_FALSE(start());
}

TEST_F(IndexSnapshotTest, AnotherInstallationIsRefused) {
  start();
  write();
  deployment.bytes[0] = 1;
  EXPECT_FALSE(start());
}

TEST_F(IndexSnapshotTest, OtherScopesAreRefused) {
  const auto token = make_token();
  start();
  write();
  core::NumberedScope declared;
  declared.number.value = 200;
  declared.scope.identifier = "fabrikam.read";
  declared.scope.title = "Read";
  declared.scope.description = "Reads.";
  declared.scope.category = "Fabrikam";
  const auto other = world.catalog.with({declared});
  ASSERT_TRUE(other) << other.error().message;
  catalog = &*other;
  EXPECT_FALSE(start());
  EXPECT_EQ(outcome(token.text), "granted");
}

TEST_F(IndexSnapshotTest, AnotherRowKeyIsRefusedAlsoWhileTheOldOneIsHere) {
  start();
  write();
  world.row_keys().add({2}, Hmac(SecretKey({7})));
  EXPECT_FALSE(start());
  write();
  EXPECT_TRUE(start());
}

TEST_F(IndexSnapshotTest, OthersMayNotBeAbleToReadIt) {
  start();
  write();
  std::filesystem::permissions(path(), std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  EXPECT_FALSE(start());
}

TEST_F(IndexSnapshotTest, OneThatIsEndedLeavesTheOneBefore) {
  start();
  write();
  const std::string before = read_file();
  std::ofstream(path() + ".new") << "left by a kill";
  EXPECT_TRUE(start());
  EXPECT_FALSE(std::filesystem::exists(path() + ".new"));
  EXPECT_EQ(read_file(), before);
}

// A row that was changed past the server since: the snapshot has what was checked when it was
// written, which no change of the database reaches.
TEST_F(IndexSnapshotTest, ARowThatWasChangedSinceIsNotBelieved) {
  const auto token = make_token();
  start();
  write();
  tamper("UPDATE tokens SET scope = 'app_token'");
  EXPECT_TRUE(start());
  EXPECT_EQ(outcome(token.text, "vso.code"), "scope_missing");
  EXPECT_EQ(outcome(token.text), "granted");
  EXPECT_FALSE(store::verify_audit(world.store(), {}));
}

}  // namespace
}  // namespace latchkey::app
