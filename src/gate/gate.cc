#include "gate/gate.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "core/organization.h"
#include "gate/cors.h"
#include "gate/credential.h"
#include "gate/lesson.h"
#include "gate/refusal.h"
#include "gate/token_link.h"

namespace latchkey::gate {
namespace {

constexpr std::string_view kMisleading[] = {
    "x-http-method-override", "x-http-method",  "x-method-override", "x-original-method",
    "x-original-uri",         "x-original-url", "x-rewrite-url"};

// `name` as programs read it that make variables of headers.
std::string canonical_name(std::string_view name) {
  std::string lower = ascii_lower(name);
  std::replace(lower.begin(), lower.end(), '_', '-');
  return lower;
}

Result<void> refuse_misleading(const http::Request& request) {
  for (const http::Header& header : request.headers()) {
    if (header.name.size() < 9) continue;  // shorter than all of them
    if (!is_misleading_header(header.name)) continue;
    return Error(ErrorCode::request_malformed,
                 "The header " + std::string(header.name) +
                     " could have the server behind the gate read another request.",
                 std::string(header.name));
  }
  return {};
}

// `<epoch>.<revision>` of the request; nothing if it has none.
Result<std::optional<core::Position>> read_min_revision(const http::Request& request) {
  const size_t count = request.count_headers(kMinRevisionHeader);
  if (count == 0) return std::optional<core::Position>();
  const std::string_view text = request.header(kMinRevisionHeader).value_or("");
  const size_t dot = text.find('.');
  const auto epoch = core::parse_id<core::Epoch>(text.substr(0, dot));
  const auto number = dot == text.npos ? std::nullopt : parse_unsigned(text.substr(dot + 1));
  if (count > 1 || !epoch || !number) {
    return Error(ErrorCode::request_malformed,
                 "X-Latchkey-Min-Revision must be one <epoch>.<revision>.",
                 std::string(kMinRevisionHeader));
  }
  return std::optional(core::Position{*epoch, {*number}});
}

// `text` as a header's value: what is not printable ASCII, and '%', as %XX.
std::string header_value(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string value;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '%') {
      value += c;
    } else {
      value += '%';
      value += kDigits[byte >> 4];
      value += kDigits[byte & 15];
    }
  }
  return value;
}

enum Outcome : size_t { allowed, preflight, r400, r401, r403, r404, r405, r503 };

Outcome outcome_of(const Decision& decision) {
  if (decision.answer) return preflight;
  if (!decision.refusal) return allowed;
  const int status = refusal_status(decision.refusal->code);
  return status == 400   ? r400
         : status == 401 ? r401
         : status == 403 ? r403
         : status == 404 ? r404
         : status == 405 ? r405
                         : r503;
}

}  // namespace

bool is_misleading_header(std::string_view name) {
  const std::string canonical = canonical_name(name);
  if (std::find(std::begin(kMisleading), std::end(kMisleading), canonical) !=
      std::end(kMisleading)) {
    return true;
  }
  // An underscore hides one of these from us, and shows it to a program that reads CGI variables.
  const bool is_ours = canonical == "authorization" || canonical.starts_with("x-latchkey-");
  return is_ours && name.find('_') != name.npos;
}

void Gate::publish(std::shared_ptr<const ApiTable> table) {
  MutexLock lock(mutex_);
  table_.swap(table);
}

std::shared_ptr<const ApiTable> Gate::table() const {
  MutexLock lock(mutex_);
  return table_;
}

Decision Gate::decide(const http::Request& request, std::string_view authority) {
  Decision decision;
  decision.table = table();
  LK_ASSERT(decision.table);
  if (auto done = decide_into(request, authority, decision); !done) {
    decision.refusal = std::move(done).error();
  }
  count(decision);
  return decision;
}

