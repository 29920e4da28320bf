// Organizations, members and invitations: routes of our own. docs/spec/organizations.md.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/call.h"
#include "api/wire.h"

namespace latchkey::api {
namespace {

json::object organization_json(const core::Organization& organization,
                               std::optional<core::Role> role) {
  json::object body;
  body["id"] = format_id(organization.id);
  body["name"] = organization.name;
  body["state"] = organization.state == core::OrganizationState::active ? "active" : "deleted";
  if (role) body["role"] = role_name(*role);
  body["createdAt"] = format_date_time(organization.created_at);
  body["deletedAt"] = optional_time_json(organization.deleted_at);
  return body;
}

json::object member_json(const core::Person& person, const core::Membership& membership) {
  json::object body;
  body["person"] = person_json(person);
  body["role"] = role_name(membership.role);
  body["createdAt"] = format_date_time(membership.created_at);
  return body;
}

// The organization that the path names, by name or id. Who may not see it is told so before
// anything else of the request is looked at: an error in the body would say that it exists.
Result<core::OrganizationId> asked_organization(const Call& call) {
  service::Organizations& organizations = call.services().organizations;
  LK_TRY(const core::Organization named,
         organizations.resolve(call.match.parameter("organization")));
  LK_CHECK(organizations.get(call.caller(), named.id));
  return named.id;
}

// A body with the one field `name`.
Result<std::string> read_name(const Call& call, bool required) {
  if (!required && call.request.body().empty()) return std::string();
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(auto name, reader.optional_text("name"));
  LK_CHECK(reader.refuse_unknown_fields());
  if (required && !name) return invalid_field("name", "is required");
  return std::move(name).value_or("");
}

Result<http::Response> list_organizations(Call& call) {
  LK_TRY(const auto organizations, call.services().organizations.list_mine(call.caller()));
  json::array value;
  for (const service::OrganizationOfPerson& row : organizations) {
    value.push_back(organization_json(row.organization, row.role));
  }
  return collection_response(std::move(value));
}

Result<http::Response> create_organization(Call& call) {
  LK_TRY(const std::string name, read_name(call, true));
  LK_TRY(const auto changed, call.services().organizations.create(call.caller(), name));
  call.revision = changed.revision;
  return json_response(201, organization_json(changed.value, core::Role::owner));
}

Result<http::Response> get_organization(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto found, call.services().organizations.get(call.caller(), id));
  return json_response(200, organization_json(found.organization, found.role));
}

Result<http::Response> rename_organization(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const std::string name, read_name(call, true));
  LK_TRY(const auto changed, call.services().organizations.rename(call.caller(), id, name));
  call.revision = changed.revision;
  return json_response(200, organization_json(changed.value, std::nullopt));
}

Result<http::Response> delete_organization(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto changed, call.services().organizations.remove(call.caller(), id));
  call.revision = changed.revision;
  return no_content();
}

// By id too when it is deleted, which resolve() does not find: its name may be another's by now.
Result<core::OrganizationId> asked_deleted_organization(const Call& call) {
  const auto id = core::parse_id<core::OrganizationId>(call.match.parameter("organization"));
  if (id) return *id;
  return asked_organization(call);
}

Result<http::Response> recover_organization(Call& call) {
  LK_TRY(const auto id, asked_deleted_organization(call));
  LK_TRY(const std::string name, read_name(call, false));
  LK_TRY(const auto changed, call.services().organizations.recover(call.caller(), id, name));
  call.revision = changed.revision;
  return json_response(200, organization_json(changed.value, std::nullopt));
}

Result<http::Response> list_members(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto members, call.services().organizations.members(call.caller(), id));
  json::array value;
  for (const store::MemberRow& row : members) {
    value.push_back(member_json(row.person, row.membership));
  }
  return collection_response(std::move(value));
}

