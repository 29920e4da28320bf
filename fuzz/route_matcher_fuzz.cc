// The route table finds what a plain loop over the templates finds.
// The input is templates, a line each ("GET /a/{b}"), an empty line, and then requests alike.
#include <string>
#include <vector>

#include "gate/linear_matcher_for_test.h"
#include "gate/route_table.h"
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey;
  using namespace latchkey::gate;
  std::string_view rest = fuzz::as_text(data, size);
  std::vector<Operation> operations;
  while (!rest.empty() && operations.size() < 16) {
    const std::string_view line = fuzz::take_line(rest);
    if (line.empty()) break;
    const size_t space = line.find(' ');
    if (space == line.npos) continue;
    operations.push_back({std::string(line),
                          std::string(line.substr(0, space)),
                          std::string(line.substr(space + 1)),
                          {},
                          false});
  }
  // One bad template must not hide the others, nor be tried again with each of them.
  std::erase_if(operations, [](const Operation& one) { return !parse_template(one.path); });
  auto table = RouteTable::build(operations);
  if (!table) {
    std::vector<Operation> good;
    for (Operation& operation : operations) {
      good.push_back(std::move(operation));
      if (!RouteTable::build(good)) good.pop_back();
    }
    operations = std::move(good);
    table = RouteTable::build(operations);
  }
  LK_ASSERT(table);
  for (int requests = 0; !rest.empty() && requests < 16; ++requests) {
    const std::string_view line = fuzz::take_line(rest);
    const size_t space = line.find(' ');
    if (space == line.npos) continue;
    const std::string_view method = line.substr(0, space), path = line.substr(space + 1);
    const auto match = table->match(method, path);
    const std::string expected = match_linearly(operations, method, path);
    LK_ASSERT(expected == (match ? operations[match->operation].operation_id
                                 : std::string(error_name(match.error().code))));
  }
  return 0;
}
