// The words of the mails that the notifier writes.
//
// Texts are plain, in the order a reader asks: what, where, when, from where, what to do. They
// never hold a token, only its name. Thread safety: pure functions. Spec:
// docs/spec/notifications.md.
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
  std::string token_name;
  std::string organization;  // name
  std::string scope;         // canonical text
  Instant valid_to;
  Instant at;
  std::string address;  // empty: not recorded, or erased
  std::string public_url;
};

std::string notice_subject(const TokenNotice& notice);
// Lines end with "\n".
std::string notice_body(const core::ScopeCatalog& catalog, const TokenNotice& notice);

}  // namespace latchkey::service
