// Sends one mail through SMTP, over libcurl.
//
// TLS is used when the server is given as smtps:// or offers STARTTLS, and can be demanded; a
// password is sent over TLS only. Thread safety: send() from one thread at a time.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"

namespace latchkey::service {

enum class MailTls { when_offered, required };

struct SmtpOptions {
  std::string url;   // "smtp://mail.example:25" or "smtps://mail.example:465"; empty: no mail
  std::string from;  // the sender's address
  std::string user;  // empty: no authentication
  SecretText password;
  MailTls tls = MailTls::required;
  std::string ca_file;  // empty: the system's roots
  Milliseconds timeout{20'000};
};

struct Mail {
  std::string message_id;  // unique, and the same at each try: a second copy can be dropped
  std::string recipient;
  std::string subject;
  std::string body;  // text, lines end with "\n"
  Instant date;
};

class Mailer {
 public:
  virtual ~Mailer() = default;
  // Errors: mail_refused (the message has the server's code), timed_out.
  virtual Result<void> send(const Mail& mail) = 0;
};

std::unique_ptr<Mailer> make_smtp_mailer(SmtpOptions options);
// Goes as far with the server as a mail would, but for a recipient and a text: greeting, TLS,
// sign-in and MAIL FROM. Errors: mail_refused (the message says at what), timed_out.
Result<void> probe_smtp(SmtpOptions options);
// The mail as it is sent: RFC 5322 headers (RFC 2047 where not ASCII) and a quoted-printable body.
// No header can be smuggled in through a name or a subject.
std::string format_mail(const Mail& mail, const std::string& from);

}  // namespace latchkey::service
