// How tokens were used: what gates report, and what owners and administrators see.
// docs/spec/usage.md.

#include <map>

#include "api/call.h"
#include "api/wire.h"
#include "gate/usage_report.h"

namespace latchkey::api {
namespace {

constexpr int kDaysMax = gate::kUsageDaysKept;
constexpr int kListedDays = 30;

std::vector<service::CountedUse> counted(const gate::UsageReport& report) {
  std::vector<service::CountedUse> uses;
  for (const gate::TokenUsage& told : report.uses) {
    service::CountedUse& use = uses.emplace_back();
    use.token = told.token;
    for (const gate::UsageDay& day : told.days) {
      use.days.push_back({day.day, day.allowed, day.refused});
    }
    if (told.last_used_at.ms > 0) {
      use.last_use = core::LastUse{told.last_used_at, told.address, told.user_agent};
    }
  }
  return uses;
}

Result<http::Response> report_usage(Call& call) {
  LK_CHECK(call.strict_body());
  LK_TRY(const auto report,
         gate::parse_report(call.request.body(), call.context.dependencies.clock.now()));
  LK_TRY(const auto taken,
         call.services().usage.take(call.calling_client(), report.batch, counted(report)));
  return json_response(
      200,
      {{"accepted", taken.tokens}, {"ignored", taken.ignored}, {"isRepeated", taken.is_repeated}});
}

Result<http::Response> get_token_usage(Call& call) {
  service::Organizations& organizations = call.services().organizations;
  LK_TRY(const auto organization, organizations.resolve(call.match.parameter("organization")));
  LK_TRY(const auto id,
         read_id<core::TokenId>(call.match.parameter("authorizationId"), "authorizationId"));
  LK_TRY(const int days, call.number("days", {1, kDaysMax, kDaysMax}));
  LK_TRY(const auto stored, call.services().usage.days(call.caller(), organization.id, id, days));
  std::map<int32_t, store::TokenDay> by_day;
  for (const store::TokenDay& day : stored) by_day[day.day] = day;
  // What this server counted and has not written yet.
  for (const gate::UsageDay& day : call.services().usage_recorder.pending(id)) {
    store::TokenDay& sum = by_day[day.day];
    sum.day = day.day;
    sum.allowed += day.allowed;
    sum.refused += day.refused;
  }
  json::array value;
  for (const auto& [number, day] : by_day) {
    const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(number))};
    value.push_back(json::object{
        {"day", format_day(date)}, {"allowed", day.allowed}, {"refused", day.refused}});
  }
  return json_response(200, {{"authorizationId", core::format_id(id)}, {"days", std::move(value)}});
}

Result<http::Response> get_usage(Call& call) {
  service::Usage& usage = call.services().usage;
  LK_TRY(const auto organization,
         call.services().organizations.resolve(call.match.parameter("organization")));
  LK_TRY(const int days, call.number("days", {1, kDaysMax, kListedDays}));
  LK_TRY(const auto sums, usage.own_sums(call.caller(), organization.id, days));
  const int32_t first = usage.first_day(days);
  json::array value;
  for (store::TokenSum sum : sums.tokens) {
    // What this server counted and has not written yet.
    for (const gate::UsageDay& day : call.services().usage_recorder.pending(sum.token)) {
      if (day.day < first) continue;
      sum.allowed += day.allowed;
      sum.refused += day.refused;
    }
    if (sum.allowed == 0 && sum.refused == 0) continue;
    value.push_back(json::object{{"authorizationId", core::format_id(sum.token)},
                                 {"allowed", sum.allowed},
                                 {"refused", sum.refused}});
  }
  return json_response(
      200, {{"days", days}, {"isComplete", sums.is_complete}, {"value", std::move(value)}});
}

constexpr Route kRoutes[] = {
    {"reportUsage", Work::store, VersionRule::none, report_usage},
    {"getUsage", Work::store, VersionRule::none, get_usage},
    {"getTokenUsage", Work::store, VersionRule::none, get_token_usage},
};

}  // namespace

std::span<const Route> usage_routes() { return kRoutes; }

}  // namespace latchkey::api
