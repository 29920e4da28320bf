// Tells people what happened to their tokens.
//
// Reads the event log with its own cursor, writes a mail into the outbox for each event that its
// person should know of (a token was added, regenerated, or revoked by somebody else), and sends
// what is due. At least once, made unique by event and person; a refused mail is tried again later
// and later. Without a mailer the mails wait in the outbox, where their person can read them.
// Thread safety: step() from one thread; outbox() from any. Spec: docs/spec/notifications.md.
#pragma once

#include <string>
#include <vector>

#include "service/actor.h"
#include "service/dependencies.h"
#include "service/mailer.h"
#include "store/mail_rows.h"

namespace latchkey::service {

struct NotifierOptions {
  std::string public_url;  // without a slash at the end; links point here
  Milliseconds first_retry{60'000};
  Milliseconds last_retry = std::chrono::hours(6);
  int attempts_max = 20;
};

class Notifier {
 public:
  // `mailer` null: nothing is sent.
  Notifier(const Dependencies& dependencies, const NotifierOptions& options, Mailer* mailer)
      : dependencies_(dependencies), options_(options), mailer_(mailer) {}

  // Turns new events into mails, waiting up to `wait` for one, and sends what is due. Whether there
  // was anything to do. Errors: store_unavailable.
  Result<bool> step(Milliseconds wait);
  // The mails of the signed-in person, newest first.
  Result<std::vector<store::MailRow>> outbox(const Actor& actor);

 private:
  Result<bool> gather(Milliseconds wait);
  Result<bool> deliver();

  Dependencies dependencies_;
  NotifierOptions options_;
  Mailer* mailer_;
};

}  // namespace latchkey::service
