// People: who can sign in.
//
// A person has one login, an e-mail address, compared without ASCII case. What a person may do is
// not here but in memberships. Passwords have a length and no composition rules (NIST SP 800-63B
// section 3.1.1). Thread safety: values and pure functions. Spec: docs/spec/identity.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "core/ids.h"
#include "core/role.h"

namespace latchkey::core {

// Numbers are stored: do not change them.
enum class PersonState { active = 1, disabled = 2 };

struct Person {
  PersonId id;
  std::string email;         // as given
  std::string display_name;  //
  PersonState state = PersonState::active;
  bool is_operator = false;  // may see and change all people and organizations of this installation
  Instant created_at;
  std::optional<Instant> last_sign_in_at;
};

struct Membership {
  OrganizationId organization;
  PersonId person;
  Role role = Role::reader;
  Instant created_at;
};

// What e-mail addresses are compared by.
std::string email_key(std::string_view email);

// Checks text from outside. Errors: invalid_argument naming `email`, `displayName` or `password`.
Result<void> check_email(std::string_view email);  // at most 254 bytes, one '@', no space
Result<void> check_display_name(std::string_view display_name);  // 1 to 128 characters, no control
// At least 12 characters, at most 1,024 bytes, not in the list of common ones, not the login
// itself.
Result<void> check_password(const SecretText& password, std::string_view email);

}  // namespace latchkey::core