Result<void> Gate::decide_into(const http::Request& request, std::string_view authority,
                               Decision& decision) {
  const auto host = parse_host(authority);
  if (!host) return Error(ErrorCode::request_malformed, "The request has no host.", "Host");
  decision.host = *host;
  LK_CHECK(refuse_misleading(request));
  if (PathSegments segments; true) {
    LK_CHECK(segments.parse(request.path(), EncodedSlash::in_segment));
  }
  const ApiTable::Choice choice = decision.table->choose(*host, request.path());
  decision.api = choice.api;
  if (decision.api && is_preflight(request)) {
    decision.answer = answer_preflight(decision.api->settings.cors, request);
    if (decision.answer) return {};
    return Error(ErrorCode::permission_denied, "Access Denied: The origin is not allowed here.");
  }
  return authorize(request, choice.organization, decision);
}

Result<void> Gate::authorize(const http::Request& request, std::string_view host_organization,
                             Decision& decision) {
  Credential credential;
  LK_CHECK(credential.read(request));
  LK_CHECK(check_revision(request));
  const OrganizationRule rule = decision.api ? decision.api->settings.organization
                                             : OrganizationRule{OrganizationSource::fixed, ""};
  if (rule.source == OrganizationSource::fixed) decision.organization = rule.name;
  if (rule.source == OrganizationSource::host) decision.organization = host_organization;
  if (!decision.api) {
    return without_route(Error(ErrorCode::route_unknown), credential.secret(), request, decision);
  }
  const Api& api = *decision.api;
  auto match = api.routes.match(request.method(), request.path(), {decision.host, request.query()});
  if (match && !match->route.is_spelled_alike && api.settings.path_case == PathCase::exact) {
    match = Error(ErrorCode::route_unknown);
  }
  if (!match) return without_route(match.error(), credential.secret(), request, decision);
  decision.operation = match->operation;
  decision.access = match->access;
  for (const PathParameter& parameter : match->route.parameters) {
    const bool says_it = rule.source == OrganizationSource::path_parameter;
    if (says_it && parameter.name == rule.name) decision.organization = parameter.value;
  }
  if (credential.kind() == CredentialKind::none) {
    if (decision.access.is_open) return {};
    return Error(ErrorCode::credential_missing);
  }
  LK_TRY(decision.grant, check(credential.secret(), request, decision));
  return {};
}

// The scopes are looked at here, after the token, so that a refusal for them knows whose it is.
Result<verify::Grant> Gate::check(std::string_view secret, const http::Request& request,
                                  Decision& decision) {
  const verify::Moment moment{dependencies_.clock.now(), dependencies_.clock.ticks()};
  std::optional<core::OrganizationId> organization;
  if (!decision.organization.empty()) {
    organization =
        dependencies_.verifier.find_organization(core::organization_key(decision.organization));
  }
  auto checked = dependencies_.verifier.check(secret, organization, any_token_, moment);
  if (!checked) {
    const auto known = dependencies_.verifier.find_token(secret);
    if (known) dependencies_.usage.note({*known, moment.now, false});
    return std::move(checked).error();
  }
  verify::Grant grant = *std::move(checked);
  Use use{grant.token(), moment.now, true, request.peer_address(),
          request.header("User-Agent").value_or("")};
  // A request that is not open says its organization; there may be none of that name.
  const bool is_nowhere = decision.operation ? !organization && !decision.access.is_open
                                             : !organization && !decision.organization.empty();
  Result<void> opens = {};
  if (is_nowhere) {
    opens = Error(ErrorCode::token_wrong_organization);
  } else if (decision.operation && !decision.access.requirement->met_by(grant.scopes())) {
    opens = Error(ErrorCode::scope_missing);  // refuse() says which
  }
  use.allowed = opens.has_value();
  dependencies_.usage.note(use);
  if (!opens) return std::move(opens).error();
  return grant;
}

// Who has no good credential learns nothing of which routes there are.
Error Gate::without_route(Error error, std::string_view secret, const http::Request& request,
                          Decision& decision) {
  if (error.code == ErrorCode::request_malformed) return error;
  if (secret.empty()) return Error(ErrorCode::credential_missing);
  const auto checked = check(secret, request, decision);
  return checked ? error : checked.error();
}

