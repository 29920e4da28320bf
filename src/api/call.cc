#include "api/call.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/assert.h"
#include "base/text.h"

namespace latchkey::api {

const service::Actor& Call::caller() const {
  LK_ASSERT(actor != nullptr);
  return *actor;
}

const service::ProvenClient& Call::calling_client() const {
  LK_ASSERT(client != nullptr);
  return *client;
}

Result<core::OrganizationId> Call::organization() const {
  if (!path_organization) {
    return Error(actor == nullptr ? ErrorCode::credential_missing
                                  : ErrorCode::organization_unknown);
  }
  return *path_organization;
}

std::optional<std::string> Call::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (ascii_equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

Result<int> Call::number(std::string_view name, Range range) const {
  const auto text = parameter(name);
  if (!text || text->empty()) return range.otherwise;
  const auto value = parse_unsigned(*text);
  if (!value || *value < static_cast<uint64_t>(range.least) ||
      *value > static_cast<uint64_t>(range.most)) {
    return invalid_field(name, "must be a whole number from " + std::to_string(range.least) +
                                   " to " + std::to_string(range.most));
  }
  return static_cast<int>(*value);
}

Result<bool> Call::flag(std::string_view name, bool otherwise) const {
  const auto text = parameter(name);
  if (!text || text->empty()) return otherwise;
  if (ascii_equal_ignoring_case(*text, "true") || *text == "1") return true;
  if (ascii_equal_ignoring_case(*text, "false") || *text == "0") return false;
  return invalid_field(name, "must be true or false");
}

Result<json::value> Call::body() const { return parse_json(request.body()); }

Result<json::value> Call::strict_body() const {
  const std::string_view type = request.header("Content-Type").value_or("");
  if (!ascii_equal_ignoring_case(trim(type.substr(0, type.find(';'))), "application/json")) {
    return invalid_field("Content-Type", "must be application/json");
  }
  return parse_json(request.body());
}

std::string Call::url(std::string_view path) const {
  return context.options.public_url + std::string(path);
}

http::Response json_response(int status, const json::value& body) {
  return http::make_response(status, "application/json; charset=utf-8", format_json(body));
}

http::Response collection_response(json::array value) {
  json::object body;
  body["count"] = value.size();
  body["value"] = std::move(value);
  return json_response(200, body);
}

http::Response no_content() {
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace latchkey::api
