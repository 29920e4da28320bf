// What the tests of Identity share: people with a password, sign-ins, and looks into the log.
//
// All people have one password, hashed once. Only tests include this.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "service/identity.h"
#include "service/passwords.h"
#include "service/world_for_test.h"

namespace latchkey::service {

inline constexpr std::string_view kPassword = "correct horse battery";

// Hashed once: a hash is meant to be slow.
inline const std::string& password_hash() {
  static const std::string hash = World::must(hash_password(SecretText(kPassword)));
  return hash;
}

inline RequestOrigin from(const std::string& address) { return {address, "test/1.0", "request-1"}; }
inline const RequestOrigin kHome = from("192.0.2.1");

inline SetUp set_up_request(const SecretText& code) {
  return {.code = code.clone(),
          .organization = "fabrikam",
          .email = "Ada@example.org",
          .display_name = "Ada Lovelace",
          .password = SecretText(kPassword)};
}

class IdentityTest : public ::testing::Test {
 protected:
  template <class T>
  static T must(Result<T> result) {
    return World::must(std::move(result));
  }
  // A person who has a password and may sign in.
  core::PersonId add_person(const std::string& name, bool is_operator = false) {
    const auto id = world_.add_person(name);
    must(world_.store().write([&](store::WriteTx& tx) -> Result<void> {
      LK_TRY(auto row, store::find_person(tx, id));
      row->password_hash = password_hash();
      row->person.is_operator = is_operator;
      LK_CHECK(store::update_person(tx, *row));
      const core::EventDraft draft{.action = core::Action::person_changed,
                                   .organization = std::nullopt,
                                   .actor = std::nullopt,
                                   .subjects = {}};
      LK_CHECK(tx.append(draft, {}));
      return {};
    }));
    return id;
  }
  Result<IssuedSession> sign_in(const std::string& name, std::string_view password = kPassword,
                                const RequestOrigin& origin = kHome) {
    return identity_.sign_in(name + "@example.org", SecretText(password), origin);
  }
  Actor signed_in(const std::string& name) {
    return must(identity_.authenticate_session(must(sign_in(name)).text, kHome));
  }
  bool is_live(const SecretText& text) {
    return identity_.authenticate_session(text, kHome).has_value();
  }
  std::vector<std::string> actions_after(core::Revision revision) {
    std::vector<std::string> names;
    for (const auto& event : world_.events_after(revision)) {
      names.emplace_back(core::action_name(event.draft.action));
    }
    return names;
  }
  core::Revision head() { return world_.store().head().revision; }
  std::optional<core::Role> role_of(core::OrganizationId organization, core::PersonId person) {
    std::optional<core::Membership> membership;
    World::check(world_.store().read([&](store::ReadTx& tx) -> Result<void> {
      LK_TRY(membership, store::find_membership(tx, organization, person));
      return {};
    }));
    return membership ? std::optional(membership->role) : std::nullopt;
  }

  World world_;
  Identity identity_{world_.dependencies(), IdentityOptions()};
};

}  // namespace latchkey::service
