#include "app/reveal.h"

namespace latchkey::app {

std::string reveal_link(std::string_view public_url, const SecretText& code) {
  return std::string(public_url) + "/_latchkey/link#" + std::string(code.reveal(RevealSecret{}));
}

json::value reveal_for_body(const SecretText& secret) {
  return json::value(secret.reveal(RevealSecret{}));
}

SecretText bearer_header(const SecretText& session) {
  return SecretText::take("Bearer " + std::string(session.reveal(RevealSecret{})));
}

std::string reveal_for_private_file(const SecretText& secret) {
  return std::string(secret.reveal(RevealSecret{}));
}

}  // namespace latchkey::app
