#include "app/console_clients.h"

#include "app/reveal.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";
constexpr std::string_view kPath = "/clients";
constexpr size_t kPermissionsMax = 16;

http::Response json_response(int status, const json::value& body) {
  return http::make_response(status, kJson, format_json(body));
}

json::object client_json(const core::Client& client, const std::vector<std::string>& names) {
  json::array may;
  for (const core::ClientPermission permission : core::kClientPermissions) {
    if (client.may.has(permission)) may.emplace_back(core::client_permission_name(permission));
  }
  json::array organizations;
  for (const std::string& name : names) organizations.emplace_back(name);
  return {{"id", core::format_id(client.id)},
          {"name", client.name},
          {"may", std::move(may)},
          {"organizations", std::move(organizations)},
          {"createdAt", format_date_time(client.created_at)}};
}

// The texts of the array `field`; none when it is absent. Errors: invalid_argument naming it.
Result<std::vector<std::string>> read_texts(JsonReader& reader, std::string_view field,
                                            size_t count_max) {
  std::vector<std::string> texts;
  const json::value* const value = reader.find(field);
  if (value == nullptr || value->is_null()) return texts;
  if (!value->is_array() || value->as_array().size() > count_max) {
    return invalid_field(field, "must be a list of at most " + std::to_string(count_max));
  }
  for (const json::value& entry : value->as_array()) {
    if (!entry.is_string()) return invalid_field(field, "must be a list of texts");
    texts.emplace_back(std::string_view(entry.as_string()));
  }
  return texts;
}

}  // namespace

Result<http::Response> ConsoleClients::answer(const http::Request& request,
                                              const service::Actor& actor) {
  const std::string_view rest = request.path().substr(kPath.size());
  if (rest.empty() && request.method() == "GET") return list(actor);
  if (rest.empty() && request.method() == "POST") return add(request, actor);
  if (rest.starts_with('/') && request.method() == "DELETE") return remove(rest.substr(1), actor);
  return Error(ErrorCode::route_unknown, "the console has no such route");
}

Result<http::Response> ConsoleClients::list(const service::Actor& actor) {
  LK_TRY(const auto listed, clients_.list(actor));
  json::array value;
  for (const auto& one : listed) value.push_back(client_json(one.client, one.organizations));
  const size_t count = value.size();
  return json_response(200, {{"count", count}, {"value", std::move(value)}});
}

Result<http::Response> ConsoleClients::add(const http::Request& request,
                                           const service::Actor& actor) {
  LK_TRY(const json::value body, parse_json(request.body()));
  LK_TRY(auto reader, JsonReader::object(body));
  service::NewClient asked;
  LK_TRY(asked.name, reader.text("name"));
  LK_TRY(const auto may, read_texts(reader, "may", kPermissionsMax));
  for (const std::string& name : may) {
    const auto permission = core::parse_client_permission(name);
    if (!permission) return invalid_field("may", "must name feed, report or introspect");
    asked.may.add(*permission);
  }
  LK_TRY(asked.organizations, read_texts(reader, "organizations", core::kClientOrganizationsMax));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const auto made, clients_.add(actor, asked));
  json::object answer = client_json(made.value.client, asked.organizations);
  answer["secret"] = reveal_for_body(made.value.text);
  return json_response(201, answer);
}

Result<http::Response> ConsoleClients::remove(std::string_view encoded_name,
                                              const service::Actor& actor) {
  const auto name = percent_decode(encoded_name, PlusSign::literal);
  if (!name) return invalid_field("name", "must be percent-encoded");
  LK_CHECK(clients_.remove(actor, *name));
  http::Response done;
  done.status = 204;
  return done;
}

}  // namespace latchkey::app
