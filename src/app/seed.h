// Tokens that nobody made: a realistic store for measuring, written by the store's own code.
//
// Organizations and people of skewed sizes, tokens of many scopes and expiries, some of them
// expired, edited, regenerated or revoked. Every row and event is what a server would have left, so
// `audit verify` holds, and each token's text works while it is printed to nobody but the sample.
// For test machines. Thread safety: one thread. Documented in docs/operating/measuring.md.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "app/keys.h"
#include "base/json.h"
#include "core/event.h"
#include "core/lifecycle.h"
#include "core/organization.h"
#include "core/role.h"
#include "store/group_writer.h"

namespace latchkey::app {

struct SeedSize {
  uint64_t tokens = 0;
  uint64_t people = 0;         // at least as many as organizations
  uint64_t organizations = 0;  // at least 1
  uint64_t sample = 0;         // how many texts are given to the sink
};

struct SeedDependencies {
  store::Driver& driver;  // of a store that is open nowhere else
  const Keys& keys;
  const core::ScopeCatalog& catalog;
  const core::ProviderSignature& provider;
  Entropy& entropy;
  Log& log;
  Instant begin;  // the first event's time
  Instant now;    // the last one's
};

struct SeedReport {
  SeedSize made;
  uint64_t revoked = 0;
  uint64_t regenerated = 0;
  uint64_t edited = 0;
  uint64_t expired = 0;  // of those that are not revoked
  uint64_t events = 0;
};

class Seeder {
 public:
  // A token that works, and the organization that it works in.
  using Sample = std::function<Result<void>(const SecretText& text, const std::string& name)>;
  using Progress = std::function<void(uint64_t done, uint64_t total)>;

  Seeder(const SeedDependencies& dependencies, const SeedSize& size);

  // Writes everything, in transactions of its own. REQUIRES: called once.
  // Errors: those of the store and of `on_sample`; what was committed before stays.
  Result<SeedReport> run(const store::LogHead& head, const Progress& on_progress,
                         const Sample& on_sample);

 private:
  struct Person {
    core::PersonId id;
    uint32_t organization = 0;  // number of the one that it is in
  };
  struct Organization {
    core::OrganizationId id;
    std::string name;
  };
  // A token that something is done to later.
  struct Pending {
    uint64_t due = 0;
    core::Action action = core::Action::token_revoked;
    core::Token token;
  };

  uint64_t below(uint64_t bound);
  // A number below `bound`; small ones are likelier, the more so the larger `skew`.
  uint64_t skewed_below(uint64_t bound, int skew);
  void make_scopes();
  Result<void> add_organizations();
  Result<void> add_people();
  void add_person(uint64_t number, core::Role role);
  Result<void> add_token(uint64_t number, const Sample& on_sample);
  Result<void> change_token(Pending pending);
  Result<void> append(store::WriteTx& tx, core::EventDraft draft, std::string names) const;
  core::EventDraft draft_of(core::Action action, const core::Token& token, json::object data) const;
  // Adds a change to the transaction that is being gathered.
  Result<void> add(store::WriteBody body);
  // Commits what was gathered.
  Result<void> commit();

  const SeedDependencies dependencies_;
  const SeedSize size_;
  FakeClock clock_;
  store::GroupWriter writer_;
  store::LogHead head_;
  uint64_t random_ = 1;
  const std::string run_;  // in names, so that a second run adds others
  std::vector<Organization> organizations_;
  std::vector<Person> people_;
  std::vector<std::string> scopes_;
  std::vector<store::WriteBody> bodies_;
  std::deque<Pending> pending_;
  SeedReport report_;
};

}  // namespace latchkey::app
