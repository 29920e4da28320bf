#include "service/notifier.h"

#include <algorithm>

#include "base/json.h"
#include "base/time_text.h"
#include "service/notifier_text.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/token_rows.h"

namespace latchkey::service {
namespace {

// For how long a node has a mail for itself. One that ends meanwhile leaves it to the others after.
constexpr Milliseconds kClaim = std::chrono::minutes(2);
constexpr std::string_view kReader = "notifier";
constexpr int kEventsAtOnce = 500;
constexpr int kMailsAtOnce = 20;
constexpr int kOutboxMax = 100;
// The last millisecond of the year 9999: a mail that is not tried again.
constexpr Instant kNever{253'402'300'799'999};

std::optional<NoticeKind> notice_kind(core::Action action) {
  if (action == core::Action::token_created) return NoticeKind::created;
  if (action == core::Action::token_regenerated) return NoticeKind::regenerated;
  if (action == core::Action::token_revoked) return NoticeKind::revoked;
  return std::nullopt;
}

// The text `name` of the JSON object `text`, or `fallback` if it has none.
std::string text_of(const std::string& text, std::string_view name, const std::string& fallback) {
  const auto document = parse_json(text);
  if (!document || !document->is_object()) return fallback;
  const json::value* value = document->get_object().if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : fallback;
}

// What a notice says, and whom it is for. What the event and its context tell counts as it was
// then; where a context was erased the rows tell how it is now.
struct Addressed {
  core::PersonId person;
  std::string recipient;
  std::string subject;
  std::string body;
};

// What notices are made with.
struct Words {
  const core::ScopeCatalog& catalog;
  const std::string& public_url;
};

// The name of who caused `event`; empty for the console.
Result<std::string> actor_name(store::ReadTx& tx, const core::Event& event) {
  if (!event.draft.actor) return std::string();
  LK_TRY(const auto actor, store::find_person(tx, *event.draft.actor));
  return actor ? actor->person.display_name : std::string();
}

Result<void> fill_notice(store::ReadTx& tx, const core::Event& event, const core::Token& token,
                         TokenNotice& notice) {
  LK_TRY(const auto stored, store::find_event_context(tx, event.revision));
  const std::string names = stored ? stored->context.names : "{}";
  notice.token_name = text_of(names, "DisplayName", token.display_name);
  notice.address = stored ? stored->context.address : "";
  notice.scope = text_of(event.draft.data, "scope", token.scope);
  const auto valid_to = parse_date_time(text_of(event.draft.data, "validTo", ""));
  notice.valid_to = valid_to ? *valid_to : token.valid_to;
  notice.at = event.at;
  notice.by_holder = text_of(event.draft.data, "by", "") == "holder";
  LK_TRY(notice.actor_name, actor_name(tx, event));
  return {};
}

Result<std::optional<Addressed>> address_token_notice(store::ReadTx& tx, const core::Event& event,
                                                      const Words& words) {
  const std::optional<Addressed> nobody;
  const auto kind = notice_kind(event.draft.action);
  const auto& subjects = event.draft.subjects;
  if (!kind || subjects.empty() || subjects.front().kind != core::SubjectKind::token) {
    return nobody;
  }
  LK_TRY(const auto row, store::find_token(tx, core::TokenId{subjects.front().id}));
  if (!row) return nobody;
  const core::Token& token = row->token;
  if (*kind == NoticeKind::revoked && event.draft.actor == token.owner) return nobody;
  LK_TRY(const auto owner, store::find_person(tx, token.owner));
  LK_TRY(const auto organization, store::find_organization(tx, token.organization));
  if (!owner || !organization) return nobody;
  TokenNotice notice;
  notice.kind = *kind;
  notice.owner_name = owner->person.display_name;
  notice.organization = organization->name;
  notice.public_url = words.public_url;
  LK_CHECK(fill_notice(tx, event, token, notice));
  return std::optional(Addressed{token.owner, owner->person.email, notice_subject(notice),
                                 notice_body(words.catalog, notice)});
}

Result<std::optional<Addressed>> address_password_notice(store::ReadTx& tx,
                                                         const core::Event& event,
                                                         const Words& words) {
  const std::optional<Addressed> nobody;
  const auto& subjects = event.draft.subjects;
  const bool is_change = event.draft.action == core::Action::person_password_changed;
  const bool is_link = event.draft.action == core::Action::person_password_reset_asked;
  if ((!is_change && !is_link) || subjects.empty() ||
      subjects.front().kind != core::SubjectKind::person) {
    return nobody;
  }
  LK_TRY(const auto row, store::find_person(tx, core::PersonId{subjects.front().id}));
  if (!row) return nobody;
  LK_TRY(const auto stored, store::find_event_context(tx, event.revision));
  PasswordNotice notice;
  const bool by_link = stored && stored->context.mechanism == "link";
  const bool by_restore = text_of(event.draft.data, "by", "") == "restore";
  notice.kind = is_link      ? PasswordNoticeKind::link_made
                : by_restore ? PasswordNoticeKind::removed
                : by_link    ? PasswordNoticeKind::changed_by_link
                             : PasswordNoticeKind::changed;
  notice.person_name = row->person.display_name;
  LK_TRY(notice.actor_name, actor_name(tx, event));
  notice.at = event.at;
  notice.address = stored ? stored->context.address : "";
  notice.public_url = words.public_url;
  return std::optional(
      Addressed{row->person.id, row->person.email, notice_subject(notice), notice_body(notice)});
}

// Nothing for an event that nobody needs to be told of.
Result<std::optional<Addressed>> address_notice(store::ReadTx& tx, const core::Event& event,
                                                const Words& words) {
  LK_TRY(auto of_token, address_token_notice(tx, event, words));
  if (of_token) return of_token;
  return address_password_notice(tx, event, words);
}

// The host of "https://tokens.example:8443/base": the right side of our message ids.
std::string host_of(const std::string& url) {
  const size_t scheme = url.find("://");
  const size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::string host = url.substr(begin, url.find_first_of(":/", begin) - begin);
  return host.empty() || host.front() == '[' ? "latchkey.invalid" : host;
}

// How long to wait after the `attempts`th refusal.
Milliseconds retry_after(const NotifierOptions& options, int attempts) {
  Milliseconds wait = options.first_retry;
  for (int i = 1; i < attempts && wait < options.last_retry; ++i) wait *= 2;
  return std::min(wait, options.last_retry);
}

}  // namespace

Result<bool> Notifier::step(Milliseconds wait) {
  LK_TRY(const bool gathered, gather(wait));
  LK_TRY(const bool delivered, deliver());
  return gathered || delivered;
}

Result<bool> Notifier::gather(Milliseconds wait) {
  core::Revision cursor;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(cursor, store::load_cursor(tx, kReader));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  LK_TRY(const auto events, dependencies_.store.events(cursor, kEventsAtOnce, wait));
  if (events.empty()) return false;

  const Words words{dependencies_.catalog, options_.public_url};
  std::vector<store::MailRow> mails;
  const auto write_mails = [&](store::ReadTx& tx) -> Result<void> {
    mails.clear();
    for (const core::Event& event : events) {
      LK_TRY(auto addressed, address_notice(tx, event, words));
      if (!addressed) continue;
      store::MailRow& mail = mails.emplace_back();
      LK_TRY(mail.id, core::make_id<core::MailId>(dependencies_.entropy));
      mail.person = addressed->person;
      mail.revision = event.revision;
      mail.recipient = std::move(addressed->recipient);
      mail.subject = std::move(addressed->subject);
      mail.body = std::move(addressed->body);
      mail.created_at = event.at;
      mail.next_attempt_at = event.at;
    }
    return {};
  };
  LK_CHECK(dependencies_.store.read(write_mails));
  const auto keep = [&](store::WriteTx& tx) -> Result<void> {
    for (const store::MailRow& mail : mails) LK_CHECK(store::insert_mail(tx, mail));
    return store::save_cursor(tx, kReader, events.back().revision);
  };
  LK_CHECK(dependencies_.store.write_aside(keep));
  return true;
}

Result<bool> Notifier::deliver() {
  if (mailer_ == nullptr) return false;
  std::vector<store::MailRow> due;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(due, store::list_due_mails(tx, dependencies_.clock.now(), kMailsAtOnce));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  for (store::MailRow& mail : due) {
    bool is_ours = false;
    LK_CHECK(dependencies_.store.write_aside([&](store::WriteTx& tx) -> Result<void> {
      LK_TRY(is_ours, store::claim_mail(tx, mail, dependencies_.clock.now() + kClaim));
      return {};
    }));
    if (!is_ours) continue;
    const auto sent =
        mailer_->send({.message_id = core::format_id(mail.id) + '@' + host_of(options_.public_url),
                       .recipient = mail.recipient,
                       .subject = mail.subject,
                       .body = mail.body,
                       .date = mail.created_at});
    const Instant now = dependencies_.clock.now();
    ++mail.attempts;
    if (sent) {
      mail.sent_at = now;
      mail.last_error.clear();
    } else {
      const bool is_last = mail.attempts >= options_.attempts_max;
      mail.next_attempt_at = is_last ? kNever : now + retry_after(options_, mail.attempts);
      mail.last_error = sent.error().message;
      dependencies_.log.warning(is_last ? "mail.given_up" : "mail.refused",
                                {{"mail", core::format_id(mail.id)},
                                 {"attempts", static_cast<int64_t>(mail.attempts)},
                                 {"reason", mail.last_error}});
    }
    // A stop between the two sends the mail once more, under the same message id.
    LK_CHECK(dependencies_.store.write_aside(
        [&](store::WriteTx& tx) { return store::update_mail(tx, mail); }));
    // A server that does not answer would hold up the others, and a stop, by one wait for each.
    if (!sent && sent.error().code == ErrorCode::timed_out) break;
  }
  return !due.empty();
}

Result<std::vector<store::MailRow>> Notifier::outbox(const Actor& actor) {
  if (actor.mechanism() != Mechanism::session) {
    return Error(ErrorCode::credential_kind_refused, "Only a signed-in person can do this.");
  }
  std::vector<store::MailRow> mails;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(mails, store::list_mails_of(tx, *actor.person(), kOutboxMax));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return mails;
}

}  // namespace latchkey::service
