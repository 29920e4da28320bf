// The words of the mails that the notifier writes.
//
// Texts are plain, in the order a reader asks: what, where, when, from where, what to do. They
// never hold a token, only its name, and no link that does something. Thread safety: pure
// functions. Spec: docs/spec/notifications.md.
#pragma once

#include <string>

#include "base/clock.h"
#include "core/scope_catalog.h"

namespace latchkey::service {

enum class NoticeKind { created, regenerated, revoked };

struct TokenNotice {
  NoticeKind kind = NoticeKind::created;
  std::string owner_name;
  std::string actor_name;  // of a revocation by somebody else; empty: an operator's console
  bool by_holder = false;  // revoked by who presented its text, whoever that was
  std::string token_name;
  std::string organization;  // name
  std::string scope;         // canonical text
  Instant valid_to;
  Instant at;
  std::string address;  // empty: not recorded, or erased
  std::string public_url;
};

// What happened to a person's password, or may happen to it.
enum class PasswordNoticeKind {
  changed,          // by who knew the old one
  changed_by_link,  // by who had a reset link
  link_made,        // an operator made a reset link
  removed,          // by a restore: it was an older one
};

struct PasswordNotice {
  PasswordNoticeKind kind = PasswordNoticeKind::changed;
  std::string person_name;
  std::string actor_name;  // who made a link; empty: the operator's console
  Instant at;
  std::string address;  // empty: not recorded, or erased
  std::string public_url;
};

std::string notice_subject(const PasswordNotice& notice);
std::string notice_body(const PasswordNotice& notice);

std::string notice_subject(const TokenNotice& notice);
// Lines end with "\n".
std::string notice_body(const core::ScopeCatalog& catalog, const TokenNotice& notice);

}  // namespace latchkey::service