// The member as it is now, with the person, who every member may see.
Result<http::Response> member_response(Call& call, int status, core::OrganizationId id,
                                       const core::Membership& membership) {
  LK_TRY(const auto members, call.services().organizations.members(call.caller(), id));
  for (const store::MemberRow& row : members) {
    if (row.person.id == membership.person) {
      return json_response(status, member_json(row.person, row.membership));
    }
  }
  return Error(ErrorCode::member_unknown);
}

Result<http::Response> add_member(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const std::string person_text, reader.text("personId"));
  LK_TRY(const core::Role role, read_role(reader, "role"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const auto person, read_id<core::PersonId>(person_text, "personId"));
  LK_TRY(const auto changed,
         call.services().organizations.add_member(call.caller(), id, person, role));
  call.revision = changed.revision;
  return member_response(call, 201, id, changed.value);
}

Result<http::Response> change_role(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto person, read_id<core::PersonId>(call.match.parameter("personId"), "personId"));
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const core::Role role, read_role(reader, "role"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const auto changed,
         call.services().organizations.change_role(call.caller(), id, person, role));
  call.revision = changed.revision;
  return member_response(call, 200, id, changed.value);
}

Result<http::Response> remove_member(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto person, read_id<core::PersonId>(call.match.parameter("personId"), "personId"));
  LK_TRY(call.revision, call.services().organizations.remove_member(call.caller(), id, person));
  return no_content();
}

json::object invitation_json(const store::LinkRow& link) {
  json::object body;
  body["id"] = format_id(link.id);
  body["email"] = link.email;
  body["role"] = role_name(link.role.value_or(core::Role::reader));
  body["createdAt"] = format_date_time(link.created_at);
  body["expiresAt"] = format_date_time(link.expires_at);
  return body;
}

Result<http::Response> list_invitations(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto invitations, call.services().identity.invitations(call.caller(), id));
  json::array value;
  for (const store::LinkRow& link : invitations) value.push_back(invitation_json(link));
  return collection_response(std::move(value));
}

Result<http::Response> invite(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const std::string email, reader.text("email"));
  LK_TRY(const core::Role role, read_role(reader, "role"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const service::IssuedLink issued,
         call.services().identity.invite(call.caller(), id, email, role));
  json::object answer = invitation_json(issued.link);
  answer["link"] = link_address(call, issued.code);
  return json_response(201, answer);
}

Result<http::Response> withdraw_invitation(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto link,
         read_id<core::LinkId>(call.match.parameter("invitationId"), "invitationId"));
  LK_CHECK(call.services().identity.withdraw_invitation(call.caller(), id, link));
  return no_content();
}

Result<http::Response> revoke_token_of_member(Call& call) {
  LK_TRY(const auto id, asked_organization(call));
  LK_TRY(const auto token,
         read_id<core::TokenId>(call.match.parameter("authorizationId"), "authorizationId"));
  LK_TRY(const auto changed,
         call.services().tokens.revoke_as_administrator(call.caller(), id, token));
  call.revision = changed.revision;
  return no_content();
}

constexpr Route kRoutes[] = {
    {"listOrganizations", Work::store, VersionRule::none, list_organizations},
    {"createOrganization", Work::store, VersionRule::none, create_organization},
    {"getOrganization", Work::store, VersionRule::none, get_organization},
    {"renameOrganization", Work::store, VersionRule::none, rename_organization},
    {"deleteOrganization", Work::store, VersionRule::none, delete_organization},
    {"recoverOrganization", Work::store, VersionRule::none, recover_organization},
    {"listMembers", Work::store, VersionRule::none, list_members},
    {"addMember", Work::store, VersionRule::none, add_member},
    {"changeRole", Work::store, VersionRule::none, change_role},
    {"removeMember", Work::store, VersionRule::none, remove_member},
    {"listInvitations", Work::store, VersionRule::none, list_invitations},
    {"invite", Work::store, VersionRule::none, invite},
    {"withdrawInvitation", Work::store, VersionRule::none, withdraw_invitation},
    {"revokeTokenOfMember", Work::store, VersionRule::none, revoke_token_of_member},
};

}  // namespace

std::span<const Route> organization_routes() { return kRoutes; }

}  // namespace latchkey::api
