#include "app/feed_hub.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <future>

#include "app/store_feed.h"
#include "service/tokens.h"
#include "service/world_for_test.h"

namespace latchkey::app {
namespace {

using service::World;

// A store, its log, and a hub that nobody follows for: the test says when the index moves.
class FeedHubTest : public testing::Test {
 protected:
  FeedHubTest() {
    SystemEntropy entropy;
    World::check(make_data_dir(world_.folder() + "/data"));
    keys_ = World::must(load_keys(world_.folder() + "/data", MissingKeys::make, entropy));
    World::check(clients_.load());
    hub_ = std::make_unique<FeedHub>(FeedHubDependencies{world_.store(), *keys_, world_.catalog,
                                                         world_.provider, clients_, log_,
                                                         world_.clock, Milliseconds(700), 1});
    World::must(feed_.load([](const verify::FeedItem&) {}));
  }
  service::ProvenClient client(std::vector<std::string> organizations = {}) {
    service::NewClient request{"gate-" + std::to_string(++made_), {}, std::move(organizations)};
    request.may.add(core::ClientPermission::feed);
    const auto made = World::must(clients_.add(service::ActorForTests::console(), request));
    last_secret_ = std::string(made.value.text.reveal(RevealSecret{}));
    return World::must(clients_.authenticate(last_secret_));
  }
  // What the server's own follower does.
  void follow() {
    World::must(
        feed_.follow(log_.level()->position, Milliseconds(0), [](const verify::FeedItem&) {}));
  }
  using Seen = api::ChangeFeed::Question::Seen;
  std::future<Result<std::string>> ask(const service::ProvenClient& client, core::Revision after,
                                       Milliseconds wait, std::optional<Seen> seen = std::nullopt) {
    auto told = std::make_shared<std::promise<Result<std::string>>>();
    const core::Epoch epoch = world_.store().head().epoch;
    hub_->changes(client, {{epoch, after}, seen, wait, "AA:AA"},
                  [told](Result<std::string> answer) { told->set_value(std::move(answer)); });
    return told->get_future();
  }
  core::Revision head() { return world_.store().head().revision; }
  static std::string code(const auto& result) {
    return result ? "done" : std::string(error_name(result.error().code));
  }
  static verify::FeedMessage message(const Result<std::string>& told) {
    return World::must(verify::decode_feed_message(World::must(Result<std::string>(told))));
  }

