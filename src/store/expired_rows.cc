#include "store/expired_rows.h"

namespace latchkey::store {

Result<void> delete_links_expired_before(WriteTx& tx, Instant instant, int limit) {
  LK_CHECK(
      tx.connection().run("DELETE FROM links WHERE link_id IN (SELECT link_id FROM links "
                          "WHERE expires_at < $1 LIMIT $2)",
                          {instant, limit}));
  return {};
}

Result<void> delete_mails_created_before(WriteTx& tx, Instant instant, int limit) {
  // The order of events is that of time, and has an index.
  LK_CHECK(tx.connection().run(
      "DELETE FROM mails WHERE mail_id IN (SELECT mail_id FROM (SELECT mail_id, created_at "
      "FROM mails ORDER BY revision LIMIT $2) AS oldest WHERE created_at < $1)",
      {instant, limit}));
  return {};
}

}  // namespace latchkey::store
