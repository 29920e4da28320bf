// The routes of the change feed, for gates. docs/spec/feed.md.

#include "api/call.h"
#include "api/change_feed.h"
#include "base/text.h"
#include "verify/catalog_message.h"
#include "verify/feed_message.h"

namespace latchkey::api {
namespace {

constexpr int kWaitMaxMs = 10'000;
constexpr size_t kKeyNamesMax = 256;  // bytes

// What the feed tells is secret: it goes over TLS, to us or to a trusted proxy, or stays on this
// machine.
Result<void> refuse_in_the_clear(const Call& call) {
  const http::Request& request = call.request;
  if (request.is_encrypted()) return {};
  const std::string_view peer = request.socket_address();
  const bool is_here = peer.starts_with("127.") || peer == "::1" || peer == "unix" ||
                       peer.starts_with("::ffff:127.");
  const bool is_good = request.is_from_proxy()
                           ? request.header("X-Forwarded-Proto").value_or("") == "https"
                           : is_here;
  if (is_good) return {};
  return Error(ErrorCode::permission_denied,
               "The feed holds keys: it is told over TLS, or to this machine.");
}

Result<std::string> key_names(const Call& call) {
  std::string names = call.parameter("keys").value_or("");
  if (names.size() > kKeyNamesMax) return invalid_field("keys", "must be at most 256 bytes long");
  return names;
}

http::Response message_response(std::string message) {
  return http::make_response(200, verify::kFeedMessageType, std::move(message));
}

Result<http::Response> get_keys(Call& call) {
  LK_CHECK(refuse_in_the_clear(call));
  LK_TRY(std::string message, call.services().feed.keys());
  return message_response(std::move(message));
}

Result<http::Response> get_catalog(Call& call) {
  return http::make_response(200, "application/json; charset=utf-8",
                             verify::format_catalog(call.context.dependencies.catalog));
}

Result<http::Response> get_snapshot(Call& call) {
  LK_CHECK(refuse_in_the_clear(call));
  LK_TRY(const std::string names, key_names(call));
  LK_TRY(std::string message,
         call.services().feed.snapshot(call.calling_client(), call.parameter("after").value_or(""),
                                       names));
  return message_response(std::move(message));
}

Result<ChangeFeed::Question> read_question(const Call& call) {
  ChangeFeed::Question question;
  const auto epoch = core::parse_id<core::Epoch>(call.parameter("epoch").value_or(""));
  if (!epoch) return invalid_field("epoch", "must be a UUID");
  const auto after = parse_unsigned(call.parameter("after").value_or(""));
  if (!after) return invalid_field("after", "must be a revision");
  question.after = {*epoch, {*after}};
  if (const auto text = call.parameter("seen")) {
    const size_t dot = text->find('.');
    const auto revision = parse_unsigned(text->substr(0, dot));
    const auto mark = parse_unsigned(dot == text->npos ? "" : text->substr(dot + 1));
    if (!revision || !mark) return invalid_field("seen", "must be a revision, a point and a mark");
    question.seen = {{*revision}, *mark};
  }
  LK_TRY(const int wait_ms, call.number("wait", {0, kWaitMaxMs, 0}));
  question.wait = Milliseconds(wait_ms);
  LK_TRY(question.keys, key_names(call));
  return question;
}

void get_changes(Call& call, Answer answer) {
  auto allowed = refuse_in_the_clear(call);
  if (!allowed) return answer(std::move(allowed).error());
  auto question = read_question(call);
  if (!question) return answer(std::move(question).error());
  call.services().feed.changes(call.calling_client(), *question,
                               [answer = std::move(answer)](Result<std::string> message) {
                                 if (!message) return answer(std::move(message).error());
                                 answer(message_response(*std::move(message)));
                               });
}

constexpr Route kRoutes[] = {
    {"getFeedKeys", Work::store, VersionRule::none, get_keys},
    {"getFeedCatalog", Work::memory, VersionRule::none, get_catalog},
    {"getFeedSnapshot", Work::store, VersionRule::none, get_snapshot},
    {"getFeedChanges", Work::later, VersionRule::none, nullptr, get_changes},
};

}  // namespace

std::span<const Route> feed_routes() { return kRoutes; }

}  // namespace latchkey::api
