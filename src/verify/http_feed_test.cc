#include "verify/http_feed.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "http/server_test_util.h"
#include "verify/catalog_message.h"
#include "verify/feed_for_test.h"
#include "verify/remote_verifier.h"

namespace latchkey::verify {
namespace {

using core::DigestKeyId;
using testing::ElementsAre;

const std::string kSecret = "lkc_" + std::string(43, 'A');
const DigestKeyId kFirst{{'A', 'A'}};
const DigestKeyId kSecond{{'A', 'B'}};
const auto kOrganization = id_for_test<core::OrganizationId>(1);
const auto kPerson = id_for_test<core::PersonId>(2);

SecretKey key_of(uint8_t byte) {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes;
  bytes.fill(byte);
  return SecretKey(bytes);
}

// A server that answers each target with what the test put there.
class HttpFeedTest : public testing::Test {
 protected:
  HttpFeedTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("http_feed_test-" + std::to_string(::getpid()))),
        server_([this](const http::Request& request, http::Reply reply) {
          reply.send(answer(request));
        }) {
    std::filesystem::create_directory(folder_);
    write_secret(kSecret, 0600);
    answers_["keys"] = message([](FeedMessage& m) { m.keys = keys({kFirst}); });
    answers_["catalog"] = {200, format_catalog(core::ScopeCatalog::built_in())};
    answers_["snapshot"] = message([](FeedMessage&) {});
    answers_["changes"] = message([](FeedMessage&) {});
  }
  ~HttpFeedTest() override { std::filesystem::remove_all(folder_); }

  struct Canned {
    int status = 200;
    std::string body;
  };
  static FeedKeys keys(std::initializer_list<DigestKeyId> ids) {
    FeedKeys made;
    made.staleness_max = Milliseconds(700);
    uint8_t byte = 1;
    for (const DigestKeyId id : ids) made.keys.emplace_back(id, key_of(byte++));
    made.current = *std::prev(ids.end());
    return made;
  }
  static Canned message(const std::function<void(FeedMessage&)>& fill) {
    FeedMessage made;
    made.deployment.bytes[0] = 1;
    made.position = {id_for_test<core::Epoch>(9), {5}};
    fill(made);
    return {200, encode(made)};
  }
  http::Response answer(const http::Request& request) {
    const MutexLock lock(mutex_);
    asked_.push_back(std::string(request.query()));
    authorization_ = request.header("authorization").value_or("");
    const std::string what(request.path().substr(std::string_view("/_latchkey/feed/").size()));
    auto& queue = queued_[what];
    Canned canned = answers_[what];
    if (!queue.empty()) {
      canned = queue.front();
      queue.erase(queue.begin());
    }
    const bool is_message = what != "catalog" && canned.status == 200;
    return http::make_response(canned.status,
                               is_message ? std::string(kFeedMessageType) : "application/json",
                               canned.body);
  }
  void write_secret(const std::string& text, mode_t mode) {
    std::ofstream(folder_ / "secret") << text << "\n";
    ::chmod((folder_ / "secret").c_str(), mode);
  }
  ServerAddress address() {
    return {"http://127.0.0.1:" + std::to_string(server_.port()), "", folder_ / "secret"};
  }
  std::unique_ptr<HttpFeed> connect() {
    auto feed = HttpFeed::connect(address(), clock_);
    EXPECT_TRUE(feed) << feed.error().message;
    return *std::move(feed);
  }
  static Feed::Sink nowhere() {
    return [](const FeedItem&) {};
  }
  static std::string code_of(const auto& result) {
    return result ? "done" : std::string(error_name(result.error().code));
  }

