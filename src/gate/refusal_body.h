// In which form a refusal is sent: JSON for programs, a page for browsers, text for git and curl.
//
// The choice is simple on purpose: an Accept that has text/html in front of what a program asks for
// is a browser's; git and curl show plain text to people. All else gets JSON. Thread safety: pure
// functions. Spec: docs/spec/refusals.md, RF7.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"

namespace latchkey::gate {

enum class RefusalForm { json, page, text };
RefusalForm choose_form(std::string_view accept, std::string_view user_agent);

// What is told, and where to go on.
struct RefusalText {
  int status = 0;
  std::string_view message;
  std::string_view link;  // to the tokens page; may be empty
};
// The answer's status, Content-Type and body; `json_body` is sent as it is.
http::Response write_refusal(RefusalForm form, const RefusalText& text, std::string json_body);

}  // namespace latchkey::gate
