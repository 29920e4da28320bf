// Rows of the notifier: its cursor in the event log and the mails it made.
//
// A mail is unique by event and person, so that reading an event twice makes one mail.
// Thread safety: as of the transaction.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "store/store.h"

namespace latchkey::store {

Result<core::Revision> load_cursor(ReadTx& tx, std::string_view reader);
Result<void> save_cursor(WriteTx& tx, std::string_view reader, core::Revision revision);

struct MailRow {
  core::MailId id;
  core::PersonId person;
  core::Revision revision;  // of the event that it tells of
  std::string recipient;
  std::string subject;
  std::string body;
  Instant created_at;
  std::optional<Instant> sent_at;
  int attempts = 0;
  Instant next_attempt_at;
  std::string last_error;
};
// Inserts unless there is one for the same event and person; whether it was inserted.
Result<bool> insert_mail(WriteTx& tx, const MailRow& row);
// Unsent mails whose time has come, oldest first.
Result<std::vector<MailRow>> list_due_mails(ReadTx& tx, Instant now, int limit);
// A person's mails, newest first.
Result<std::vector<MailRow>> list_mails_of(ReadTx& tx, core::PersonId person, int limit);
Result<void> update_mail(WriteTx& tx, const MailRow& row);
// Puts the next attempt at an unsent mail off to `until`, if nobody did since `row` was read;
// whether it did. So of several nodes one sends it.
Result<bool> claim_mail(WriteTx& tx, const MailRow& row, Instant until);

}  // namespace latchkey::store
