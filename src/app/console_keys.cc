#include "app/console_keys.h"

#include "base/json.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kDigestPrefix = "/keys/digest/";
constexpr size_t kTokensListed = 20;
constexpr Milliseconds kIndexWaitMax{1000};

http::Response json_response(int status, const json::value& body) {
  return http::make_response(status, kJson, format_json(body));
}

json::object key_json(const KeyKeeper::DigestKey& key) {
  json::object body = {{"kind", "digest"},
                       {"id", key.facts.id.view()},
                       {"madeAt", format_date_time(key.facts.made_at)},
                       {"state", key.facts.is_current ? "current" : "old"},
                       {"liveTokens", key.use.live_tokens}};
  body["latestExpiry"] = key.use.live_tokens == 0
                             ? json::value()
                             : json::value(format_date_time(key.use.latest_expiry));
  return body;
}

json::object key_json(const RowKeyFacts& key) {
  return {{"kind", "row"},
          {"id", std::to_string(key.id.number)},
          {"madeAt", format_date_time(key.made_at)},
          {"state", key.is_current ? "current" : "old"}};
}

}  // namespace

Result<http::Response> ConsoleKeys::answer(const http::Request& request,
                                           const service::Actor& actor) {
  const std::string_view path = request.path();
  const bool is_get = request.method() == "GET";
  const bool is_post = request.method() == "POST";
  if (path == "/keys" && is_get) return list();
  if (path == "/keys/digest/rotate" && is_post) return rotate_digest(actor);
  if (path == "/keys/row/rotate" && is_post) return rotate_row(actor);
  if (path == "/keys/row/rotation" && is_get) return rotation();
  if (path.starts_with(kDigestPrefix)) {
    const std::string_view rest = path.substr(kDigestPrefix.size());
    const auto key = core::parse_digest_key_id(rest.substr(0, rest.find('/')));
    if (!key) return invalid_field("key", "must be the two letters or digits of a digest key's id");
    const std::string_view what = rest.substr(key->text.size());
    if (what == "/tokens" && is_get) return dependents(*key);
    if (what == "/retire" && is_post) return retire(actor, *key);
  }
  return Error(ErrorCode::route_unknown, "the console has no such route");
}

Result<http::Response> ConsoleKeys::list() {
  LK_TRY(const auto digest_keys, keeper_.digest_keys());
  json::array value;
  for (const auto& key : digest_keys) value.push_back(key_json(key));
  for (const RowKeyFacts& key : keeper_.row_keys()) value.push_back(key_json(key));
  const size_t count = value.size();
  return json_response(200, {{"count", count}, {"value", std::move(value)}});
}

Result<http::Response> ConsoleKeys::rotate_row(const service::Actor& actor) {
  LK_TRY(const auto rotated, keeper_.rotate_row_key(actor));
  signer_.wake();
  return json_response(
      rotated.is_new ? 201 : 200,
      {{"kind", "row"}, {"id", std::to_string(rotated.key.number)}, {"isNew", rotated.is_new}});
}

Result<http::Response> ConsoleKeys::rotation() const {
  const RowSigner::Progress progress = signer_.progress();
  return json_response(200, {{"state", progress.is_running ? "running" : "done"},
                             {"done", progress.done},
                             {"total", progress.total},
                             {"problem", progress.problem}});
}

Result<http::Response> ConsoleKeys::rotate_digest(const service::Actor& actor) {
  LK_TRY(const core::DigestKeyId key, keeper_.rotate_digest_key(actor));
  return json_response(201, {{"kind", "digest"}, {"id", key.view()}});
}

Result<http::Response> ConsoleKeys::dependents(core::DigestKeyId key) {
  LK_TRY(const auto all, keeper_.dependents(key, kTokensListed));
  json::array value;
  for (const service::DependentToken& dependent : all.first) {
    value.push_back({{"id", core::format_id(dependent.token.id)},
                     {"displayName", dependent.token.display_name},
                     {"owner", dependent.owner},
                     {"organization", dependent.organization},
                     {"validTo", format_date_time(dependent.token.valid_to)}});
  }
  return json_response(200, {{"count", all.count}, {"value", std::move(value)}});
}

Result<http::Response> ConsoleKeys::retire(const service::Actor& actor, core::DigestKeyId key) {
  LK_TRY(const auto step, keeper_.retire_some(actor, key));
  verifier_.wait_for(step.revision, kIndexWaitMax);
  return json_response(200, {{"revoked", step.revoked}, {"isDone", step.is_done}});
}

}  // namespace latchkey::app
