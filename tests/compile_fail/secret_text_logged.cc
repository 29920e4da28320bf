// error: could not convert|no matching|no viable conversion
#include "base/log.h"
#include "base/secret.h"

using namespace latchkey;

#ifdef MUST_COMPILE
void log_it(Log& log, const SecretText&) { log.info("event", {LogField("secret", "set")}); }
#else
void log_it(Log& log, const SecretText& secret) {
  log.info("event", {LogField("secret", secret)});
}
#endif
