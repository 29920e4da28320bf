#include "gate/usage_report.h"

#include <set>

#include "base/json.h"
#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::gate {
namespace {

constexpr Milliseconds kTimeout{10'000};
constexpr Milliseconds kClockSkew = std::chrono::minutes(5);
constexpr int kBatchesAtOnce = 100;
constexpr int64_t kCountMax = 1'000'000'000'000;

std::string format_usage_day(int32_t day) {
  return format_day(std::chrono::year_month_day(std::chrono::sys_days(std::chrono::days(day))));
}

json::object usage_json(const TokenUsage& usage) {
  json::array days;
  for (const UsageDay& day : usage.days) {
    days.push_back(json::object{
        {"day", format_usage_day(day.day)}, {"allowed", day.allowed}, {"refused", day.refused}});
  }
  json::object body{{"token", core::format_id(usage.token)}, {"days", std::move(days)}};
  if (usage.last_used_at.ms > 0) {
    body["lastUsedAt"] = format_date_time(usage.last_used_at);
    body["address"] = usage.address;
    body["userAgent"] = usage.user_agent;
  }
  return body;
}

Result<uint64_t> read_count(JsonReader& reader, std::string_view field) {
  LK_TRY(const auto count, reader.optional_integer(field));
  if (!count || *count < 0 || *count > kCountMax) {
    return invalid_field(field, "must be a whole number from 0 to 10^12");
  }
  return static_cast<uint64_t>(*count);
}

Result<UsageDay> parse_day_counts(const json::value& value, int32_t today) {
  LK_TRY(auto reader, JsonReader::object(value));
  LK_TRY(const std::string text, reader.text("day"));
  const auto day = parse_day(text);
  if (!day) return invalid_field("day", "must be a day as 2026-12-01");
  UsageDay counts;
  counts.day = static_cast<int32_t>(std::chrono::sys_days(*day).time_since_epoch().count());
  if (counts.day > today + 1 || counts.day <= today - kUsageDaysKept) {
    return invalid_field("day", "must be one of the last 90 days");
  }
  LK_TRY(counts.allowed, read_count(reader, "allowed"));
  LK_TRY(counts.refused, read_count(reader, "refused"));
  LK_CHECK(reader.refuse_unknown_fields());
  return counts;
}

Result<std::string> read_shown_text(JsonReader& reader, std::string_view field) {
  LK_TRY(const auto text, reader.optional_text(field));
  if (!text) return std::string();
  if (text->size() > UsageRecorder::kTextMax || has_control_character(*text)) {
    return invalid_field(field, "must be at most 256 bytes without control characters");
  }
  return *text;
}

Result<void> read_last_use(JsonReader& reader, Instant now, TokenUsage& usage) {
  LK_TRY(const auto text, reader.optional_text("lastUsedAt"));
  LK_TRY(usage.address, read_shown_text(reader, "address"));
  LK_TRY(usage.user_agent, read_shown_text(reader, "userAgent"));
  if (!text) return {};
  const auto at = parse_date_time(*text);
  if (!at) return invalid_field("lastUsedAt", at.error().message);
  if (*at > now + kClockSkew) return invalid_field("lastUsedAt", "must not be in the future");
  usage.last_used_at = *at;
  return {};
}

Result<TokenUsage> parse_usage(const json::value& value, Instant now) {
  LK_TRY(auto reader, JsonReader::object(value));
  TokenUsage usage;
  LK_TRY(const std::string id, reader.text("token"));
  const auto token = core::parse_id<core::TokenId>(id);
  if (!token) return invalid_field("token", "must be a UUID");
  usage.token = *token;
  LK_CHECK(read_last_use(reader, now, usage));
  const json::value* const days = reader.find("days");
  if (days == nullptr || !days->is_array() || days->as_array().size() > UsageRecorder::kDaysMax) {
    return invalid_field("days", "must be a list of at most 8");
  }
  std::set<int32_t> seen;
  for (const json::value& day : days->as_array()) {
    LK_TRY(const UsageDay counts, parse_day_counts(day, usage_day_of(now)));
    if (!seen.insert(counts.day).second) return invalid_field("days", "must have each day once");
    usage.days.push_back(counts);
  }
  LK_CHECK(reader.refuse_unknown_fields());
  return usage;
}

}  // namespace

std::string format_report(const UsageReport& report) {
  json::array uses;
  for (const TokenUsage& usage : report.uses) uses.push_back(usage_json(usage));
  return format_json(
      json::object{{"batchId", format_uuid(report.batch)}, {"uses", std::move(uses)}});
}

Result<UsageReport> parse_report(std::string_view text, Instant now) {
  LK_TRY(const json::value body, parse_json(text));
  LK_TRY(auto reader, JsonReader::object(body));
  UsageReport report;
  LK_TRY(const std::string batch, reader.text("batchId"));
  const auto id = parse_uuid(batch);
  if (!id) return invalid_field("batchId", "must be a UUID");
  report.batch = *id;
  const json::value* const uses = reader.find("uses");
  if (uses == nullptr || !uses->is_array() || uses->as_array().size() > kReportTokensMax) {
    return invalid_field("uses", "must be a list of at most 500");
  }
  LK_CHECK(reader.refuse_unknown_fields());
  std::set<core::TokenId> seen;
  for (const json::value& value : uses->as_array()) {
    LK_TRY(TokenUsage usage, parse_usage(value, now));
    if (!seen.insert(usage.token).second) {
      return invalid_field("uses", "must have each token once");
    }
    report.uses.push_back(std::move(usage));
  }
  return report;
}

Result<UsageReporter> UsageReporter::open(const verify::ServerAddress& address,
                                          UsageRecorder& recorder, Clock& clock, Entropy& entropy) {
  LK_TRY(auto connection, verify::ServerConnection::open(address, kTimeout));
  return UsageReporter(std::move(connection), recorder, clock, entropy);
}

Result<bool> UsageReporter::prepare() {
  if (pending_ && clock_.ticks() - pending_since_ < kReportLife) return true;
  pending_.reset();
  LK_TRY(const Uuid batch, make_uuid(entropy_));
  auto uses = recorder_.take(kReportTokensMax);
  if (uses.empty()) return false;
  pending_since_ = clock_.ticks();
  pending_ = UsageReport{batch, std::move(uses)};
  return true;
}

Result<void> UsageReporter::step() {
  for (int batch = 0; batch < kBatchesAtOnce; ++batch) {
    LK_TRY(const bool is_there, prepare());
    if (!is_there) return {};
    http::ClientRequest request;
    request.method = "POST";
    request.target = "/_latchkey/usage";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = format_report(*pending_);
    // A batch whose answer was lost keeps its id.
    const auto sent = connection_.send(std::move(request));
    // One that the server will never take must not hold up those after it.
    if (sent || sent.error().code == ErrorCode::invalid_argument) pending_.reset();
    if (!sent) return sent.error();
  }
  return {};
}

}  // namespace latchkey::gate
