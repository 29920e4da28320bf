#include "app/console.h"

#include <unistd.h>

#include <utility>

#include "api/errors.h"
#include "app/reveal.h"
#include "app/version.h"
#include "base/mutex.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kJson = "application/json; charset=utf-8";

http::Response json_response(int status, const json::value& body) {
  return http::make_response(status, kJson, format_json(body));
}

service::RequestOrigin origin_of(const http::Request& request) {
  const auto agent = request.header("user-agent").value_or("");
  return {"unix", std::string(agent.substr(0, 256)), std::string(request.request_id())};
}

json::value optional_time(const std::optional<Instant>& instant) {
  if (!instant) return nullptr;
  return json::value(format_date_time(*instant));
}

json::object person_json(const core::Person& person) {
  return {{"id", core::format_id(person.id)},
          {"email", person.email},
          {"displayName", person.display_name},
          {"state", person.state == core::PersonState::active ? "active" : "disabled"},
          {"isOperator", person.is_operator},
          {"createdAt", format_date_time(person.created_at)},
          {"lastSignInAt", optional_time(person.last_sign_in_at)}};
}

}  // namespace

// The one walk through the log that may run at a time, and how the last one ended.
struct Console::AuditRun {
  enum class State { none, running, done, failed };
  mutable Mutex mutex;
  State state LK_GUARDED_BY(mutex) = State::none;
  uint64_t events_done LK_GUARDED_BY(mutex) = 0;
  uint64_t events_total LK_GUARDED_BY(mutex) = 0;
  store::AuditReport report LK_GUARDED_BY(mutex);
  Error error LK_GUARDED_BY(mutex){ErrorCode::internal};
};

Console::Console(const ConsoleDependencies& dependencies, ConsoleOptions options)
    : dependencies_(dependencies),
      options_(std::move(options)),
      audit_(std::make_unique<AuditRun>()) {}

Console::~Console() = default;

service::Actor Console::actor(const http::Request& request) const {
  return service::Actor::by_console(service::ActorPasskey(), origin_of(request));
}

void Console::handle(const http::Request& request, http::Reply reply) {
  auto& pool = request.path() == "/setup" ? dependencies_.password_workers : dependencies_.workers;
  // Shared, so that it can still be answered when the pool refuses the job.
  auto shared = std::make_shared<http::Reply>(std::move(reply));
  const auto error_answer = [this](const Error& error) {
    return api::error_response(error, {options_.public_url, false});
  };
  const bool posted = pool.post([this, &request, shared, error_answer] {
    auto answered = answer(request);
    shared->send(answered ? std::move(*answered) : error_answer(answered.error()));
  });
  if (!posted) shared->send(error_answer(Error(ErrorCode::overloaded, "the server is busy")));
}

Console::Answer Console::answer(const http::Request& request) {
  const std::string_view path = request.path();
  const bool is_get = request.method() == "GET";
  const bool is_post = request.method() == "POST";
  if (path == "/status" && is_get) return status();
  if (path == "/setup-link" && is_post) return setup_link(request);
  if (path == "/setup" && is_post) return set_up(request);
  if (path == "/people" && is_get) return people(request);
  if (path == "/backup" && is_post) return dependencies_.backup.start(request);
  if (path == "/backup" && is_get) return dependencies_.backup.progress();
  if (path == "/audit/verify" && is_post) return start_audit();
  if (path == "/audit/verify" && is_get) return audit_progress();
  if (path.starts_with("/keys")) return dependencies_.keys.answer(request, actor(request));
  if (path == "/clients" || path.starts_with("/clients/")) {
    return dependencies_.clients.answer(request, actor(request));
  }
  if (path.starts_with("/people/") && is_post) return answer_person(request, path.substr(8));
  return Error(ErrorCode::route_unknown, "the console has no such route");
}

Console::Answer Console::answer_person(const http::Request& request, std::string_view rest) {
  const size_t slash = rest.find('/');
  const auto person = core::parse_id<core::PersonId>(rest.substr(0, slash));
  const std::string_view what = slash == rest.npos ? "" : rest.substr(slash + 1);
  if (!person) return Error(ErrorCode::person_unknown, "there is no such person");
  if (what == "reset-link") return reset_link(request, *person);
  if (what == "state") return change_state(request, *person);
  return Error(ErrorCode::route_unknown, "the console has no such route");
}

Console::Answer Console::status() {
  LK_TRY(const bool needs_set_up, dependencies_.identity.needs_set_up());
  const auto index = dependencies_.verifier.status();
  const uint64_t head = dependencies_.store.head().revision.number;
  const core::Revision before{head == 0 ? 0 : head - 1};
  LK_TRY(const auto last, dependencies_.store.events(before, 1, Milliseconds(0)));
  const json::value body = {
      {"version", kVersion},
      {"deploymentId", options_.deployment_id},
      {"publicUrl", options_.public_url},
      {"serverUrl", options_.server_url},
      {"operationsUrl", options_.operations_url},
      {"processId", static_cast<int64_t>(::getpid())},
      {"needsSetup", needs_set_up},
      {"epoch", core::format_id(index.epoch)},
      {"revision", index.revision.number},
      {"tokens", index.tokens},
      {"indexAgeMs", index.age.count()},
      {"lastEventAt", last.empty() ? json::value() : json::value(format_date_time(last[0].at))},
  };
  return json_response(200, body);
}

