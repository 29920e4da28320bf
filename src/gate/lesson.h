// What a refusal for a missing scope teaches: the operation, the scopes that would do, a link.
//
// The same words and fields stand in the refusals of our own API and of a gate, so that who knows
// one knows the other. Nothing of it is secret, and nothing is the caller's but names that the
// operator's documents have. Thread safety: pure functions. Spec: docs/spec/refusals.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/scope_catalog.h"
#include "verify/requirement.h"

namespace latchkey::gate {

// The texts are borrowed; a Lesson lives no longer than they.
struct Lesson {
  std::string_view operation;                              // its id or name; may be empty
  const std::vector<std::string>* alternatives = nullptr;  // as of name_alternatives(); or null
  std::string_view link;                                   // as of token_page_link(); may be empty
};

// Each alternative of `required` as identifiers with a space between, at most 64 of them.
std::vector<std::string> name_alternatives(const core::ScopeCatalog& catalog,
                                           const verify::ScopeRequirement& required);

// All of the message of a 403; it names at most eight alternatives.
std::string lesson_message(const Lesson& lesson);
// For the JSON body: `,"operation":"...","scopes":["vso.code"],"tokenUrl":"..."`, each if known.
std::string lesson_fields(const Lesson& lesson);
// For the challenge (RFC 6750 section 3): every identifier once.
std::string lesson_scope(const Lesson& lesson);

}  // namespace latchkey::gate
