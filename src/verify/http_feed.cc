#include "verify/http_feed.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"
#include "verify/catalog_message.h"

namespace latchkey::verify {
namespace {

constexpr std::string_view kRoot = "/_latchkey/feed/";
constexpr Milliseconds kPageTimeout{30'000};
// A poll that is not answered by then confirms nothing any more: a new one is better.
constexpr Milliseconds kPollTimeout{2'000};
constexpr Milliseconds kWaitMax{1'000};

std::string target_of(std::string_view what) { return std::string(kRoot) + std::string(what); }

Result<http::ClientResponse> get(ServerConnection& connection, const std::string& target) {
  http::ClientRequest request;
  request.target = target;
  return connection.send(std::move(request));
}

// The message in the body, which is wiped: it may hold keys.
Result<FeedMessage> take_message(http::ClientResponse&& response) {
  const bool is_ours = response.header("content-type") == kFeedMessageType;
  auto message = is_ours ? decode_feed_message(response.body) : another_server();
  wipe(response.body.data(), response.body.size());
  return message;
}

std::vector<std::pair<core::DigestKeyId, Hmac>> digest_keys_of(const FeedKeys& keys) {
  std::vector<std::pair<core::DigestKeyId, Hmac>> digest_keys;
  for (const auto& [id, key] : keys.keys) digest_keys.emplace_back(id, Hmac(key));
  return digest_keys;
}

}  // namespace

struct HttpFeed::Start {
  ServerConnection pages;
  ServerConnection changes;
  FeedMessage hello;
  core::ScopeCatalog catalog;
};

HttpFeed::HttpFeed(Start start, Clock& clock)
    : MessageFeed(clock),
      pages_(std::move(start.pages)),
      changes_(std::move(start.changes)),
      provider_(start.hello.keys->provider),
      catalog_(std::move(start.catalog)),
      deployment_(start.hello.deployment),
      staleness_max_(start.hello.keys->staleness_max),
      keys_(digest_keys_of(*start.hello.keys), start.hello.keys->current),
      key_names_(name_keys(*start.hello.keys)) {}

Result<std::unique_ptr<HttpFeed>> HttpFeed::connect(const ServerAddress& address, Clock& clock) {
  LK_TRY(auto pages, ServerConnection::open(address, kPageTimeout));
  LK_TRY(auto changes, ServerConnection::open(address, kPollTimeout));
  LK_TRY(auto answer, get(pages, target_of("keys")));
  LK_TRY(FeedMessage hello, take_message(std::move(answer)));
  if (!hello.keys) return another_server();
  LK_TRY(const auto catalog_answer, get(pages, target_of("catalog")));
  LK_TRY(auto catalog, parse_catalog(catalog_answer.body));
  return std::make_unique<HttpFeed>(
      Start{std::move(pages), std::move(changes), std::move(hello), std::move(catalog)}, clock);
}

Result<FeedMessage> HttpFeed::ask(ServerConnection& connection, const std::string& target) {
  auto message = ask_once(connection, target);
  const MutexLock lock(mutex_);
  if (message) {
    problem_.clear();
  } else {
    problem_ = message.error().message.empty() ? std::string(error_name(message.error().code))
                                               : message.error().message;
  }
  return message;
}

Result<FeedMessage> HttpFeed::ask_once(ServerConnection& connection, const std::string& target) {
  LK_TRY(auto answer, get(connection, target));
  LK_TRY(auto message, take_message(std::move(answer)));
  if (message.deployment != deployment_) {
    return Error(ErrorCode::store_unavailable,
                 "Another installation answers now; start the gate again if that is meant.");
  }
  return message;
}

// Keys that are new come first and the current one is among them; what is gone goes last.
void HttpFeed::take_keys(const FeedKeys& keys) {
  const auto before = keys_.ids();
  const auto has = [](const auto& ids, core::DigestKeyId id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
  };
  std::vector<core::DigestKeyId> now;
  for (const auto& [id, key] : keys.keys) now.push_back(id);
  // Room first: there are never more than the server has, and it has as many at most.
  for (const core::DigestKeyId id : before) {
    if (!has(now, id) && id != keys_.current_id()) keys_.remove(id);
  }
  for (const auto& [id, key] : keys.keys) {
    if (!has(before, id) && keys_.ids().size() < core::DigestKeys::kKeysMax) {
      keys_.add(id, Hmac(key));
    }
  }
  if (has(keys_.ids(), keys.current)) keys_.make_current(keys.current);
  for (const core::DigestKeyId id : keys_.ids()) {
    if (!has(now, id) && id != keys_.current_id()) keys_.remove(id);
  }
  key_names_ = name_keys(keys_.current_id(), keys_.ids());
}

Result<FeedMessage> HttpFeed::ask_snapshot(const std::string& cursor) {
  return ask(pages_, target_of("snapshot") + "?keys=" + key_names_ + "&after=" + cursor);
}

Result<FeedMessage> HttpFeed::ask_changes(const Question& question) {
  return ask(changes_, target_of("changes") + "?epoch=" + core::format_id(question.after.epoch) +
                           "&after=" + std::to_string(question.after.revision.number) +
                           "&seen=" + std::to_string(question.seen.revision.number) + '.' +
                           std::to_string(question.seen.mark) +
                           "&wait=" + std::to_string(std::min(question.wait, kWaitMax).count()) +
                           "&keys=" + key_names_);
}

}  // namespace latchkey::verify
