// The documents that clients ask for before anything else. Contract section 12;
// docs/spec/clients.md.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/call.h"
#include "api/wire.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "base/embedded.h"
#include "base/text.h"

LK_EMBEDDED(locations_json);

namespace latchkey::api {
namespace {

// spec/azure-devops/locations.json: what is served, in the rows that clients know.
Result<http::Response> locations(std::string_view area) {
  LK_TRY(const json::value all, parse_json(embedded::locations_json()));
  json::array value;
  for (const json::value& row : all.as_array()) {
    const std::string_view row_area(row.at("area").as_string());
    if (area.empty() || ascii_equal_ignoring_case(area, row_area)) value.push_back(row);
  }
  return collection_response(std::move(value));
}

Result<http::Response> list_locations(Call&) { return locations(""); }

Result<http::Response> list_locations_of_area(Call& call) {
  return locations(call.match.parameter("area"));
}

// Empty, as on a server of one's own: every client then uses its base address for every area. A
// list with some areas would send tokens for the others to a host that is not ours.
Result<http::Response> list_resource_areas(Call&) { return collection_response({}); }

Result<http::Response> get_resource_area(Call&) {
  return Error(ErrorCode::route_unknown,
               "The list of resource areas is empty: use this server's address for every area.",
               "areaId");
}

// Who is calling, and the organization that they call.
struct Caller {
  core::Person person;
  std::optional<core::Organization> organization;
};

Result<Caller> find_caller(const Call& call) {
  if (call.caller().mechanism() == service::Mechanism::token) {
    LK_TRY(service::Tokens::Self self, call.services().tokens.self(call.caller()));
    return Caller{std::move(self.owner), std::move(self.organization)};
  }
  LK_TRY(core::Person person, call.services().identity.me(call.caller()));
  Caller caller{std::move(person), std::nullopt};
  if (!call.in_organization) return caller;
  LK_TRY(const auto id, call.organization());
  LK_TRY(auto found, call.services().organizations.get(call.caller(), id));
  caller.organization = std::move(found.organization);
  return caller;
}

json::object identity_json(const Call& call, const core::Person& person) {
  const std::string id = format_id(person.id);
  json::object account;
  account["$type"] = "System.String";
  account["$value"] = person.email;
  json::object body;
  body["id"] = id;
  body["descriptor"] = "Microsoft.IdentityModel.Claims.ClaimsIdentity;" +
                       format_uuid(call.context.options.deployment_id) + "\\" + person.email;
  body["subjectDescriptor"] = "aad." + format_base64url(as_bytes(id));
  body["providerDisplayName"] = person.display_name;
  body["isActive"] = true;
  body["properties"] = {{"Account", std::move(account)}};
  body["resourceVersion"] = 2;
  body["metaTypeId"] = 0;
  return body;
}

Result<http::Response> get_connection_data(Call& call) {
  LK_TRY(const Caller caller, find_caller(call));
  const std::string deployment = format_uuid(call.context.options.deployment_id);
  const json::object identity = identity_json(call, caller.person);
  json::object body;
  body["authenticatedUser"] = identity;
  body["authorizedUser"] = identity;
  body["instanceId"] = caller.organization ? format_id(caller.organization->id) : deployment;
  body["deploymentId"] = deployment;
  body["deploymentType"] = "onPremises";
  json::object location;
  location["serviceOwner"] = "00025394-6065-48ca-87d9-7f5672854ef7";
  location["defaultAccessMappingMoniker"] = "PublicAccessMapping";
  location["lastChangeId"] = 1;
  location["lastChangeId64"] = 1;
  body["locationServiceData"] = std::move(location);
  return json_response(200, body);
}

Result<http::Response> get_profile(Call& call) {
  LK_TRY(const Caller caller, find_caller(call));
  const std::string id = format_id(caller.person.id);
  const std::string& asked = call.match.parameter("profileId");
  if (!ascii_equal_ignoring_case(asked, "me") && !ascii_equal_ignoring_case(asked, id)) {
    return Error(ErrorCode::person_unknown, "Only one's own profile can be read here.",
                 "profileId");
  }
  json::object body;
  body["displayName"] = caller.person.display_name;
  body["publicAlias"] = id;
  body["emailAddress"] = caller.person.email;
  body["coreRevision"] = 1;
  body["timeStamp"] = format_date_time(caller.person.created_at);
  body["id"] = id;
  body["revision"] = 1;
  return json_response(200, body);
}

json::object account_json(const Call& call, const core::Organization& organization) {
  json::object body;
  body["accountId"] = format_id(organization.id);
  body["accountUri"] = call.url("/" + organization.name + "/");
  body["accountName"] = organization.name;
  body["properties"] = json::object();
  return body;
}

// A token knows its own organization only.
Result<http::Response> list_accounts(Call& call) {
  LK_TRY(const Caller caller, find_caller(call));
  const auto member = call.parameter("memberId");
  const auto asked = member ? member : call.parameter("ownerId");
  if (!asked) return invalid_field("memberId", "or 'ownerId' is required");
  json::array value;
  if (ascii_equal_ignoring_case(*asked, format_id(caller.person.id))) {
    if (caller.organization) {
      value.push_back(account_json(call, *caller.organization));
    } else {
      LK_TRY(const auto mine, call.services().organizations.list_mine(call.caller()));
      for (const service::OrganizationOfPerson& row : mine) {
        const bool active = row.organization.state == core::OrganizationState::active;
        const bool wanted = member || row.role == core::Role::owner;
        if (active && wanted) value.push_back(account_json(call, row.organization));
      }
    }
  }
  return collection_response(std::move(value));
}

constexpr Route kRoutes[] = {
    {"listLocations", Work::memory, VersionRule::any, list_locations},
    {"listLocationsInOrganization", Work::memory, VersionRule::any, list_locations},
    {"listLocationsOfArea", Work::memory, VersionRule::any, list_locations_of_area},
    {"listLocationsOfAreaInOrganization", Work::memory, VersionRule::any, list_locations_of_area},
    {"listResourceAreas", Work::memory, VersionRule::any, list_resource_areas},
    {"listResourceAreasInOrganization", Work::memory, VersionRule::any, list_resource_areas},
    {"getResourceArea", Work::memory, VersionRule::any, get_resource_area},
    {"getResourceAreaInOrganization", Work::memory, VersionRule::any, get_resource_area},
    {"getConnectionData", Work::store, VersionRule::preview, get_connection_data},
    {"getConnectionDataInOrganization", Work::store, VersionRule::preview, get_connection_data},
    {"getProfile", Work::store, VersionRule::released, get_profile},
    {"getProfileInOrganization", Work::store, VersionRule::released, get_profile},
    {"listAccounts", Work::store, VersionRule::released, list_accounts},
};

}  // namespace

std::span<const Route> location_routes() { return kRoutes; }

}  // namespace latchkey::api
