// `latchkey gate check` and `gate explain` over a whole configuration, beside single documents.
//
// Both read files only; no server is asked and nothing is changed. Thread safety: one thread.
#pragma once

#include <string>

#include "app/cli.h"
#include "base/json.h"
#include "gate/guarded_routes.h"

namespace latchkey::app {

// The APIs of `file`: what is unreachable, ambiguous, without a scope or unknown.
// Errors: configuration.
Result<void> check_gate_config(const Cli& cli, const std::string& file);

// Which API and operation `method` on `url`, with its host, is, and what opens it.
// Errors: configuration; conflict (no request of this kind passes; `detail` says what is answered).
Result<void> explain_gate_config(const Cli& cli, const std::string& file, const std::string& method,
                                 const std::string& url);

// What both forms of the commands share.
json::array json_texts(const std::vector<std::string>& list);
json::array json_alternatives(const gate::GuardedOperation& operation);
void print_sentences(const std::string& title, const std::vector<std::string>& sentences);
// "vso.x, asked for by 3 operations", for scopes that the catalog does not have.
std::vector<std::string> unknown_scope_sentences(const gate::GuardedRoutes& routes);
// Why nothing matched, and what a gate answers.
Error explain_no_match(const Error& error, const std::string& method);
// "organization = contoso, id = 7"; "-" for none.
std::string format_parameters(const std::vector<gate::PathParameter>& parameters);

}  // namespace latchkey::app
