// The address of the tokens page where a new token is prepared that would open an operation.
//
// A link carries a name and scopes, never a secret, and makes nothing by itself: the page shows
// what it asks for, and a person presses the button. What it asks for is the least that would do,
// and never full access. Thread safety: pure functions. Spec: docs/spec/refusals.md.
#pragma once

#include <string>
#include <string_view>

#include "core/scope_catalog.h"
#include "verify/requirement.h"

namespace latchkey::gate {

inline constexpr size_t kTokenLinkBytesMax = 1000;

// Of the alternatives that a token can be given on the tokens page the one that allows least, as
// identifiers with a space between; empty when there is none, or any good token would do.
std::string least_scopes(const core::ScopeCatalog& catalog,
                         const verify::ScopeRequirement& required);

struct TokenWish {
  std::string_view organization;  // its name
  std::string_view scopes;        // as of least_scopes()
  std::string_view name;          // of the token; what a name cannot have is left out
};
// "https://tokens.example.com/fabrikam/_usersSettings/tokens?new=1&scopes=vso.code&name=git". Empty
// without an address, an organization or scopes, and when it would be longer than
// kTokenLinkBytesMax. REQUIRES: `public_url` has no slash at its end.
std::string token_page_link(std::string_view public_url, const TokenWish& wish);

}  // namespace latchkey::gate