Result<void> Gate::check_revision(const http::Request& request) const {
  LK_TRY(const auto wanted, read_min_revision(request));
  if (!wanted) return {};
  const verify::VerifierStatus status = dependencies_.verifier.status();
  const bool is_here = status.epoch == wanted->epoch && status.revision >= wanted->revision;
  if (is_here) return {};
  return Error(ErrorCode::index_stale,
               "The gate has not heard yet of the revision that the request asks for. Try again.",
               std::string(kMinRevisionHeader));
}

std::optional<core::Revision> Gate::missing_revision(const http::Request& request) const {
  const auto wanted = read_min_revision(request);
  if (!wanted || !*wanted) return std::nullopt;
  const verify::VerifierStatus status = dependencies_.verifier.status();
  if (status.epoch != (*wanted)->epoch || status.revision >= (*wanted)->revision) {
    return std::nullopt;
  }
  return (*wanted)->revision;
}

http::Response Gate::refusal_of(const Decision& decision, const http::Request& request) const {
  return refuse(decision, request,
                choose_form(request.header("Accept").value_or(""),
                            request.header("User-Agent").value_or("")));
}

http::Response Gate::json_refusal_of(const Decision& decision, const http::Request& request) const {
  return refuse(decision, request, RefusalForm::json);
}

http::Response Gate::refuse(const Decision& decision, const http::Request& request,
                            RefusalForm form) const {
  LK_ASSERT(decision.refusal.has_value());
  RefusalScene scene{decision.host, decision.api && decision.api->basic_only, nullptr, form};
  Error error = *decision.refusal;
  Lesson lesson;
  std::vector<std::string> alternatives;
  std::string link;
  if (error.code == ErrorCode::scope_missing && decision.operation) {
    const verify::ScopeRequirement& required = decision.operation->requirement;
    const std::string& operation = decision.operation->operation.operation_id;
    alternatives = name_alternatives(dependencies_.catalog, required);
    if (!options_.public_url.empty()) {
      link = token_page_link(
          options_.public_url,
          {decision.organization, least_scopes(dependencies_.catalog, required), operation});
    }
    lesson = {operation, &alternatives, link};
    error.detail = lesson_scope(lesson);
    scene.lesson = &lesson;
  }
  http::Response response = refusal_response(error, scene);
  if (decision.api) {
    for (auto& [name, value] : cors_headers(decision.api->settings.cors, request)) {
      response.add_header(std::move(name), std::move(value));
    }
  }
  return response;
}

std::vector<std::pair<std::string, std::string>> Gate::identity_headers(
    const Decision& decision) const {
  std::vector<std::pair<std::string, std::string>> headers;
  if (decision.grant) {
    const verify::Grant& grant = *decision.grant;
    const core::Scope* full = dependencies_.catalog.find(core::ScopeCatalog::kFullAccess);
    const bool is_full = full && grant.scopes().contains(full->number);
    headers.emplace_back("X-Latchkey-User", core::format_id(grant.owner()));
    headers.emplace_back("X-Latchkey-Token", core::format_id(grant.token()));
    headers.emplace_back("X-Latchkey-Organization", core::format_id(grant.organization()));
    headers.emplace_back("X-Latchkey-Organization-Name", header_value(decision.organization));
    headers.emplace_back("X-Latchkey-Scopes", is_full
                                                  ? std::string(core::ScopeCatalog::kFullAccess)
                                                  : dependencies_.catalog.format(grant.scopes()));
  }
  if (decision.operation) {
    headers.emplace_back("X-Latchkey-Operation",
                         header_value(decision.operation->operation.operation_id));
  }
  return headers;
}

void Gate::count(const Decision& decision) {
  counts_[outcome_of(decision)].fetch_add(1, std::memory_order_relaxed);
}

GateCounters Gate::counters() const {
  const auto at = [&](Outcome outcome) { return counts_[outcome].load(std::memory_order_relaxed); };
  return {at(allowed), at(preflight), at(r400), at(r401), at(r403), at(r404), at(r405), at(r503)};
}

}  // namespace latchkey::gate
