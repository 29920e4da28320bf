// How mails are sent, from the configuration: what the server and `latchkey doctor` both need.
//
// The password is read from the file that smtp.password_file names, and is never told.
// Thread safety: one thread.
#pragma once

#include "app/config.h"
#include "base/result.h"
#include "service/mailer.h"

namespace latchkey::app {

// Errors: configuration (the password's file cannot be read, with its key).
Result<service::SmtpOptions> load_smtp_options(const Config& config);

}  // namespace latchkey::app