  const std::filesystem::path folder_;
  Mutex mutex_;
  std::map<std::string, Canned> answers_;
  std::map<std::string, std::vector<Canned>> queued_;  // before `answers_`
  std::vector<std::string> asked_;
  std::string authorization_;
  FakeClock clock_{Instant{1'772'366'400'000}};
  http::TestServer server_;  // ends first: it uses the rest
};

TEST_F(HttpFeedTest, ConnectsWithTheCredentialAndTakesWhatStays) {
  const auto feed = connect();
  EXPECT_EQ(authorization_, "Bearer " + kSecret);
  EXPECT_EQ(feed->provider().text(), "LKEY");
  EXPECT_EQ(feed->staleness_max(), Milliseconds(700));
  EXPECT_THAT(feed->keys().ids(), ElementsAre(kFirst));
  EXPECT_NE(feed->catalog().find("vso.code"), nullptr);
}

TEST_F(HttpFeedTest, LoadsPageByPageAndTakesTheFirstPosition) {
  const auto feed = connect();
  const auto page = [](const char* next, uint64_t revision) {
    return message([&](FeedMessage& m) {
      m.next = next;
      m.position.revision.number = revision;
      m.items = {MembershipItem{kOrganization, kPerson, true, {}}};
    });
  };
  queued_["snapshot"] = {page("m.1", 5), page("t.2", 8), page("", 9)};
  asked_.clear();
  int items = 0;
  const auto loaded = feed->load([&](const FeedItem&) { ++items; });
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->position.revision.number, 5u);
  EXPECT_EQ(items, 3);
  EXPECT_THAT(asked_,
              ElementsAre("keys=AA:AA&after=", "keys=AA:AA&after=m.1", "keys=AA:AA&after=t.2"));
  // One that names itself as the next is not followed for ever.
  answers_["snapshot"] = page("m.1", 5);
  EXPECT_EQ(code_of(feed->load(nowhere())), "request_malformed");
}

