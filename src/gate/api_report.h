// What an operator should know of the APIs behind the gate, and of one request to them.
//
// Operations that no request reaches are told with the reason: their path is outside the prefix of
// their API, another API has it, or their host is none of their API's. Thread safety: pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gate/api_table.h"
#include "gate/route_report.h"

namespace latchkey::gate {

struct ApiReport {
  RouteReport routes;
  std::vector<std::string> unreachable;  // sentences
};

// REQUIRES: `api` is of `table`.
ApiReport report_api(const ApiTable& table, const Api& api);

// "contoso", "{organization} of the path" or "{organization} of the host".
std::string describe_organization(const OrganizationRule& rule);
// "service=git-upload-pack", "host a.example.com", both with "and"; empty for none.
std::string describe_condition(const RouteCondition& condition);

}  // namespace latchkey::gate