  World world_;
  const std::unique_ptr<Log> null_log_ = make_null_log();
  const core::OrganizationId organization_ = world_.add_organization("fabrikam");
  std::unique_ptr<Keys> keys_;
  service::Clients clients_{world_.dependencies()};
  int made_ = 0;
  std::string last_secret_;
  StoreFeed store_feed_{
      StoreFeedDependencies{world_.store(), world_.catalog, *null_log_, world_.clock}};
  FeedLog log_;
  RecordingFeed feed_{store_feed_, log_, world_.clock};
  std::unique_ptr<FeedHub> hub_;  // ends first
};

TEST_F(FeedHubTest, WhatIsToldSaysWhenItWasAll) {
  const auto gate = client();
  follow();
  const core::Revision before = head();
  world_.clock.advance(Milliseconds(700));
  world_.add_organization("contoso");
  // The store has it, this node's own index not yet: what it knows is as old as it is.
  const auto old = message(ask(gate, before, Milliseconds(0)).get());
  EXPECT_EQ(old.position.revision, before);
  EXPECT_EQ(old.current_after, Milliseconds(-700));
  auto waiting = ask(gate, before, Milliseconds(60'000));
  world_.clock.advance(Milliseconds(30));
  follow();
  const auto told = message(waiting.get());
  EXPECT_EQ(told.position.revision, head());
  EXPECT_EQ(told.mark, log_.level()->mark);
  EXPECT_EQ(told.items.size(), 1u);
  EXPECT_EQ(told.current_after, Milliseconds(30));
  EXPECT_FALSE(told.more);
}

TEST_F(FeedHubTest, AGateThatIsAheadWaitsForThisNode) {
  const auto gate = client();
  follow();
  world_.clock.advance(Milliseconds(1));
  // It was at another node, which knew event head + 1 before this one does.
  const core::Revision ahead{head().number + 1};
  auto waiting = ask(gate, ahead, Milliseconds(60'000));
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  world_.add_organization("contoso");
  follow();
  world_.add_organization("northwind");
  follow();
  EXPECT_EQ(message(waiting.get()).position.revision, head());
  // A node that does not come along says so; one that knows better says that too.
  EXPECT_EQ(code(ask(gate, {head().number + 1}, Milliseconds(0)).get()), "store_unavailable");
  auto lost = ask(gate, {head().number + 1}, Milliseconds(60'000));
  world_.clock.advance(Milliseconds(1));
  follow();
  EXPECT_EQ(code(lost.get()), "feed_truncated");
}

TEST_F(FeedHubTest, AnotherHistoryIsTruncated) {
  const auto gate = client();
  follow();
  const auto mark = log_.level()->mark;
  EXPECT_EQ(code(ask(gate, head(), Milliseconds(0), Seen{head(), mark}).get()), "done");
  EXPECT_EQ(code(ask(gate, head(), Milliseconds(0), Seen{head(), mark + 1}).get()),
            "feed_truncated");
  // While it waits, too: its pages showed an event that was lost.
  auto waiting = ask(gate, head(), Milliseconds(60'000), Seen{{head().number + 1}, 5});
  world_.add_organization("contoso");
  follow();
  EXPECT_EQ(code(waiting.get()), "feed_truncated");
}

TEST_F(FeedHubTest, APageOfAViewThatTheIndexDoesNotKnowIsNotGiven) {
  const auto gate = client();
  follow();
  const auto page = message(hub_->snapshot(gate, "", ""));
  EXPECT_EQ(page.position, log_.level()->position);
  EXPECT_EQ(page.mark, log_.level()->mark);
  EXPECT_EQ(code(hub_->snapshot(gate, page.next, "")), "done");
  // The view is ahead of the index, and the index does not come along.
  world_.add_organization("contoso");
  EXPECT_EQ(code(hub_->snapshot(gate, "", "")), "store_unavailable");
  // The view is of another history than the index.
  FeedLog::Level level = *log_.level();
  level.position.revision = head();
  log_.begin(level);
  EXPECT_EQ(code(hub_->snapshot(gate, "", "")), "store_unavailable");
  // The view is from before what the index knows: a standby answered.
  level.position.revision.number += 1;
  log_.begin(level);
  EXPECT_EQ(code(hub_->snapshot(gate, "", "")), "store_unavailable");
  // A page of a snapshot that began before the index was loaded anew.
  World::must(feed_.load([](const verify::FeedItem&) {}));
  EXPECT_EQ(code(hub_->snapshot(gate, page.next, "")), "store_unavailable");
  EXPECT_EQ(code(hub_->snapshot(gate, "", "")), "done");
}

TEST_F(FeedHubTest, WaitsForAChangeAndNoLonger) {
  const auto gate = client();
  follow();
  const auto empty = ask(gate, head(), Milliseconds(20)).get();
  EXPECT_TRUE(message(empty).items.empty());
  EXPECT_EQ(message(empty).position.revision, head());
  EXPECT_FALSE(message(empty).keys);
  auto waiting = ask(gate, head(), Milliseconds(60'000));
  world_.add_organization("contoso");
  follow();
  EXPECT_EQ(message(waiting.get()).items.size(), 1u);
}

TEST_F(FeedHubTest, PositionsThatAreNotHereAreTruncated) {
  const auto gate = client();
  const core::Revision early{0};
  follow();
  EXPECT_EQ(code(ask(gate, early, Milliseconds(0)).get()), "feed_truncated");
  EXPECT_EQ(hub_->counters().truncated, 1u);
}

TEST_F(FeedHubTest, AClientThatEndedIsToldSoWhileItWaits) {
  const auto gate = client();
  follow();
  auto waiting = ask(gate, head(), Milliseconds(60'000));
  World::must(clients_.remove(service::ActorForTests::console(), gate.name()));
  follow();
  EXPECT_EQ(code(waiting.get()), "token_unknown");
}

TEST_F(FeedHubTest, HowManyWaitIsBoundAndStoppingAnswersAll) {
  const auto gate = client();
  follow();
  std::vector<std::future<Result<std::string>>> waiting;
  for (size_t i = 0; i < FeedHub::kWaitersMax; ++i) {
    waiting.push_back(ask(gate, head(), Milliseconds(60'000)));
  }
  EXPECT_EQ(code(ask(gate, head(), Milliseconds(60'000)).get()), "overloaded");
  EXPECT_EQ(hub_->counters().waiting, FeedHub::kWaitersMax);
  hub_->stop();
  for (auto& one : waiting) EXPECT_EQ(code(one.get()), "overloaded");
  EXPECT_EQ(code(ask(gate, head(), Milliseconds(0)).get()), "overloaded");
}

TEST_F(FeedHubTest, ASnapshotIsWhatAnIndexLoads) {
  const service::Actor owner = world_.member(organization_, "ada", core::Role::owner);
  world_.add_organization("contoso");
  service::Tokens tokens(world_.dependencies());
  const core::CreateToken request{
      .display_name = "build", .scope = "vso.project", .valid_to = std::nullopt};
  const auto made = World::must(tokens.create(owner, organization_, request));
  World::must(tokens.regenerate(owner, organization_, made.value.token.id, std::nullopt));
  follow();
  const auto kinds = [&](const service::ProvenClient& gate) {
    std::array<size_t, std::variant_size_v<verify::FeedItem>> counts{};
    std::string cursor;
    follow();
    do {
      const auto page = message(hub_->snapshot(gate, cursor, ""));
      EXPECT_TRUE(page.keys);
      for (const verify::FeedItem& item : page.items) ++counts[item.index()];
      cursor = page.next;
    } while (!cursor.empty());
    return counts;
  };
  EXPECT_THAT(kinds(client()), testing::ElementsAre(1, 1, 1, 2));
  EXPECT_THAT(kinds(client({"fabrikam"})), testing::ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(kinds(client({"contoso"})), testing::ElementsAre(0, 0, 0, 1));
  const auto gate = client();
  follow();
  const std::string next = message(hub_->snapshot(gate, "", "")).next;
  const std::string name = next.substr(0, next.find('-') + 1);
  // Of another snapshot, and of none.
  EXPECT_EQ(code(hub_->snapshot(gate, std::string(16, '0') + "-o.", "")), "store_unavailable");
  EXPECT_EQ(hub_->snapshot(gate, "o.", "").error().field, "after");
  for (const char* bad : {"x", "o", "q.", "m.x", "m.", "t.x", "r.x", "r."}) {
    const auto refused = hub_->snapshot(gate, name + bad, "");
    if (std::string(bad) == "m.") continue;  // the first of them
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().field, "after");
  }
}

TEST_F(FeedHubTest, KeysAreToldToWhoHasOthers) {
  const auto gate = client();
  follow();
  EXPECT_EQ(name_keys(*message(hub_->keys()).keys), "AA:AA");
  SystemEntropy entropy;
  World::must(keys_->rotate_digest_key(entropy, world_.clock.now()));
  const auto told = message(ask(gate, head(), Milliseconds(60'000)).get());  // at once
  ASSERT_TRUE(told.keys);
  EXPECT_EQ(name_keys(*told.keys), "AB:AA.AB");
  EXPECT_EQ(told.keys->staleness_max, Milliseconds(700));
}

}  // namespace
}  // namespace latchkey::app