TEST_F(HttpFeedTest, KeysComeBeforeTheItemsOfTheirMessage) {
  const auto feed = connect();
  queued_["changes"] = {message([](FeedMessage& m) {
    m.keys = keys({kFirst, kSecond});
    m.items = {TokenItem{}};
  })};
  std::vector<DigestKeyId> seen;
  ASSERT_TRUE(feed->follow({id_for_test<core::Epoch>(9), {5}}, Milliseconds(9'999),
                           [&](const FeedItem&) { seen = feed->keys().ids(); }));
  EXPECT_THAT(seen, ElementsAre(kFirst, kSecond));
  EXPECT_EQ(feed->keys().current_id(), kSecond);
  // What it has now is asked with; a wait is bounded.
  asked_.clear();
  queued_["changes"] = {message([](FeedMessage& m) { m.keys = keys({kSecond}); })};
  ASSERT_TRUE(feed->follow({id_for_test<core::Epoch>(9), {5}}, Milliseconds(9'999), nowhere()));
  EXPECT_THAT(asked_[0], testing::HasSubstr("&after=5&seen=5.0&wait=1000&keys=AB:AA.AB"));
  EXPECT_THAT(feed->keys().ids(), ElementsAre(kSecond));
}

TEST_F(HttpFeedTest, APartIsNotTakenForAll) {
  const auto feed = connect();
  const auto part = [](bool more, uint64_t revision) {
    return message([&](FeedMessage& m) {
      m.more = more;
      m.position.revision.number = revision;
    });
  };
  queued_["changes"] = {part(true, 6), part(true, 7), part(false, 8)};
  const core::Position before{id_for_test<core::Epoch>(9), {5}};
  const auto reached = feed->follow(before, Milliseconds(0), nowhere());
  ASSERT_TRUE(reached);
  EXPECT_EQ(reached->position.revision.number, 8u);
  queued_["changes"] = {part(true, 6), {503, "{}"}};
  EXPECT_EQ(code_of(feed->follow(before, Milliseconds(0), nowhere())), "store_unavailable");
  queued_["changes"] = {part(true, 5)};
  EXPECT_EQ(code_of(feed->follow(before, Milliseconds(0), nowhere())), "request_malformed");
}

TEST_F(HttpFeedTest, AMessageThatIsBrokenIsNotHalfApplied) {
  const auto feed = connect();
  Canned broken = message([](FeedMessage& m) {
    m.keys = keys({kFirst, kSecond});
    m.items = {TokenItem{}, TokenItem{}};
  });
  broken.body.pop_back();
  answers_["changes"] = broken;
  int items = 0;
  EXPECT_EQ(code_of(feed->follow({id_for_test<core::Epoch>(9), {5}}, Milliseconds(0),
                                 [&](const FeedItem&) { ++items; })),
            "request_malformed");
  EXPECT_EQ(items, 0);
  EXPECT_THAT(feed->keys().ids(), ElementsAre(kFirst));
}

TEST_F(HttpFeedTest, RefusalsSayWhatToDo) {
  const auto feed = connect();
  const core::Position after{id_for_test<core::Epoch>(9), {5}};
  answers_["changes"] = {410, "{}"};
  EXPECT_EQ(code_of(feed->follow(after, Milliseconds(0), nowhere())), "feed_truncated");
  answers_["changes"] = {403, R"({"message":"not made for this"})"};
  const auto refused = feed->follow(after, Milliseconds(0), nowhere());
  EXPECT_EQ(code_of(refused), "store_unavailable");
  EXPECT_NE(refused.error().message.find("not made for this"), std::string::npos);
  answers_["changes"] = message([](FeedMessage& m) { m.position.epoch = {}; });
  EXPECT_EQ(code_of(feed->follow(after, Milliseconds(0), nowhere())), "feed_truncated");
  answers_["changes"] = message([](FeedMessage& m) { m.position.revision.number = 4; });
  EXPECT_EQ(code_of(feed->follow(after, Milliseconds(0), nowhere())), "request_malformed");
  answers_["changes"] = message([](FeedMessage& m) { m.deployment.bytes[0] = 2; });
  EXPECT_EQ(code_of(feed->follow(after, Milliseconds(0), nowhere())), "store_unavailable");
}

TEST_F(HttpFeedTest, TheCredentialIsReadAnewWhenItIsRefused) {
  const auto feed = connect();
  const std::string fresh = "lkc_" + std::string(43, 'B');
  write_secret(fresh, 0600);
  const core::Position after{id_for_test<core::Epoch>(9), {5}};
  queued_["changes"] = {{401, "{}"}};
  EXPECT_EQ(code_of(feed->follow(after, Milliseconds(0), nowhere())), "store_unavailable");
  EXPECT_EQ(authorization_, "Bearer " + kSecret);
  EXPECT_TRUE(feed->follow(after, Milliseconds(0), nowhere()));
  EXPECT_EQ(authorization_, "Bearer " + fresh);
}

TEST_F(HttpFeedTest, ACredentialThatOthersMayReadOrThatIsNoneIsRefused) {
  const auto refusal = [&] {
    const auto refused = HttpFeed::connect(address(), clock_);
    EXPECT_FALSE(refused);
    return refused ? "" : refused.error().field + ": " + refused.error().message;
  };
  write_secret(kSecret, 0640);
  EXPECT_THAT(refusal(), testing::AllOf(testing::StartsWith("credential_file: "),
                                        testing::HasSubstr("chmod 600")));
  for (const std::string& text : {std::string(), std::string("lks_abc"), kSecret + " x"}) {
    write_secret(text, 0600);
    EXPECT_THAT(refusal(), testing::HasSubstr("must hold the secret"));
  }
  std::filesystem::remove(folder_ / "secret");
  EXPECT_THAT(refusal(), testing::HasSubstr("cannot be read"));
}

TEST(ServerUrl, IsHttpsOrOfThisMachine) {
  for (const char* good : {"https://a.example", "https://a.example:8443", "https://[2001:db8::1]",
                           "http://127.0.0.1", "http://localhost:80", "http://[::1]:8080"}) {
    EXPECT_TRUE(check_server_url(good)) << good;
  }
  for (const char* bad : {"", "a.example", "http://a.example", "http://127.0.0.1.example",
                          "http://127.0.0.1@a.example", "https://", "https://a.example/",
                          "https://a.example?x", "ftp://127.0.0.1", "http://10.0.0.1"}) {
    const auto refused = check_server_url(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().field, "server");
  }
}

TEST_F(HttpFeedTest, ARemoteVerifierGoesByTheServersBoundAndFailsClosed) {
  FakeClock clock(Instant{1'772'366'400'000});
  auto remote = RemoteVerifier::connect({address(), Milliseconds(0)}, clock);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ((*remote)->staleness_max(), Milliseconds(700));
  const auto check = [&] {
    return code_of((*remote)->verifier().check(std::string(84, 'x'), std::nullopt,
                                               ScopeRequirement::any_token(),
                                               {clock.now(), clock.ticks()}));
  };
  EXPECT_EQ(check(), "index_stale");  // before it is loaded
  answers_["snapshot"] = {503, "{}"};
  EXPECT_FALSE((*remote)->load());
  EXPECT_EQ(check(), "index_stale");
  answers_["snapshot"] = message([](FeedMessage&) {});
  ASSERT_TRUE((*remote)->load());
  EXPECT_EQ(check(), "token_malformed");
  clock.advance(Milliseconds(701));
  EXPECT_EQ(check(), "index_stale");
}

}  // namespace
}  // namespace latchkey::verify
