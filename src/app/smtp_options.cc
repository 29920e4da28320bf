#include "app/smtp_options.h"

#include "app/keys.h"

namespace latchkey::app {

Result<service::SmtpOptions> load_smtp_options(const Config& config) {
  service::SmtpOptions options;
  options.url = config.smtp_url;
  options.from = config.smtp_from;
  options.user = config.smtp_user;
  options.tls = config.smtp_tls;
  options.ca_file = config.smtp_ca_file;
  if (config.smtp_password_file.empty()) return options;
  auto text = read_small_file(config.smtp_password_file);
  if (!text) {
    return Error(ErrorCode::configuration, "smtp.password_file: " + text.error().message,
                 "smtp.password_file");
  }
  text->resize(text->find_last_not_of("\r\n") + 1);
  options.password = SecretText::take(std::move(*text));
  return options;
}

}  // namespace latchkey::app
