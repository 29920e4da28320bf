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
                                                         Milliseconds(700)});
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
    World::must(feed_.follow(log_.reached(), Milliseconds(0), [](const verify::FeedItem&) {}));
  }
  std::future<Result<std::string>> ask(const service::ProvenClient& client, core::Revision after,
                                       Milliseconds wait) {
    auto told = std::make_shared<std::promise<Result<std::string>>>();
    const core::Epoch epoch = world_.store().head().epoch;
    hub_->changes(client, {{epoch, after}, wait, "AA:AA"},
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
  StoreFeed store_feed_{StoreFeedDependencies{world_.store(), world_.catalog, *null_log_}};
  FeedLog log_;
  RecordingFeed feed_{store_feed_, log_};
  std::unique_ptr<FeedHub> hub_;  // ends first
};

TEST_F(FeedHubTest, WhatIsToldWasCurrentWhenItWasAskedFor) {
  const auto gate = client();
  follow();
  const core::Revision before = head();
  world_.add_organization("contoso");
  // The store has it, the server's own index not yet: no answer would be current.
  auto late = ask(gate, before, Milliseconds(0));
  EXPECT_EQ(late.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  follow();
  const auto told = late.get();
  EXPECT_EQ(message(told).position.revision, head());
  EXPECT_EQ(message(told).items.size(), 1u);
  EXPECT_FALSE(message(told).more);
  // An index that does not come along is told.
  world_.add_organization("northwind");
  EXPECT_EQ(code(ask(gate, before, Milliseconds(0)).get()), "store_unavailable");
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
  EXPECT_EQ(code(ask(gate, {head().number + 1}, Milliseconds(0)).get()), "feed_truncated");
  EXPECT_EQ(hub_->counters().truncated, 2u);
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
  const auto kinds = [&](const service::ProvenClient& gate) {
    std::array<size_t, std::variant_size_v<verify::FeedItem>> counts{};
    std::string cursor;
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
  for (const char* bad : {"x", "o", "q.", "m.x", "m.", "t.x", "r.x", "r."}) {
    const auto refused = hub_->snapshot(client(), bad, "");
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