Console::Answer Console::setup_link(const http::Request& request) {
  LK_TRY(const auto issued, dependencies_.identity.issue_setup_link(origin_of(request)));
  return json_response(201, {{"link", reveal_link(options_.public_url, issued.code)},
                             {"expiresAt", format_date_time(issued.link.expires_at)}});
}

Console::Answer Console::set_up(const http::Request& request) {
  LK_TRY(const json::value body, parse_json(request.body()));
  LK_TRY(auto reader, JsonReader::object(body));
  service::SetUp asked;
  LK_TRY(asked.organization, reader.text("organization"));
  LK_TRY(asked.email, reader.text("email"));
  LK_TRY(asked.display_name, reader.text("displayName"));
  LK_TRY(std::string password, reader.text("password"));
  asked.password = SecretText::take(std::move(password));
  LK_CHECK(reader.refuse_unknown_fields());

  const auto origin = origin_of(request);
  LK_TRY(auto link, dependencies_.identity.issue_setup_link(origin));
  asked.code = std::move(link.code);
  LK_TRY(const auto made, dependencies_.identity.set_up(asked, origin));
  dependencies_.verifier.wait_for(made.revision, options_.index_wait_max);
  const auto& session = made.value.session;
  return json_response(201, {{"session",
                              {{"id", core::format_id(session.id)},
                               {"token", reveal_for_body(made.value.text)},
                               {"expiresAt", format_date_time(session.expires_at)}}},
                             {"person", person_json(made.value.person)},
                             {"organization", {{"name", asked.organization}}}});
}

Console::Answer Console::people(const http::Request& request) {
  LK_TRY(const auto all, dependencies_.identity.people(actor(request)));
  json::array value;
  for (const core::Person& person : all) value.push_back(person_json(person));
  const size_t count = value.size();
  return json_response(200, {{"count", count}, {"value", std::move(value)}});
}

Console::Answer Console::reset_link(const http::Request& request, core::PersonId person) {
  LK_TRY(const auto issued, dependencies_.identity.issue_reset_link(actor(request), person));
  return json_response(201, {{"link", reveal_link(options_.public_url, issued.code)},
                             {"expiresAt", format_date_time(issued.link.expires_at)}});
}

Console::Answer Console::change_state(const http::Request& request, core::PersonId person) {
  LK_TRY(const json::value body, parse_json(request.body()));
  LK_TRY(auto reader, JsonReader::object(body));
  LK_TRY(const std::string state, reader.text("state"));
  LK_CHECK(reader.refuse_unknown_fields());
  if (state != "active" && state != "disabled") {
    return invalid_field("state", "must be active or disabled");
  }
  const auto who = actor(request);
  LK_TRY(const auto revision,
         dependencies_.identity.set_disabled(who, person, state == "disabled"));
  dependencies_.verifier.wait_for(revision, options_.index_wait_max);
  LK_TRY(const auto changed, dependencies_.identity.find_person(who, core::format_id(person)));
  return json_response(200, person_json(changed));
}

Console::Answer Console::start_audit() {
  {
    const MutexLock lock(audit_->mutex);
    if (audit_->state == AuditRun::State::running)
      return json_response(202, {{"state", "running"}});
    audit_->state = AuditRun::State::running;
    audit_->events_done = 0;
    audit_->events_total = 0;
  }
  if (!dependencies_.workers.post([this] { run_audit(); })) {
    const MutexLock lock(audit_->mutex);
    audit_->state = AuditRun::State::none;
    return Error(ErrorCode::overloaded, "the server is busy");
  }
  return json_response(202, {{"state", "running"}});
}

void Console::run_audit() {
  const auto on_progress = [this](uint64_t done, uint64_t total) {
    const MutexLock lock(audit_->mutex);
    audit_->events_done = done;
    audit_->events_total = total;
  };
  auto report = store::verify_audit(dependencies_.store, on_progress);
  if (report) {
    if (auto held = store::verify_rights(dependencies_.store); !held) report = held.error();
  }
  const MutexLock lock(audit_->mutex);
  audit_->state = report ? AuditRun::State::done : AuditRun::State::failed;
  if (report) {
    audit_->report = *report;
  } else {
    audit_->error = report.error();
  }
}

Console::Answer Console::audit_progress() const {
  const MutexLock lock(audit_->mutex);
  switch (audit_->state) {
    case AuditRun::State::none: return json_response(200, {{"state", "none"}});
    case AuditRun::State::running:
      return json_response(
          200,
          {{"state", "running"}, {"done", audit_->events_done}, {"total", audit_->events_total}});
    case AuditRun::State::done:
      return json_response(200, {{"state", "done"},
                                 {"events", audit_->report.events},
                                 {"tokens", audit_->report.tokens},
                                 {"contextsErased", audit_->report.contexts_erased}});
    case AuditRun::State::failed:
      return json_response(200,
                           {{"state", "failed"},
                            {"isViolated", audit_->error.code == ErrorCode::integrity_violated},
                            {"message", audit_->error.message}});
  }
  return Error(ErrorCode::internal);
}

}  // namespace latchkey::app
