// The subjects of an event have one text, because the event's hash covers it.
#include "core/event.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::core;
  const std::string_view text = latchkey::fuzz::as_text(data, size);
  const auto subjects = parse_subjects(text);
  if (subjects) LK_ASSERT(format_subjects(*subjects) == text);
  const auto action = parse_action(text);
  if (action) LK_ASSERT(action_name(*action) == text);
  return 0;
}
