// P10: a page of 100 of a person's tokens, out of 100,000 and out of 100, in turns.
//
// Through service::Tokens on SQLite: permission, query, MACs of the rows and the continuation. Each
// sort order is measured, the first page and, of the many, one from the middle; P10 is the worst of
// them. CPU time of this thread. Prints the lines of bench/README.md.
// usage: list_page [TOKENS] [ROUNDS]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "result.h"
#include "service/tokens.h"
#include "service/world_for_test.h"
#include "store/token_rows.h"

namespace latchkey::bench {
namespace {

constexpr int kPage = 100;
constexpr int kPagesARound = 50;
constexpr size_t kBatch = 1'000;

using service::World;
using store::TokenSort;

constexpr std::pair<TokenSort, const char*> kSorts[] = {{TokenSort::created, "creation"},
                                                        {TokenSort::display_name, "name"},
                                                        {TokenSort::expires, "expiry"},
                                                        {TokenSort::status, "status"},
                                                        {TokenSort::last_used, "last use"}};

// Rows as a person of many pipelines has them; one change for a batch of them.
void add_tokens(World& world, core::OrganizationId organization, core::PersonId owner,
                size_t count) {
  for (size_t done = 0; done < count;) {
    const auto written = world.store().write([&](store::WriteTx& tx) -> Result<void> {
      for (size_t i = 0; i < kBatch && done < count; ++i, ++done) {
        core::Token token;
        LK_TRY(token.id, core::make_id<core::TokenId>(world.entropy));
        LK_CHECK(world.entropy.fill(token.digest));
        token.organization = organization;
        token.owner = owner;
        token.display_name = "pipeline " + std::to_string(done * 7919 % count) + " on main";
        token.scope = "vso.code vso.project";
        token.valid_from = world.clock.now() - Milliseconds(static_cast<int64_t>(done) * 60'000);
        token.valid_to = world.clock.now() + std::chrono::days(1 + done * 31 % 365);
        LK_CHECK(store::insert_token(tx, token, core::token_row_mac(world.row_key(), token)));
      }
      core::EventDraft draft;
      draft.organization = organization;
      draft.actor = owner;
      LK_CHECK(tx.append(draft, {}));
      return {};
    });
    World::check(written ? Result<void>{} : written.error());
  }
}

struct Person {
  service::Actor actor;
  std::string continuation;  // of the page to measure; empty: the first
};

struct Lists {
  service::Tokens& tokens;
  core::OrganizationId organization;

  service::TokenList page(const Person& person, TokenSort sort) const {
    service::TokenListQuery query;
    query.sort = sort;
    query.continuation_token = person.continuation;
    return World::must(tokens.list(person.actor, organization, query));
  }
  // Microseconds of CPU a page.
  double time(const Person& person, TokenSort sort) const {
    const double begin = thread_time();
    for (int i = 0; i < kPagesARound; ++i) {
      if (page(person, sort).rows.size() != kPage) std::abort();
    }
    return (thread_time() - begin) / 1e3 / kPagesARound;
  }
  // Goes on to the page that stands at the middle of `count` tokens.
  void go_to_middle(Person& person, TokenSort sort, size_t count) const {
    for (size_t i = 0; i < count / kPage / 2; ++i) {
      person.continuation = page(person, sort).continuation_token;
    }
  }
};

struct Measured {
  std::string name;
  std::vector<double> many, few, ratios;
};

// `many` and `few`: at the page to measure.
Measured measure(const Lists& lists, TokenSort sort, const Person& many, const Person& few,
                 int rounds) {
  Measured measured;
  for (int round = 0; round < rounds; ++round) {
    measured.few.push_back(lists.time(few, sort));
    measured.many.push_back(lists.time(many, sort));
    measured.ratios.push_back(measured.many.back() / measured.few.back());
  }
  return measured;
}

ResultLine line(const std::string& name, const Measured& measured) {
  ResultLine made(name, median(measured.many), "us CPU/page");
  made.reference("the same out of 100 tokens", median(measured.few)).ratios(measured.ratios);
  return made;
}

int run(size_t count, int rounds) {
  World world;
  const auto organization = world.add_organization("contoso");
  const auto add_member = [&](const std::string& name, size_t tokens) {
    const auto id = world.add_person(name);
    world.set_role(organization, id, core::Role::member);
    add_tokens(world, organization, id, tokens);
    return Person{service::ActorForTests::session(id), ""};
  };
  const Person many = add_member("many", count), few = add_member("few", kPage);
  service::Tokens tokens(world.dependencies());
  const Lists lists{tokens, organization};
  std::vector<Measured> all;
  for (const auto& [sort, sort_name] : kSorts) {
    for (const bool is_middle : {false, true}) {
      Person at = many;
      if (is_middle) lists.go_to_middle(at, sort, count);
      all.push_back(measure(lists, sort, at, few, rounds));
      all.back().name = std::string("list page by ") + sort_name +
                        (is_middle ? ", from the middle" : ", the first");
      line(all.back().name, all.back()).print();
    }
  }
  const auto worst = std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return median(a.ratios) < median(b.ratios);
  });
  line("P10 list page of 100, the worst order", *worst)
      .goal_at_most(2)
      .text("note", worst->name + ", out of " + std::to_string(count))
      .print();
  return 0;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 7;
  if (count < 100 || rounds <= 0) return 2;
  return latchkey::bench::run(count, rounds);
}
