#include "service/last_use.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "service/tokens.h"
#include "service/world_for_test.h"

namespace latchkey::service {
namespace {

constexpr Milliseconds kMinute = std::chrono::minutes(1);

core::TokenId token_number(uint8_t number) { return core::TokenId{Uuid{{number, 1, 2, 3}}}; }

TEST(LastUseRecorder, KeepsTheNewestUse) {
  LastUseRecorder recorder;
  const auto token = token_number(1);
  EXPECT_FALSE(recorder.find(token));
  recorder.note(token, {1'000}, "192.0.2.1", "curl/8");
  recorder.note(token, {900}, "192.0.2.2", "old");  // came late
  ASSERT_TRUE(recorder.find(token));
  EXPECT_EQ(recorder.find(token)->at, Instant{1'000});
  EXPECT_EQ(recorder.find(token)->address, "192.0.2.1");
  EXPECT_EQ(recorder.find(token)->user_agent, "curl/8");
  EXPECT_FALSE(recorder.find(token_number(2)));
}

TEST(LastUseRecorder, KeepsOneUseAMinuteOfOneAddress) {
  LastUseRecorder recorder;
  const auto token = token_number(1);
  const Instant start{1'000};
  recorder.note(token, start, "192.0.2.1", "curl/8");
  recorder.note(token, start + kMinute - Milliseconds(1), "192.0.2.1", "curl/8");
  EXPECT_EQ(recorder.find(token)->at, start);
  recorder.note(token, start + kMinute, "192.0.2.1", "curl/8");
  EXPECT_EQ(recorder.find(token)->at, start + kMinute);
  recorder.note(token, start + kMinute + Milliseconds(1), "192.0.2.9", "curl/8");
  EXPECT_EQ(recorder.find(token)->address, "192.0.2.9");
}

TEST(LastUseRecorder, IsBounded) {
  LastUseRecorder recorder(160);
  int kept = 0;
  for (int i = 0; i < 1'000; ++i) {
    const core::TokenId token{Uuid{{static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)}}};
    recorder.note(token, {i}, "192.0.2.1", std::string(10'000, 'x'));
    const auto use = recorder.find(token);
    if (!use) continue;
    ++kept;
    EXPECT_EQ(use->user_agent.size(), 256u);
  }
  EXPECT_LE(kept, 160);
  EXPECT_GT(kept, 100);
}

// A store in whose writes something else happens, as other threads do it.
class BusyStore final : public store::Store {
 public:
  BusyStore(store::Store& inner, std::function<void()> meanwhile)
      : inner_(inner), meanwhile_(std::move(meanwhile)) {}
  Result<void> read(const store::ReadBody& body) override { return inner_.read(body); }
  Result<store::Committed> write(const store::WriteBody& body) override {
    return inner_.write(body);
  }
  Result<void> write_aside(const store::WriteBody& body) override {
    meanwhile_();
    return inner_.write_aside(body);
  }
  bool needs_restart() const override { return inner_.needs_restart(); }
  store::LogHead head() const override { return inner_.head(); }
  Result<store::LogHead> confirm_head() override { return inner_.confirm_head(); }
  Result<store::LogHead> accept_log() override { return inner_.accept_log(); }
  Result<std::vector<core::Event>> events(core::Revision after, int limit,
                                          Milliseconds wait) override {
    return inner_.events(after, limit, wait);
  }
  Result<void> copy_to(const std::string& path, const store::CopyProgress& progress) override {
    return inner_.copy_to(path, progress);
  }
  Result<uint64_t> other_nodes() override { return inner_.other_nodes(); }
  void interrupt() override { inner_.interrupt(); }

 private:
  store::Store& inner_;
  std::function<void()> meanwhile_;
};

class LastUseFlush : public testing::Test {
 protected:
  core::TokenId make(const std::string& name) {
    const core::CreateToken request{
        .display_name = name, .scope = "vso.project", .valid_to = std::nullopt};
    return World::must(tokens.create(ada, organization, request)).value.token.id;
  }
  std::optional<core::LastUse> stored(core::TokenId token) {
    return World::must(tokens.get(ada, organization, token)).last_use;
  }

  World world;
  core::OrganizationId organization = world.add_organization("fabrikam");
  Actor ada = world.member(organization, "ada", core::Role::reader);
  Tokens tokens{world.dependencies()};
  LastUseRecorder recorder;
};

TEST_F(LastUseFlush, WritesAndForgetsWhatWasNoted) {
  const auto first = make("first");
  const auto second = make("second");
  const auto before = world.store().head().revision;
  recorder.note(first, world.clock.now(), "192.0.2.1", "curl/8");
  World::check(recorder.flush(world.store()));
  EXPECT_EQ(world.store().head().revision, before) << "a use is no event";
  EXPECT_FALSE(recorder.find(first));
  ASSERT_TRUE(stored(first));
  EXPECT_EQ(stored(first)->at, world.clock.now());
  EXPECT_EQ(stored(first)->address, "192.0.2.1");
  EXPECT_EQ(stored(first)->user_agent, "curl/8");
  EXPECT_FALSE(stored(second));
}

TEST_F(LastUseFlush, AnUnknownTokenDoesNotHoldUpTheOthers) {
  const auto token = make("known");
  recorder.note(token_number(1), world.clock.now(), "192.0.2.1", "");
  recorder.note(token, world.clock.now(), "192.0.2.1", "");
  World::check(recorder.flush(world.store()));
  EXPECT_TRUE(stored(token));
}

TEST_F(LastUseFlush, KeepsEverythingWhenTheStoreFails) {
  const auto token = make("first");
  recorder.note(token, world.clock.now(), "192.0.2.1", "curl/8");
  world.fault().arm(1, 1'000);
  const auto flushed = recorder.flush(world.store());
  world.fault().disarm();
  ASSERT_FALSE(flushed);
  EXPECT_EQ(flushed.error().code, ErrorCode::store_unavailable);
  EXPECT_TRUE(recorder.find(token));
  World::check(recorder.flush(world.store()));
  EXPECT_FALSE(recorder.find(token));
  EXPECT_TRUE(stored(token));
}

TEST_F(LastUseFlush, AnOlderUseDoesNotReplaceAStoredOne) {
  const auto token = make("first");
  recorder.note(token, world.clock.now(), "192.0.2.1", "new");
  World::check(recorder.flush(world.store()));
  recorder.note(token, world.clock.now() - kMinute, "192.0.2.2", "old");
  World::check(recorder.flush(world.store()));
  EXPECT_EQ(stored(token)->user_agent, "new");
}

TEST_F(LastUseFlush, AUseThatComesMeanwhileWaitsForTheNextFlush) {
  const auto token = make("first");
  const auto flush_while = [&](Instant at, const std::string& address) {
    BusyStore busy(world.store(), [&] { recorder.note(token, at, address, ""); });
    World::check(recorder.flush(busy));
    ASSERT_TRUE(recorder.find(token));
    EXPECT_EQ(recorder.find(token)->at, at);
    EXPECT_EQ(recorder.find(token)->address, address);
  };
  const Instant start = world.clock.now();
  recorder.note(token, start, "192.0.2.1", "");
  flush_while(start + kMinute, "192.0.2.1");
  EXPECT_EQ(stored(token)->at, start);
  flush_while(start + kMinute, "192.0.2.2");  // another address at the same moment
  World::check(recorder.flush(world.store()));
  EXPECT_FALSE(recorder.find(token));
  EXPECT_EQ(stored(token)->at, start + kMinute);
}

TEST_F(LastUseFlush, WritesMoreThanOneBatch) {
  std::vector<core::TokenId> made;
  for (int i = 0; i < 3; ++i) made.push_back(make("token " + std::to_string(i)));
  for (const auto token : made) recorder.note(token, world.clock.now(), "192.0.2.1", "");
  for (int i = 0; i < 12'000; ++i) {  // unknown ones, enough for several batches
    const core::TokenId token{Uuid{{static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)}}};
    recorder.note(token, world.clock.now(), "192.0.2.1", "");
  }
  World::check(recorder.flush(world.store()));
  for (const auto token : made) {
    EXPECT_TRUE(stored(token));
    EXPECT_FALSE(recorder.find(token));
  }
}

}  // namespace
}  // namespace latchkey::service
