// P9: what a decision of the gate costs, by the number of routes, among a million tokens.
//
// One gate for each number of routes, all over one index, measured in turns over the same tokens;
// each decision is another token on another route. CPU time of this thread, so that what others do
// on the machine is not in it. Prints the lines of bench/README.md.
// usage: gate_bench [TOKENS] [ROUNDS] [DECISIONS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>

#include "gate/gate.h"
#include "gate/request_for_test.h"
#include "population.h"
#include "result.h"

namespace latchkey::bench {
namespace {

class Forget final : public gate::UsageSink {
 public:
  void note(const gate::Use&) noexcept override {}
};

// The route of this number: four segments, two of them parameters, fan-outs of a real API.
std::string route_path(size_t number, bool as_template) {
  const std::string area = "area" + std::to_string(number / 100);
  const std::string resource = "resource" + std::to_string(number % 100);
  return as_template ? "/{organization}/_apis/" + area + "/" + resource + "/{id}"
                     : "/org7/_apis/" + area + "/" + resource + "/item-4711";
}

// The scope that each token of the population has.
std::string common_scope(const core::ScopeCatalog& catalog) {
  for (const core::Scope& scope : catalog.scopes()) {
    if (scope.number.value == 0) return scope.identifier;
  }
  std::abort();
}

struct Case {
  Case(size_t count, const gate::GateDependencies& dependencies, const std::string& scope)
      : routes(count), gate(dependencies, {}) {
    gate::ApiSettings api;
    api.name = "bench";
    // The organization is a parameter of the path, but fixed to any: a token of each would do.
    api.organization = {gate::OrganizationSource::path_parameter, "organization"};
    for (size_t i = 0; i < count; ++i) {
      api.rules.push_back(
          {"", {"GET"}, "", route_path(i, true), "", {scope}, gate::RuleAccess::scopes});
    }
    auto table = gate::ApiTable::build(dependencies.catalog, {std::move(api)});
    if (!table) std::fprintf(stderr, "%s\n", table.error().message.c_str()), std::exit(1);
    gate.publish(*std::move(table));
  }
  size_t routes;
  gate::Gate gate;
  std::vector<double> decide_ns, full_ns;
};

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey;
  using namespace latchkey::bench;
  PopulationSize size;
  size.tokens = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  size.sampled = std::min<uint64_t>(size.tokens, 200'000);
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
  const size_t count = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 200'000;
  Population population(size);
  FakeClock clock(Instant{1'780'000'000'000});  // that tokens of the population are from
  verify::Verifier verifier(population.keys(), population.provider(), clock, {});
  if (!verifier.load(population)) return 1;
  const auto catalog = core::ScopeCatalog::built_in();
  Forget forget;
  const gate::GateDependencies dependencies{verifier, catalog, forget, clock};
  std::vector<std::unique_ptr<Case>> cases;
  for (const size_t routes : {size_t{10}, size_t{1'000}, size_t{10'000}}) {
    cases.push_back(std::make_unique<Case>(routes, dependencies, common_scope(catalog)));
  }
  for (int round = 0; round < rounds; ++round) {
    for (const auto& one : cases) {
      std::mt19937_64 random(5);
      struct Asked {
        std::string path, authorization;
      };
      std::vector<Asked> asked(count);
      for (Asked& a : asked) {
        const auto& sample = population.samples()[random() % population.samples().size()];
        a.path = route_path(random() % one->routes, false);
        a.path.replace(1, 4, population.organization_name(sample.number));
        a.authorization = "Bearer " + sample.text;
      }
      for (const bool with_headers : {false, true}) {
        size_t allowed = 0, bytes = 0;
        const double begin = thread_time();
        for (const Asked& a : asked) {
          const gate::TestRequest request("GET", a.path, "",
                                          {{"Host", "api.example.com"},
                                           {"User-Agent", "bench"},
                                           {"Accept", "*/*"},
                                           {"Authorization", a.authorization}});
          const auto decision = one->gate.decide(request, "api.example.com");
          allowed += decision.is_allowed();
          if (with_headers) bytes += one->gate.identity_headers(decision).size();
        }
        const double ns = (thread_time() - begin) / static_cast<double>(count);
        if (allowed != count)
          std::fprintf(stderr, "only %zu of %zu allowed\n", allowed, count), std::exit(1);
        (with_headers ? one->full_ns : one->decide_ns).push_back(ns);
      }
    }
    std::fprintf(stderr, "round %d:", round);
    for (const auto& one : cases) {
      std::fprintf(stderr, "  %zu routes %.0f ns, %.0f with headers", one->routes,
                   one->decide_ns.back(), one->full_ns.back());
    }
    std::fprintf(stderr, "\n");
  }
  for (const auto& one : cases) {
    const std::string routes = std::to_string(one->routes) + " routes";
    ResultLine("decision among " + routes, median(one->decide_ns), "ns").print();
    ResultLine("decision with headers among " + routes, median(one->full_ns), "ns").print();
  }
  std::vector<double> ratios;
  for (size_t i = 0; i < cases[0]->decide_ns.size(); ++i) {
    ratios.push_back(cases.back()->decide_ns[i] / cases.front()->decide_ns[i]);
  }
  ResultLine("P9 decision among 10,000 routes", median(cases.back()->decide_ns), "ns")
      .reference("among 10 routes", median(cases.front()->decide_ns))
      .ratios(ratios)
      .goal_at_most(1.3)
      .print();
  return 0;
}
