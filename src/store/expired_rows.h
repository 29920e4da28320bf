// Deletes rows that are over: links that nobody can use, mails that nobody needs to read.
//
// Each call deletes at most `limit` rows, so that no write is long. Thread safety: as of the
// transaction. Spec: docs/spec/store.md, S31.
#pragma once

#include "store/store.h"

namespace latchkey::store {

// Cost: reads all links.
Result<void> delete_links_expired_before(WriteTx& tx, Instant instant, int limit);
// Of the `limit` mails of the oldest events those made before `instant`, sent or not.
Result<void> delete_mails_created_before(WriteTx& tx, Instant instant, int limit);

}  // namespace latchkey::store
