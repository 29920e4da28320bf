#include "store/mail_rows.h"

#include "store/row_errors.h"

namespace latchkey::store {
namespace {

constexpr std::string_view kMailColumns =
    "mail_id, person_id, revision, recipient, subject, body, created_at, sent_at, attempts, "
    "next_attempt_at, last_error";

RowCallback read_into(std::vector<MailRow>& mails) {
  return [&mails](const Row& row) -> Result<void> {
    MailRow& mail = mails.emplace_back();
    mail.id = row.id<core::MailId>(0);
    mail.person = row.id<core::PersonId>(1);
    mail.revision.number = static_cast<uint64_t>(row.integer(2));
    mail.recipient = row.text(3);
    mail.subject = row.text(4);
    mail.body = row.text(5);
    mail.created_at = row.instant(6);
    mail.sent_at = row.optional_instant(7);
    mail.attempts = static_cast<int>(row.integer(8));
    mail.next_attempt_at = row.instant(9);
    mail.last_error = row.text(10);
    return {};
  };
}

}  // namespace

Result<core::Revision> load_cursor(ReadTx& tx, std::string_view reader) {
  core::Revision revision;
  LK_CHECK(tx.connection().run("SELECT revision FROM cursors WHERE reader = $1", {reader},
                               [&](const Row& row) -> Result<void> {
                                 revision.number = static_cast<uint64_t>(row.integer(0));
                                 return {};
                               }));
  return revision;
}

Result<void> save_cursor(WriteTx& tx, std::string_view reader, core::Revision revision) {
  LK_CHECK(
      tx.connection().run("INSERT INTO cursors (reader, revision) VALUES ($1, $2) "
                          "ON CONFLICT (reader) DO UPDATE SET revision = excluded.revision",
                          {reader, revision.number}));
  return {};
}

Result<bool> insert_mail(WriteTx& tx, const MailRow& row) {
  LK_TRY(const int64_t inserted,
         tx.connection().run(
             "INSERT INTO mails (mail_id, person_id, revision, recipient, subject, body, "
             "created_at, sent_at, attempts, next_attempt_at, last_error) "
             "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
             "ON CONFLICT (revision, person_id) DO NOTHING",
             {row.id, row.person, row.revision.number, row.recipient, row.subject, row.body,
              row.created_at, row.sent_at, row.attempts, row.next_attempt_at, row.last_error}));
  return inserted > 0;
}

Result<std::vector<MailRow>> list_due_mails(ReadTx& tx, Instant now, int limit) {
  static const std::string sql = "SELECT " + std::string(kMailColumns) +
                                 " FROM mails WHERE sent_at IS NULL AND next_attempt_at <= $1 "
                                 "ORDER BY next_attempt_at, revision LIMIT $2";
  std::vector<MailRow> mails;
  LK_CHECK(tx.connection().run(sql, {now, limit}, read_into(mails)));
  return mails;
}

Result<std::vector<MailRow>> list_mails_of(ReadTx& tx, core::PersonId person, int limit) {
  static const std::string sql = "SELECT " + std::string(kMailColumns) +
                                 " FROM mails WHERE person_id = $1 "
                                 "ORDER BY created_at DESC, revision DESC LIMIT $2";
  std::vector<MailRow> mails;
  LK_CHECK(tx.connection().run(sql, {person, limit}, read_into(mails)));
  return mails;
}

Result<void> update_mail(WriteTx& tx, const MailRow& row) {
  return expect_one(tx.connection().run(
      "UPDATE mails SET sent_at = $2, attempts = $3, next_attempt_at = $4, last_error = $5 "
      "WHERE mail_id = $1",
      {row.id, row.sent_at, row.attempts, row.next_attempt_at, row.last_error}));
}

Result<bool> claim_mail(WriteTx& tx, const MailRow& row, Instant until) {
  LK_TRY(const int64_t changed,
         tx.connection().run("UPDATE mails SET next_attempt_at = $3 "
                             "WHERE mail_id = $1 AND next_attempt_at = $2 AND sent_at IS NULL",
                             {row.id, row.next_attempt_at, until}));
  return changed == 1;
}

}  // namespace latchkey::store
