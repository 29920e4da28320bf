#include "gate/route_report.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "gate/path.h"

namespace latchkey::gate {
namespace {

constexpr size_t kPairsMax = 10'000'000;
constexpr size_t kSentencesMax = 1'000;

// A template and the methods that it has.
struct Route {
  const std::string* path;
  std::vector<TemplateSegment> segments;
  std::set<std::string> methods;

  bool has(const std::string& method) const {
    return methods.contains(method) || methods.contains("*") ||
           (method == "HEAD" && methods.contains("GET"));
  }
};

// Whether some segment matches both; two mixed ones are taken to have one.
bool can_meet(const TemplateSegment& a, const TemplateSegment& b) {
  if (a.kind > b.kind) return can_meet(b, a);
  if (b.kind == SegmentKind::parameter || b.kind == SegmentKind::rest) return true;
  if (a.kind == SegmentKind::mixed) return true;
  if (b.kind == SegmentKind::mixed) return b.match_mixed(a.text).has_value();
  return ascii_equal_ignoring_case(a.text, b.text);
}

enum class Order { apart, first_wins, second_wins, crossed };

Order compare(const Route& a, const Route& b) {
  bool first = false, second = false;
  // Of different lengths the shorter one ends in a rest, which meets what is left.
  const size_t length = std::min(a.segments.size(), b.segments.size());
  for (size_t i = 0; i < length; ++i) {
    if (!can_meet(a.segments[i], b.segments[i])) return Order::apart;
    first = first || a.segments[i].kind < b.segments[i].kind;
    second = second || b.segments[i].kind < a.segments[i].kind;
  }
  if (first && second) return Order::crossed;
  return first ? Order::first_wins : second ? Order::second_wins : Order::apart;
}

void add(RouteReport& report, std::vector<std::string>& sentences, std::string sentence) {
  if (sentences.size() == kSentencesMax) {
    report.is_complete = false;
  } else {
    sentences.push_back(std::move(sentence));
  }
}

void compare_pair(const Route& a, const Route& b, RouteReport& report) {
  const Order order = compare(a, b);
  if (order == Order::apart) return;
  if (order == Order::crossed) {
    add(report, report.ambiguous,
        *a.path + " and " + *b.path + " can be one path; the first difference decides");
    return;
  }
  const Route& winner = order == Order::first_wins ? a : b;
  const Route& loser = order == Order::first_wins ? b : a;
  for (const std::string& method : loser.methods) {
    if (winner.has(method)) continue;
    add(report, report.hidden,
        method + " " + *loser.path + " is not reached at " + *winner.path + ", which has no " +
            method);
  }
}

}  // namespace

RouteReport report_routes(const std::vector<GuardedOperation>& operations) {
  RouteReport report;
  report.operations = operations.size();
  std::map<std::string, Route> routes;
  for (const GuardedOperation& guarded : operations) {
    const Operation& operation = guarded.operation;
    report.open += guarded.is_open ? 1 : 0;
    const bool any = std::any_of(guarded.alternatives.begin(), guarded.alternatives.end(),
                                 [](const auto& names) { return names.empty(); });
    if (any && !guarded.is_open)
      report.any_token.push_back(operation.method + " " + operation.path);
    auto segments = parse_template(operation.path);
    if (!segments) continue;  // build() has refused it
    std::string key = template_key(*segments);
    Route& route = routes[std::move(key)];
    route.path = &operation.path;
    route.segments = *std::move(segments);
    route.methods.insert(operation.method);
  }
  std::map<size_t, std::vector<const Route*>> by_length;
  for (const auto& [key, route] : routes) by_length[route.segments.size()].push_back(&route);
  size_t pairs = 0;
  for (const auto& [length, group] : by_length) {
    for (size_t i = 0; i < group.size(); ++i) {
      for (size_t j = i + 1; j < group.size() && pairs < kPairsMax; ++j, ++pairs) {
        compare_pair(*group[i], *group[j], report);
      }
    }
  }
  for (const auto& [length, group] : by_length) {
    for (const Route* route : group) {
      if (route->segments.empty() || route->segments.back().kind != SegmentKind::rest) continue;
      for (auto longer = by_length.upper_bound(length); longer != by_length.end(); ++longer) {
        for (const Route* other : longer->second) {
          if (pairs++ < kPairsMax) compare_pair(*route, *other, report);
        }
      }
    }
  }
  report.is_complete = report.is_complete && pairs < kPairsMax;
  return report;
}

}  // namespace latchkey::gate
