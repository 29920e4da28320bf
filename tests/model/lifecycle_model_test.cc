// Thousands of random steps in the life of tokens, against a plain map that says what must happen.
//
// The seed is printed; LATCHKEY_SEED repeats a run and LATCHKEY_STEPS sets its length. The model
// knows the rules of docs/spec/lifecycle-api.md in plain words, and nothing of rows or events.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "base/text.h"
#include "core/token_text.h"
#include "postgres_engine.h"
#include "service/tokens.h"
#include "service/world_for_test.h"
#include "store/sqlite_driver.h"

namespace latchkey::service {
namespace {

using core::Role;
using store::TokenFilter;
using store::TokenSort;

constexpr Milliseconds kDay = std::chrono::days(1);
constexpr int kPeople = 4;
constexpr int kOrganizations = 2;

struct ModelToken {
  int owner = 0;
  int organization = 0;
  std::string name;
  std::string scope;
  Instant valid_from;
  Instant valid_to;
  bool revoked = false;
  uint64_t generation = 1;
  Digest digest{};

  bool expired(Instant now) const { return now >= valid_to; }
};

struct ModelPerson {
  core::PersonId id;
  bool disabled = false;
  std::map<int, Role> roles;  // by organization
};

// What a step asks for, and what the rules say of it alone.
struct AskedName {
  std::string given;
  std::string kept;
  std::optional<ErrorCode> refused;
};
struct AskedScope {
  std::string given;
  std::string kept;
  bool refused = false;
};
struct AskedExpiry {
  std::optional<Instant> given;
  bool refused = false;
};

uint64_t number_of(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class LifecycleModel : public testing::Test {
 protected:
  LifecycleModel()
      : LifecycleModel([](const std::string& folder) {
          return store::open_sqlite(folder + "/latchkey.db", store::SqliteAccess::exclusive);
        }) {}
  explicit LifecycleModel(store::DriverFactory engine)
      : seed_(number_of("LATCHKEY_SEED", std::random_device()())),
        random_(seed_),
        world_(seed_, std::move(engine)) {
    for (int i = 0; i < kPeople; ++i) {
      people_.push_back({world_.add_person("person" + std::to_string(i)), false, {}});
    }
    for (int i = 0; i < kOrganizations; ++i) {
      organizations_.push_back(world_.add_organization("organization" + std::to_string(i)));
    }
    for (int i = 0; i < kPeople; ++i) set_role(i, i % kOrganizations, Role::member);
  }

  int pick(int count) { return std::uniform_int_distribution<int>(0, count - 1)(random_); }
  bool chance(int percent) { return pick(100) < percent; }
  Instant now() { return world_.clock.now(); }
  Tokens tokens() { return Tokens(world_.dependencies()); }
  Actor actor(int person) {
    return ActorForTests::session(people_[static_cast<size_t>(person)].id);
  }
  core::OrganizationId organization(int index) {
    return organizations_[static_cast<size_t>(index)];
  }

  AskedName pick_name() {
    if (chance(5)) return {"  ", "", ErrorCode::pat_display_name_required};
    if (chance(5)) return {"line\nbreak", "", ErrorCode::pat_invalid_display_name};
    const std::string name = std::string(1, static_cast<char>('a' + pick(26))) +
                             (chance(50) ? " Build " : " deploy ") + std::to_string(pick(50));
    return {chance(20) ? " " + name + " " : name, name, std::nullopt};
  }
  AskedScope pick_scope() {
    static const std::vector<AskedScope> kScopes = {
        {"vso.project", "vso.project", false},
        {"app_token", "app_token", false},
        {"vso.code vso.build", "vso.build vso.code", false},  // kept in the catalog's order
        {"vso.nothing", "", true},
        {"vso.code app_token", "", true},
        {"", "", true},
    };
    return kScopes[static_cast<size_t>(chance(80) ? pick(3) : 3 + pick(3))];
  }
  AskedExpiry pick_expiry() {
    if (chance(30)) return {std::nullopt, false};
    if (chance(10)) return {now() - Milliseconds(pick(2)), true};
    if (chance(10)) return {now() + 368 * kDay, true};
    return {now() + pick(364) * kDay + Milliseconds(1), false};
  }

  // Some token that was made, or one that never was.
  core::TokenId pick_token() {
    if (model_.empty() || chance(3)) return core::TokenId{Uuid{{static_cast<uint8_t>(pick(256))}}};
    auto found = model_.begin();
    std::advance(found, pick(static_cast<int>(model_.size())));
    return found->first;
  }

  // Why `person` may do nothing with tokens in `where`, if so.
  std::optional<ErrorCode> refused_there(int person, int where) {
    const ModelPerson& who = people_[static_cast<size_t>(person)];
    if (who.disabled || !who.roles.contains(where)) return ErrorCode::organization_unknown;
    return std::nullopt;
  }
  // The same with their own token `id`.
  std::optional<ErrorCode> refused_with(int person, int where, core::TokenId id) {
    if (const auto refused = refused_there(person, where)) return refused;
    const auto found = model_.find(id);
    if (found == model_.end() || found->second.owner != person ||
        found->second.organization != where) {
      return ErrorCode::pat_authorization_not_found;
    }
    return std::nullopt;
  }
  std::optional<ErrorCode> refused_as_unchangeable(const ModelToken& token) {
    if (token.revoked) return ErrorCode::pat_failed_to_update;
    if (token.expired(now())) return ErrorCode::pat_expired_cannot_be_extended;
    return std::nullopt;
  }

  // Checks that `result` is what the model `expects`, and that the log grew by `events`.
  template <class T>
  bool agrees(const Result<T>& result, std::optional<ErrorCode> expects, uint64_t events) {
    const uint64_t grew = world_.store().head().revision.number - revision_;
    revision_ += grew;
    if (expects) {
      EXPECT_FALSE(result) << "should be " << error_name(*expects);
      if (!result) {
        EXPECT_EQ(error_name(result.error().code), error_name(*expects));
      }
      EXPECT_EQ(grew, 0u);
      return false;
    }
    if (!result) ADD_FAILURE() << error_name(result.error().code) << result.error().message;
    EXPECT_EQ(grew, events);
    return result.has_value();
  }
  void expect_same(const core::Token& token, const ModelToken& model) {
    EXPECT_EQ(token.owner, people_[static_cast<size_t>(model.owner)].id);
    EXPECT_EQ(token.organization, organization(model.organization));
    EXPECT_EQ(token.display_name, model.name);
    EXPECT_EQ(token.scope, model.scope);
    EXPECT_EQ(token.valid_from, model.valid_from);
    EXPECT_EQ(token.valid_to, model.valid_to);
    EXPECT_EQ(token.state == core::TokenState::revoked, model.revoked);
    EXPECT_EQ(token.generation, model.generation);
    EXPECT_EQ(token.digest, model.digest);
  }
  // The digest that `issued` must be found by; no text is ever given twice.
  Digest digest_of(const IssuedToken& issued) {
    const auto text = issued.text.reveal(RevealSecret{});
    EXPECT_TRUE(core::parse_token(world_.provider, text));
    const Digest digest = *world_.digest_keys.digest_of(world_.digest_keys.current_id(), text);
    EXPECT_TRUE(digests_.insert(digest).second);
    return digest;
  }

  void create() {
    const int person = pick(kPeople);
    const int where = pick(kOrganizations);
    const auto name = pick_name();
    const auto scope = pick_scope();
    const auto expiry = pick_expiry();
    const bool all = chance(3);
    auto expects = refused_there(person, where);
    if (!expects) expects = name.refused;
    if (!expects && scope.refused) expects = ErrorCode::pat_invalid_scope;
    if (!expects && expiry.refused) expects = ErrorCode::pat_invalid_valid_to;
    if (!expects && all) expects = ErrorCode::pat_global_blocked;
    const auto result = tokens().create(actor(person), organization(where),
                                        {name.given, scope.given, expiry.given, all});
    if (!agrees(result, expects, 1)) return;
    ModelToken model{person,     where, name.kept,
                     scope.kept, now(), expiry.given.value_or(now() + 30 * kDay)};
    model.digest = digest_of(result->value);
    expect_same(result->value.token, model);
    EXPECT_TRUE(model_.emplace(result->value.token.id, model).second);
  }

  void update() {
    const auto id = pick_token();
    const int person = pick_person_for(id);
    const int where = pick_organization_for(id);
    core::UpdateToken change;
    auto expects = refused_with(person, where, id);
    ModelToken after;
    if (!expects) {
      after = model_.at(id);
      expects = refused_as_unchangeable(after);
    }
    if (chance(60)) {
      const auto name = pick_name();
      change.display_name = name.given;
      after.name = name.kept;
      if (!expects) expects = name.refused;
    }
    if (chance(40)) {
      const auto scope = pick_scope();
      change.scope = scope.given;
      after.scope = scope.kept;
      if (!expects && scope.refused) expects = ErrorCode::pat_invalid_scope;
    }
    if (const auto expiry = pick_expiry(); expiry.given && chance(40)) {
      change.valid_to = expiry.given;
      after.valid_to = *expiry.given;
      if (!expects && expiry.refused) expects = ErrorCode::pat_invalid_valid_to;
    }
    uint64_t events = 0;
    if (!expects) {
      const ModelToken& before = model_.at(id);
      events = before.name != after.name || before.scope != after.scope ||
               before.valid_to != after.valid_to;
    }
    const auto result = tokens().update(actor(person), organization(where), id, change);
    if (!agrees(result, expects, events)) return;
    model_.at(id) = after;
    expect_same(result->value, after);
  }

  void regenerate() {
    const auto id = pick_token();
    const int person = pick_person_for(id);
    const int where = pick_organization_for(id);
    const auto expiry = pick_expiry();
    auto expects = refused_with(person, where, id);
    if (!expects) expects = refused_as_unchangeable(model_.at(id));
    if (!expects && expiry.refused) expects = ErrorCode::pat_invalid_valid_to;
    const auto result = tokens().regenerate(actor(person), organization(where), id, expiry.given);
    if (!agrees(result, expects, 1)) return;
    ModelToken& model = model_.at(id);
    model.valid_to = expiry.given.value_or(model.valid_to);
    ++model.generation;
    model.digest = digest_of(result->value);
    expect_same(result->value.token, model);
  }

  void revoke() {
    const auto id = pick_token();
    const int person = pick_person_for(id);
    const int where = pick_organization_for(id);
    const auto expects = refused_with(person, where, id);
    const uint64_t events = expects || model_.at(id).revoked ? 0 : 1;
    const auto result = tokens().revoke(actor(person), organization(where), id);
    if (!agrees(result, expects, events)) return;
    model_.at(id).revoked = true;
    expect_same(result->value, model_.at(id));
  }

  void revoke_as_administrator() {
    const auto id = pick_token();
    const int person = pick(kPeople);
    const int where = pick_organization_for(id);
    auto expects = refused_there(person, where);
    if (!expects && people_[static_cast<size_t>(person)].roles.at(where) < Role::administrator) {
      expects = ErrorCode::permission_denied;
    }
    const auto found = model_.find(id);
    if (!expects && (found == model_.end() || found->second.organization != where)) {
      expects = ErrorCode::pat_authorization_not_found;
    }
    const uint64_t events = expects || found->second.revoked ? 0 : 1;
    const auto result = tokens().revoke_as_administrator(actor(person), organization(where), id);
    if (!agrees(result, expects, events)) return;
    found->second.revoked = true;
    expect_same(result->value, found->second);
  }

  // Mostly whose it is and where, so that most steps do something.
  int pick_person_for(core::TokenId id) {
    const auto found = model_.find(id);
    return found == model_.end() || chance(10) ? pick(kPeople) : found->second.owner;
  }
  int pick_organization_for(core::TokenId id) {
    const auto found = model_.find(id);
    return found == model_.end() || chance(10) ? pick(kOrganizations) : found->second.organization;
  }

  bool passes(const ModelToken& token, TokenFilter filter) {
    switch (filter) {
      case TokenFilter::active: return !token.revoked && !token.expired(now());
      case TokenFilter::revoked: return token.revoked;
      case TokenFilter::expired: return !token.revoked && token.expired(now());
      case TokenFilter::all: return true;
    }
    return false;
  }

  // All pages of a list hold exactly the tokens of the model, each once, in order.
  void list() {
    const int person = pick(kPeople);
    const int where = pick(kOrganizations);
    TokenListQuery query;
    query.filter = static_cast<TokenFilter>(pick(4));
    query.sort = static_cast<TokenSort>(pick(5));
    query.direction = static_cast<store::SortDirection>(pick(2));
    query.search = chance(30) ? "BUILD" : "";
    query.top = chance(50) ? 1 + pick(7) : 100;
    const auto expects = refused_there(person, where);
    std::set<core::TokenId> wanted;
    for (const auto& [id, token] : model_) {
      const bool named = query.search.empty() || token.name.find("Build") != std::string::npos;
      if (!expects && token.owner == person && token.organization == where && named &&
          passes(token, query.filter)) {
        wanted.insert(id);
      }
    }
    std::vector<core::TokenId> listed;
    while (true) {
      const auto result = tokens().list(actor(person), organization(where), query);
      if (!agrees(result, expects, 0)) return;
      EXPECT_LE(result->rows.size(), static_cast<size_t>(query.top));
      for (const auto& row : result->rows) listed.push_back(row.token.id);
      query.continuation_token = result->continuation_token;
      if (query.continuation_token.empty() || listed.size() > model_.size()) break;
    }
    EXPECT_EQ(listed.size(), wanted.size());
    EXPECT_EQ(std::set<core::TokenId>(listed.begin(), listed.end()), wanted);
    expect_order(listed, query);
  }
  void expect_order(const std::vector<core::TokenId>& listed, const TokenListQuery& query) {
    for (size_t i = 1; i < listed.size(); ++i) {
      const ModelToken* first = &model_.at(listed[i - 1]);
      const ModelToken* second = &model_.at(listed[i]);
      if (query.direction == store::SortDirection::descending) std::swap(first, second);
      switch (query.sort) {
        case TokenSort::display_name:
          EXPECT_LE(ascii_lower(first->name), ascii_lower(second->name));
          break;
        case TokenSort::created: EXPECT_LE(first->valid_from, second->valid_from); break;
        case TokenSort::expires: EXPECT_LE(first->valid_to, second->valid_to); break;
        case TokenSort::status:
        case TokenSort::last_used: break;  // ties but for the id; the contract suite has them
      }
    }
  }

  void set_role(int person, int where, Role role) {
    world_.set_role(organization(where), people_[static_cast<size_t>(person)].id, role);
    people_[static_cast<size_t>(person)].roles[where] = role;
  }
  void change_people() {
    const int person = pick(kPeople);
    ModelPerson& who = people_[static_cast<size_t>(person)];
    const int where = pick(kOrganizations);
    if (chance(25)) {
      who.disabled = !who.disabled && chance(50);
      world_.set_person_state(
          who.id, who.disabled ? core::PersonState::disabled : core::PersonState::active);
    } else if (chance(20)) {
      world_.remove_member(organization(where), who.id);
      who.roles.erase(where);
    } else {
      set_role(person, where, static_cast<Role>(1 + pick(4)));
    }
    revision_ = world_.store().head().revision.number;
  }

  void step() {
    const int choice = pick(100);
    if (choice < 25)
      create();
    else if (choice < 42)
      update();
    else if (choice < 56)
      regenerate();
    else if (choice < 66)
      revoke();
    else if (choice < 70)
      revoke_as_administrator();
    else if (choice < 86)
      list();
    else if (choice < 92)
      world_.clock.advance(Milliseconds(pick(20 * 86'400'000)));
    else if (choice < 99)
      change_people();
    else
      world_.reopen();
  }

  // Every row is the model's, with its MAC.
  void expect_same_rows() {
    size_t rows = 0;
    World::check(world_.store().read([&](store::ReadTx& tx) -> Result<void> {
      rows = 0;
      return store::for_each_token(tx, [&](const store::TokenRow& row) -> Result<void> {
        ++rows;
        EXPECT_TRUE(model_.contains(row.token.id));
        if (model_.contains(row.token.id)) expect_same(row.token, model_.at(row.token.id));
        EXPECT_EQ(row.mac, core::token_row_mac(world_.row_key(), row.token));
        return {};
      });
    }));
    EXPECT_EQ(rows, model_.size());
  }
  void expect_whole_log() {
    const auto events = world_.events_after({0});
    for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].revision.number, i + 1);
    EXPECT_EQ(events.size(), world_.store().head().revision.number);
    const auto report = store::verify_audit(world_.store(), {});
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(report->events, events.size());
    EXPECT_EQ(report->tokens, model_.size());
  }
  // Random steps, with the rows compared now and then, and the whole log at the end.
  void run(uint64_t steps);

