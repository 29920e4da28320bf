// A small world for tests of services: a temporary store, a clock that stands, seeded randomness,
// and short words for making people, organizations and members.
//
// Rows and events are written straight into the store, past the services for people and
// organizations, so that a test of one service stands on no other. Thread safety: one thread.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "core/role.h"
#include "core/token.h"
#include "service/actor_for_tests.h"
#include "service/dependencies.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/test_store.h"

namespace latchkey::service {

// Seeded bytes, until it is told to fail, or to give every token the same text.
class FickleEntropy final : public Entropy {
 public:
  explicit FickleEntropy(uint64_t seed) : inner_(seed) {}
  Result<void> fill(std::span<uint8_t> out) override {
    if (fails) {
      std::fill(out.begin(), out.end(), uint8_t{0});
      return Error(ErrorCode::internal, "made to fail");
    }
    // What is longer than an id becomes a token's text.
    if (repeats && out.size() > 16) {
      std::fill(out.begin(), out.end(), uint8_t{7});
      return {};
    }
    return inner_.fill(out);
  }
  bool fails = false;
  bool repeats = false;

 private:
  SeededEntropy inner_;
};

class World {
 public:
  explicit World(uint64_t seed = 1) : entropy(seed) { clock.set({1'772'366'400'000}); }
  // On another engine than SQLite.
  World(uint64_t seed, store::DriverFactory engine)
      : test_store_(std::move(engine)), entropy(seed) {
    clock.set({1'772'366'400'000});
  }

  // Closes the store and opens it again, as a restart does. What dependencies() gave is stale then.
  void reopen() { test_store_.reopen(); }
  store::Store& store() { return test_store_.store(); }
  store::Fault& fault() { return test_store_.fault(); }
  const std::string& folder() const { return test_store_.folder(); }
  const Hmac& row_key() const { return test_store_.row_key(); }
  core::RowKeys& row_keys() { return test_store_.row_keys(); }
  Dependencies dependencies() {
    return {store(), clock, entropy, test_store_.log(), catalog, digest_keys, provider};
  }

  // The value of a Result that must have one.
  template <class T>
  static T must(Result<T> result) {
    if (!result) assertion_failed(result.error().message.c_str(), "must", __LINE__);
    return *std::move(result);
  }

  static void check(const Result<void>& result) {
    if (!result) assertion_failed(result.error().message.c_str(), "check", __LINE__);
  }

  core::PersonId add_person(const std::string& name) {
    const auto id = must(core::make_id<core::PersonId>(entropy));
    store::PersonRow row;
    row.person = {.id = id,
                  .email = name + "@example.org",
                  .display_name = name,
                  .created_at = clock.now(),
                  .last_sign_in_at = std::nullopt};
    write(core::Action::person_created, std::nullopt, {core::SubjectKind::person, id.uuid},
          [&](store::WriteTx& tx) { return store::insert_person(tx, row); });
    return id;
  }
  void set_person_state(core::PersonId id, core::PersonState state) {
    const auto action = state == core::PersonState::active ? core::Action::person_enabled
                                                           : core::Action::person_disabled;
    write(action, std::nullopt, {core::SubjectKind::person, id.uuid},
          [&](store::WriteTx& tx) -> Result<void> {
            LK_TRY(auto row, store::find_person(tx, id));
            row->person.state = state;
            return store::update_person(tx, *row);
          });
  }
  core::OrganizationId add_organization(const std::string& name) {
    core::Organization organization;
    organization.id = must(core::make_id<core::OrganizationId>(entropy));
    organization.name = name;
    organization.created_at = clock.now();
    write(core::Action::organization_created, organization.id,
          {core::SubjectKind::organization, organization.id.uuid},
          [&](store::WriteTx& tx) { return store::insert_organization(tx, organization); });
    return organization.id;
  }
  void delete_organization(core::OrganizationId id) {
    write(core::Action::organization_deleted, id, {core::SubjectKind::organization, id.uuid},
          [&](store::WriteTx& tx) -> Result<void> {
            LK_TRY(auto organization, store::find_organization(tx, id));
            organization->state = core::OrganizationState::deleted;
            organization->deleted_at = tx.now();
            return store::update_organization(tx, *organization);
          });
  }
  void set_role(core::OrganizationId organization, core::PersonId person, core::Role role) {
    write(core::Action::member_role_changed, organization,
          {core::SubjectKind::membership, person.uuid}, [&](store::WriteTx& tx) {
            return store::upsert_membership(tx, {organization, person, role, clock.now()});
          });
  }
  void remove_member(core::OrganizationId organization, core::PersonId person) {
    write(core::Action::member_removed, organization, {core::SubjectKind::membership, person.uuid},
          [&](store::WriteTx& tx) { return store::delete_membership(tx, organization, person); });
  }
  // A signed-in person who is a member.
  Actor member(core::OrganizationId organization, const std::string& name, core::Role role) {
    const auto person = add_person(name);
    set_role(organization, person, role);
    return ActorForTests::session(person);
  }
  std::vector<core::Event> events_after(core::Revision revision) {
    std::vector<core::Event> all;
    while (true) {
      auto page = must(store().events(revision, 500, Milliseconds(0)));
      if (page.empty()) return all;
      revision = page.back().revision;
      for (core::Event& event : page) all.push_back(std::move(event));
    }
  }

 private:
  store::TestStore test_store_;

 public:
  FakeClock& clock = test_store_.clock();  // 2026-03-01T12:00:00Z
  FickleEntropy entropy;
  const core::ScopeCatalog& catalog = built_in_catalog();
  core::DigestKeys digest_keys = make_digest_keys();
  const core::ProviderSignature provider = core::ProviderSignature::standard();

 private:
  // Parsed once for all tests of a program.
  static const core::ScopeCatalog& built_in_catalog() {
    static const core::ScopeCatalog catalog = core::ScopeCatalog::built_in();
    return catalog;
  }
  static core::DigestKeys make_digest_keys() {
    std::vector<std::pair<core::DigestKeyId, Hmac>> keys;
    std::array<uint8_t, SecretKey::kSizeBytes> bytes;
    bytes.fill(2);
    const core::DigestKeyId current{{'A', 'B'}};
    keys.emplace_back(current, Hmac(SecretKey(bytes)));
    return core::DigestKeys(std::move(keys), current);
  }
  void write(core::Action action, std::optional<core::OrganizationId> organization,
             core::Subject subject, const store::WriteBody& body) {
    must(store().write([&](store::WriteTx& tx) -> Result<void> {
      LK_CHECK(body(tx));
      const core::EventDraft draft{.action = action,
                                   .organization = organization,
                                   .actor = std::nullopt,
                                   .subjects = {subject},
                                   .data = "{}"};
      LK_CHECK(tx.append(draft, {}));
      return {};
    }));
  }
};

}  // namespace latchkey::service
