// Organizations: the first segment of every path, and what tokens are bound to.
//
// A name is letters, digits and hyphens, begins with a letter or digit, has at most 50 characters,
// is compared without case and is not a reserved word. A deleted organization can be recovered for
// 28 days; its name is free at once, so recovering may need another one. Thread safety: values and
// pure functions. Spec: docs/spec/organizations.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "core/ids.h"

namespace latchkey::core {

inline constexpr Milliseconds kRecoverWindow = std::chrono::days(28);

// Numbers are stored: do not change them.
enum class OrganizationState { active = 1, deleted = 2 };

struct Organization {
  OrganizationId id;
  std::string name;
  OrganizationState state = OrganizationState::active;
  Instant created_at;
  std::optional<Instant> deleted_at;
};

// What names are compared by.
std::string organization_key(std::string_view name);
// `field` is what the caller spells the name as. Errors: invalid_argument naming it and the rule.
Result<void> check_organization_name(std::string_view name, std::string_view field = "name");

// May `organization` be recovered at `now`? Errors: conflict (not deleted, or too long ago).
Result<void> decide_recover(const Organization& organization, Instant now);

}  // namespace latchkey::core
