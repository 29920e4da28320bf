#include "service/housekeeping.h"

#include "store/expired_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"

namespace latchkey::service {
namespace {

constexpr int kRowsMax = 10'000;

}  // namespace

Result<void> clear_up(store::Store& store, Instant now) {
  const auto body = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(store::delete_sessions_expired_before(tx, now));
    LK_CHECK(store::delete_links_expired_before(tx, now - kExpiredLinkLife, kRowsMax));
    LK_CHECK(store::delete_mails_created_before(tx, now - kMailLife, kRowsMax));
    return store::delete_operations_created_before(tx, now - kOperationLife);
  };
  return store.write_aside(body);
}

}  // namespace latchkey::service
