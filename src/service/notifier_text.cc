#include "service/notifier_text.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::service {
namespace {

// "2026-11-23 20:33:46 UTC".
std::string format_moment(Instant instant) {
  std::string text = format_date_time({instant.ms - instant.ms % 1000});
  std::replace(text.begin(), text.end(), 'T', ' ');
  text.pop_back();
  return text + " UTC";
}

// `text` without what could look like a line of ours.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return line;
}

// One line for each scope: "Code: Read & write (vso.code_write)".
std::string scope_lines(const core::ScopeCatalog& catalog, const std::string& scope) {
  if (scope == core::ScopeCatalog::kFullAccess) {
    return "             Full access: everything that you may do yourself\n";
  }
  std::string lines;
  for (const std::string_view identifier : split(scope, ' ')) {
    const core::Scope* known = catalog.find(identifier);
    lines += "             ";
    if (known != nullptr) lines += known->category + ": " + known->level + " (";
    lines += identifier;
    if (known != nullptr) lines += ")";
    lines += '\n';
  }
  return lines;
}

std::string what_happened(const TokenNotice& notice) {
  const std::string organization = "in the organization \"" + notice.organization + "\"";
  switch (notice.kind) {
    case NoticeKind::created:
      return "A personal access token was added to your account " + organization + ".\n";
    case NoticeKind::regenerated:
      return "A personal access token of yours " + organization +
             " got a new secret.\nThe old secret stopped working at that moment.\n";
    case NoticeKind::revoked:
      return "A personal access token of yours " + organization + " was revoked by " +
             (notice.by_holder            ? "somebody who presented the token itself"
              : notice.actor_name.empty() ? "an operator of this installation"
                                          : one_line(notice.actor_name)) +
             ".\nNothing can be opened with it any more.\n" +
             (notice.by_holder ? "If that was not you, its text was where others could read it.\n"
                               : "");
  }
  LK_ASSERT(false);
  return {};
}

std::string what_to_do(const TokenNotice& notice) {
  const std::string link =
      notice.public_url + '/' + percent_encode(notice.organization) + "/_usersSettings/tokens";
  if (notice.kind == NoticeKind::revoked) {
    return "If a program of yours still uses it, make another token here:\n\n  " + link +
           "\n\nIf you do not know why it was revoked, ask an administrator of the organization.\n";
  }
  return "If this was you, there is nothing to do.\n\n"
         "If it was not you:\n\n"
         "  1. Revoke the token here:\n     " +
         link +
         "\n"
         "  2. Change your password, and end your other sessions.\n"
         "  3. Tell an administrator of the organization.\n";
}

std::string when_and_from(Instant at, const std::string& address) {
  return "  When:      " + format_moment(at) +
         "\n  From:      " + (address.empty() ? "not recorded" : one_line(address)) + "\n";
}

std::string signature(const std::string& public_url) {
  return "\nThis mail was sent by Latchkey at " + public_url +
         ".\nIt never holds a token, and nobody will ask you for one.\n";
}

std::string what_happened(const PasswordNotice& notice) {
  switch (notice.kind) {
    case PasswordNoticeKind::changed:
      return "The password of your account was changed by somebody who knew the old one.\n"
             "All other sessions have ended.\n";
    case PasswordNoticeKind::changed_by_link:
      return "The password of your account was changed with a one-time link.\n"
             "All sessions of before have ended.\n";
    case PasswordNoticeKind::removed:
      return "This installation was restored from a backup, which may hold an older password than\n"
             "the one that you had. So the password of your account was removed, and all sessions\n"
             "have ended.\n";
    case PasswordNoticeKind::link_made:
      return "A one-time link that sets a new password of your account was made by " +
             (notice.actor_name.empty() ? "an operator of this installation"
                                        : one_line(notice.actor_name)) +
             ".\nYour password is still the old one until the link is used.\n";
  }
  LK_ASSERT(false);
  return {};
}

}  // namespace

std::string notice_subject(const PasswordNotice& notice) {
  switch (notice.kind) {
    case PasswordNoticeKind::changed:
    case PasswordNoticeKind::changed_by_link: return "Your password was changed";
    case PasswordNoticeKind::removed: return "Your password was removed";
    case PasswordNoticeKind::link_made: return "A link to set your password was made";
  }
  LK_ASSERT(false);
  return {};
}

std::string notice_body(const PasswordNotice& notice) {
  const std::string begin = "Hello " + one_line(notice.person_name) + ",\n\n" +
                            what_happened(notice) + "\n" +
                            when_and_from(notice.at, notice.address) + "\n";
  if (notice.kind == PasswordNoticeKind::removed) {
    return begin + "Ask an operator of this installation for a link that sets a new one.\n" +
           signature(notice.public_url);
  }
  return begin +
         "If you did this, or asked for it, there is nothing to do.\n\n"
         "If not:\n\n"
         "  1. Ask an operator of this installation at once for a link that sets a new password.\n"
         "  2. Sign in, end your other sessions, and revoke tokens that you do not know:\n     " +
         notice.public_url + "/\n" + signature(notice.public_url);
}

std::string notice_subject(const TokenNotice& notice) {
  const std::string name = '"' + one_line(notice.token_name) + '"';
  switch (notice.kind) {
    case NoticeKind::created: return "Personal access token " + name + " was added";
    case NoticeKind::regenerated: return "Personal access token " + name + " got a new secret";
    case NoticeKind::revoked: return "Personal access token " + name + " was revoked";
  }
  LK_ASSERT(false);
  return {};
}

std::string notice_body(const core::ScopeCatalog& catalog, const TokenNotice& notice) {
  return "Hello " + one_line(notice.owner_name) + ",\n\n" + what_happened(notice) +
         "\n"
         "  Name:      " +
         one_line(notice.token_name) +
         "\n"
         "  Scopes:\n" +
         scope_lines(catalog, notice.scope) + "  Expires:   " + format_moment(notice.valid_to) +
         "\n" + when_and_from(notice.at, notice.address) + "\n" + what_to_do(notice) +
         signature(notice.public_url);
}

}  // namespace latchkey::service
