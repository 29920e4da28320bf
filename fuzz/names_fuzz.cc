// Names and addresses of people, organizations and projects: what is accepted is short, UTF-8, one
// line, compared by a key that is accepted too, and can stand in a mail's head and in a path.
#include <string>

#include "base/text.h"
#include "base/uuid.h"
#include "core/organization.h"
#include "core/person.h"
#include "core/project.h"
#include "target.h"

namespace latchkey::core {
namespace {

void check_one_line(std::string_view text, size_t characters_max) {
  LK_ASSERT(is_utf8(text) && !has_control_character(text));
  LK_ASSERT(!text.empty() && count_code_points(text) <= characters_max);
  LK_ASSERT(trim(text) == text);
}

void check_address(std::string_view email) {
  if (!check_email(email)) return;
  check_one_line(email, 254);
  LK_ASSERT(email.size() <= 254);
  LK_ASSERT(email.find_first_of(" <>,;:\"\\()[]") == email.npos);
  const size_t at = email.find('@');
  LK_ASSERT(at >= 1 && at <= 64 && at + 1 < email.size() && at == email.rfind('@'));
  const std::string key = email_key(email);
  LK_ASSERT(check_email(key) && email_key(key) == key);
}

void check_names(std::string_view name) {
  if (check_display_name(name)) check_one_line(name, 128);
  if (check_organization_name(name, "name")) {
    check_one_line(name, 50);
    LK_ASSERT(percent_encode(name) == name && !name.starts_with('-') && !parse_uuid(name));
    const std::string key = organization_key(name);
    LK_ASSERT(check_organization_name(key, "name") && organization_key(key) == key);
  }
  if (check_project_name(name)) {
    check_one_line(name, 64);
    LK_ASSERT(name.find_first_of("/\\%?#") == name.npos && !parse_uuid(name));
    LK_ASSERT(name != "." && name != "..");
    const std::string key = project_key(name);
    LK_ASSERT(check_project_name(key) && project_key(key) == key);
  }
}

}  // namespace
}  // namespace latchkey::core

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  std::string_view rest = fuzz::as_text(data, size);
  core::check_address(rest);
  core::check_names(rest);

  // A password is the second line, for the login in the first.
  const std::string_view login = fuzz::take_line(rest);
  if (core::check_password(SecretText(rest), login)) {
    LK_ASSERT(is_utf8(rest) && rest.size() <= 1024 && count_code_points(rest) >= 12);
    LK_ASSERT(core::email_key(rest) != core::email_key(login));
  }
  return 0;
}
