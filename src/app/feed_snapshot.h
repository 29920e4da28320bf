// The snapshot of a feed in bounded pages: organizations, memberships, tokens, replaced digests.
//
// Each page is read in a view of its own and says which: a later page may be newer than an earlier
// one, and a gate takes the position of the first. A cursor names a table and the key of the last
// row that was read, and no state is kept between pages. Thread safety: any thread. Spec:
// docs/spec/feed.md.
#pragma once

#include <string>
#include <string_view>

#include "core/scope_catalog.h"
#include "service/clients.h"
#include "store/store.h"
#include "verify/feed_message.h"

namespace latchkey::app {

// The items, the position and the next cursor of the page at `cursor`; the rest of the message is
// the caller's.
// Errors: invalid_argument (`after`), store_unavailable, integrity_violated.
Result<verify::FeedMessage> read_snapshot_page(store::Store& store,
                                               const core::ScopeCatalog& catalog,
                                               const service::ProvenClient& client,
                                               std::string_view cursor);

}  // namespace latchkey::app
