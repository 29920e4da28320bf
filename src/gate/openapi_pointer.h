// Members of an API description, and references within it.
//
// A reference ("$ref": "#/components/parameters/Id") is a JSON pointer into the same document (RFC
// 6901); nothing outside it is ever fetched. A chain of references is followed a bounded number of
// steps, so a cycle is an error. Thread safety: pure functions.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace latchkey::gate {

// The object called `name` in `object`; null when it is absent or something else.
const json::object* find_object(const json::object& object, std::string_view name);
// The text called `name` in `object`; empty when it is absent or something else.
std::string_view find_text(const json::object& object, std::string_view name);

// `object` itself, or what its `$ref` names in `document`; null when that is not there, is no
// object, or lies outside the document.
// Errors: configuration (the chain of references is longer than 16, or a cycle).
Result<const json::object*> follow_reference(const json::object& document,
                                             const json::object& object);

}  // namespace latchkey::gate
