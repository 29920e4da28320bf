// Where the next page of a list begins, as a text that the client gives back.
//
// The text holds a position and is authenticated together with everything that the list depends on
// (whose, where, filter, order, search), so a text of another list, person or filter is refused and
// none can be made up. It lasts as long as the row key
// that it was made under.
// Thread safety: pure functions. Spec: docs/spec/lifecycle-api.md, "Continuation tokens".
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "core/ids.h"
#include "core/row_keys.h"
#include "store/token_rows.h"

namespace latchkey::service {

// The sort key and id of the last row of a page.
using ListPosition = std::pair<std::string, core::TokenId>;

// The text for `position` in the list that `query` describes (but for its limit, now and after).
std::string format_continuation(const core::RowKeyView& keys, const store::TokenQuery& query,
                                const ListPosition& position);
// The position that `text` holds. Errors: invalid_argument naming continuationToken, always alike.
Result<ListPosition> parse_continuation(const core::RowKeyView& keys,
                                        const store::TokenQuery& query, std::string_view text);

}  // namespace latchkey::service
