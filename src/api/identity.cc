// People, sessions and one-time links: routes of our own. docs/spec/identity.md.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/authenticate.h"
#include "api/call.h"
#include "api/wire.h"
#include "base/text.h"

namespace latchkey::api {
namespace {

// The text of a secret field. No copy but the result is made: a short one would stay on the stack.
Result<SecretText> read_secret(JsonReader& reader, std::string_view field) {
  const json::value* value = reader.find(field);
  if (value == nullptr) return invalid_field(field, "is required");
  if (!value->is_string()) return invalid_field(field, "must be a string");
  return SecretText(value->get_string());
}

std::string cookie(std::string_view text, int64_t max_age_s) {
  return std::string(kSessionCookie) + '=' + std::string(text) +
         "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(max_age_s);
}

http::Response session_response(Call& call, const service::IssuedSession& issued,
                                const core::Organization* organization) {
  const std::string_view text = issued.text.reveal(RevealSecret{});
  json::object body;
  body["session"] = {{"id", format_id(issued.session.id)},
                     {"token", text},
                     {"expiresAt", format_date_time(issued.session.expires_at)}};
  body["person"] = person_json(issued.person);
  if (organization != nullptr) {
    body["organization"] = {{"id", format_id(organization->id)}, {"name", organization->name}};
  }
  http::Response response = json_response(201, body);
  const Milliseconds life = issued.session.expires_at - call.context.dependencies.clock.now();
  response.add_header("Set-Cookie", cookie(text, life.count() / 1000));
  return response;
}

Result<http::Response> set_up(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  service::SetUp request;
  LK_TRY(request.code, read_secret(reader, "code"));
  LK_TRY(request.organization, reader.text("organization"));
  LK_TRY(request.email, reader.text("email"));
  LK_TRY(request.display_name, reader.text("displayName"));
  LK_TRY(request.password, read_secret(reader, "password"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const auto changed, call.services().identity.set_up(request, call.origin));
  call.revision = changed.revision;
  LK_TRY(const core::Organization organization,
         call.services().organizations.resolve(request.organization));
  return session_response(call, changed.value, &organization);
}

Result<http::Response> sign_in(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const std::string email, reader.text("email"));
  LK_TRY(const SecretText password, read_secret(reader, "password"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const service::IssuedSession issued,
         call.services().identity.sign_in(email, password, call.origin));
  return session_response(call, issued, nullptr);
}

Result<http::Response> list_sessions(Call& call) {
  LK_TRY(const auto sessions, call.services().identity.sessions(call.caller()));
  json::array value;
  for (const store::SessionRow& session : sessions) {
    json::object row;
    row["id"] = format_id(session.id);
    row["createdAt"] = format_date_time(session.created_at);
    row["lastSeenAt"] = format_date_time(session.last_seen_at);
    row["expiresAt"] = format_date_time(session.expires_at);
    row["address"] = session.address;
    row["userAgent"] = session.user_agent;
    row["isCurrent"] = call.caller().session() == session.id;
    value.push_back(std::move(row));
  }
  return collection_response(std::move(value));
}

Result<http::Response> end_other_sessions(Call& call) {
  LK_CHECK(call.services().identity.end_other_sessions(call.caller()));
  return no_content();
}

Result<http::Response> end_session(Call& call) {
  const std::string& asked = call.match.parameter("sessionId");
  const auto current = call.caller().session();
  const bool is_current = ascii_equal_ignoring_case(asked, "current");
  const auto id = is_current ? current : core::parse_id<core::SessionId>(asked);
  if (!id) return Error(ErrorCode::session_not_found);
  LK_CHECK(call.services().identity.end_session(call.caller(), *id));
  http::Response response = no_content();
  if (id == current) response.add_header("Set-Cookie", cookie("", 0));
  return response;
}

Result<http::Response> get_me(Call& call) {
  LK_TRY(const core::Person person, call.services().identity.me(call.caller()));
  LK_TRY(const auto memberships, call.services().organizations.list_mine(call.caller()));
  json::array organizations;
  for (const service::OrganizationOfPerson& membership : memberships) {
    if (membership.organization.state != core::OrganizationState::active) continue;
    organizations.push_back({{"id", format_id(membership.organization.id)},
                             {"name", membership.organization.name},
                             {"role", role_name(membership.role)}});
  }
  json::object body = person_json(person);
  body["organizations"] = std::move(organizations);
  return json_response(200, body);
}

Result<http::Response> change_me(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const std::string display_name, reader.text("displayName"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_CHECK(call.services().identity.change_display_name(call.caller(), display_name));
  return get_me(call);
}

Result<http::Response> change_password(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const SecretText old_password, read_secret(reader, "oldPassword"));
  LK_TRY(const SecretText new_password, read_secret(reader, "newPassword"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_CHECK(call.services().identity.change_password(call.caller(), old_password, new_password));
  return no_content();
}

Result<http::Response> list_mails(Call& call) {
  LK_TRY(const auto mails, call.services().notifier.outbox(call.caller()));
  json::array value;
  for (const store::MailRow& mail : mails) {
    json::object row;
    row["id"] = format_id(mail.id);
    row["recipient"] = mail.recipient;
    row["subject"] = mail.subject;
    row["body"] = mail.body;
    row["createdAt"] = format_date_time(mail.created_at);
    row["sentAt"] = optional_time_json(mail.sent_at);
    row["attempts"] = mail.attempts;
    row["lastError"] = mail.last_error;
    value.push_back(std::move(row));
  }
  return collection_response(std::move(value));
}

std::string_view link_kind_name(store::LinkKind kind) {
  switch (kind) {
    case store::LinkKind::setup: return "setup";
    case store::LinkKind::invitation: return "invitation";
    case store::LinkKind::password_reset: return "passwordReset";
  }
  return "";
}

Result<http::Response> inspect_link(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const SecretText code, read_secret(reader, "code"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const auto info, call.services().identity.inspect_link(code, call.origin));
  json::object answer;
  answer["kind"] = link_kind_name(info.kind);
  answer["email"] = info.email;
  answer["organization"] = info.organization;
  answer["personExists"] = info.person_exists;
  answer["expiresAt"] = format_date_time(info.expires_at);
  return json_response(200, answer);
}

Result<http::Response> accept_invitation(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  service::Identity::Acceptance request;
  LK_TRY(request.code, read_secret(reader, "code"));
  LK_TRY(auto display_name, reader.optional_text("displayName"));
  request.display_name = std::move(display_name).value_or("");
  LK_TRY(request.password, read_secret(reader, "password"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_TRY(const auto changed, call.services().identity.accept_invitation(request, call.origin));
  call.revision = changed.revision;
  return session_response(call, changed.value, nullptr);
}

Result<http::Response> reset_password(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const SecretText code, read_secret(reader, "code"));
  LK_TRY(const SecretText new_password, read_secret(reader, "newPassword"));
  LK_CHECK(reader.refuse_unknown_fields());
  LK_CHECK(call.services().identity.reset_password(code, new_password, call.origin));
  return no_content();
}

Result<http::Response> list_people(Call& call) {
  LK_TRY(const auto people, call.services().identity.people(call.caller()));
  json::array value;
  for (const core::Person& person : people) value.push_back(person_json(person));
  return collection_response(std::move(value));
}

Result<core::Person> asked_person(Call& call) {
  return call.services().identity.find_person(call.caller(), call.match.parameter("personId"));
}

Result<http::Response> get_person(Call& call) {
  LK_TRY(const core::Person person, asked_person(call));
  return json_response(200, person_json(person));
}

Result<http::Response> change_person(Call& call) {
  LK_TRY(const json::value body, call.strict_body());
  LK_TRY(JsonReader reader, JsonReader::object(body));
  LK_TRY(const std::string state, reader.text("state"));
  LK_CHECK(reader.refuse_unknown_fields());
  if (state != "active" && state != "disabled") {
    return invalid_field("state", "must be active or disabled");
  }
  LK_TRY(const core::Person person, asked_person(call));
  LK_TRY(call.revision,
         call.services().identity.set_disabled(call.caller(), person.id, state == "disabled"));
  return get_person(call);
}

Result<http::Response> make_reset_link(Call& call) {
  LK_TRY(const core::Person person, asked_person(call));
  LK_TRY(const service::IssuedLink issued,
         call.services().identity.issue_reset_link(call.caller(), person.id));
  json::object body;
  body["link"] = link_address(call, issued.code);
  body["expiresAt"] = format_date_time(issued.link.expires_at);
  return json_response(201, body);
}

constexpr Route kRoutes[] = {
    {"setUp", Work::password, VersionRule::none, set_up},
    {"signIn", Work::password, VersionRule::none, sign_in},
    {"listSessions", Work::store, VersionRule::none, list_sessions},
    {"endOtherSessions", Work::store, VersionRule::none, end_other_sessions},
    {"endSession", Work::store, VersionRule::none, end_session},
    {"getMe", Work::store, VersionRule::none, get_me},
    {"changeMe", Work::store, VersionRule::none, change_me},
    {"changePassword", Work::password, VersionRule::none, change_password},
    {"listMails", Work::store, VersionRule::none, list_mails},
    {"inspectLink", Work::store, VersionRule::none, inspect_link},
    {"acceptInvitation", Work::password, VersionRule::none, accept_invitation},
    {"resetPassword", Work::password, VersionRule::none, reset_password},
    {"listPeople", Work::store, VersionRule::none, list_people},
    {"getPerson", Work::store, VersionRule::none, get_person},
    {"changePerson", Work::store, VersionRule::none, change_person},
    {"makeResetLink", Work::store, VersionRule::none, make_reset_link},
};

}  // namespace

std::string link_address(const Call& call, const SecretText& code) {
  return call.url("/_latchkey/link#" + std::string(code.reveal(RevealSecret{})));
}

std::span<const Route> identity_routes() { return kRoutes; }

}  // namespace latchkey::api