  const uint64_t seed_;
  std::mt19937_64 random_;
  World world_;
  std::vector<ModelPerson> people_;
  std::vector<core::OrganizationId> organizations_;
  std::map<core::TokenId, ModelToken> model_;
  std::set<Digest> digests_;
  uint64_t revision_ = 0;
};

void LifecycleModel::run(uint64_t steps) {
  std::cout << "LATCHKEY_SEED=" << seed_ << "\n";
  revision_ = world_.store().head().revision.number;
  for (uint64_t i = 0; i < steps; ++i) {
    step();
    if (i % 500 == 0) expect_same_rows();
    if (HasFailure()) FAIL() << "at step " << i << " of LATCHKEY_SEED=" << seed_;
  }
  expect_same_rows();
  expect_whole_log();
  EXPECT_GT(model_.size(), steps / 20);
}

TEST_F(LifecycleModel, RandomStepsDoWhatThePlainMapSays) {
  run(number_of("LATCHKEY_STEPS", 4'000));
}

class LifecycleModelOnPostgres : public LifecycleModel {
 protected:
  LifecycleModelOnPostgres()
      : LifecycleModel([](const std::string& folder) { return store::open_postgres_in(folder); }) {}
};

TEST_F(LifecycleModelOnPostgres, RandomStepsDoWhatThePlainMapSays) {
  run(number_of("LATCHKEY_STEPS", 800));
}

}  // namespace
}  // namespace latchkey::service
