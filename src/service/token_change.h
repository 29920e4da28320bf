// Changes of a token inside a transaction of the caller's.
//
// Each writes the row and its event together. Thread safety: as of the transaction.
// Spec: docs/spec/lifecycle-api.md.
#pragma once

#include "base/json.h"
#include "core/token.h"
#include "service/actor.h"
#include "store/store.h"

namespace latchkey::service {

// `token` revoked; one that is revoked stays as it is, without an event. `data` becomes part of the
// event's. REQUIRES: `token` is as its row says, and the caller may revoke it.
Result<core::Token> revoke_in(store::WriteTx& tx, const Actor& actor, const core::Token& token,
                              json::object data);

}  // namespace latchkey::service
