#include "app/operations.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "app/version.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

class MetricsText {
 public:
  void add(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    head(name, type, help);
    sample(name, "", value);
  }
  void head(std::string_view name, std::string_view type, std::string_view help) {
    text_ += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " +
             std::string(name) + " " + std::string(type) + "\n";
  }
  void sample(std::string_view name, std::string_view labels, uint64_t value) {
    text_ += std::string(name);
    if (!labels.empty()) text_ += "{" + std::string(labels) + "}";
    text_ += " " + std::to_string(value) + "\n";
  }
  // A time in seconds, with milliseconds behind the point.
  void add_seconds(std::string_view name, std::string_view type, std::string_view help,
                   Milliseconds time) {
    head(name, type, help);
    const int64_t ms = std::max<int64_t>(0, time.count());
    std::string fraction = std::to_string(ms % 1000);
    fraction.insert(0, 3 - fraction.size(), '0');
    text_ += std::string(name) + " " + std::to_string(ms / 1000) + "." + fraction + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void add_index(MetricsText& text, const Measurements& m) {
  text.add("latchkey_index_tokens", "gauge", "Tokens in the index.", m.index.tokens);
  text.add("latchkey_index_memberships", "gauge", "Memberships in the index.", m.index.memberships);
  text.add("latchkey_index_memory_bytes", "gauge", "Memory of the index.", m.index.memory_bytes);
  text.add("latchkey_index_revision", "gauge", "Last change that the index has.",
           m.index.revision.number);
  text.head("latchkey_index_epoch_info", "gauge", "The epoch that the revision counts in.");
  text.sample("latchkey_index_epoch_info", "epoch=\"" + core::format_id(m.index.epoch) + "\"", 1);
  text.add_seconds("latchkey_index_age_seconds", "gauge",
                   "Time since the poll that confirmed the index was sent.", m.index.age);
  text.add_seconds("latchkey_index_age_max_seconds", "gauge",
                   "Age from which every check is refused.", m.staleness_max);
  text.add("latchkey_token_rows_refused_total", "counter",
           "Token rows left out because their MAC was wrong.", m.token_rows_refused);
}

void add_feed(MetricsText& text, const Measurements& m) {
  text.add("latchkey_feed_gates_waiting", "gauge", "Gates that wait for changes now.",
           m.feed.waiting);
  text.head("latchkey_feed_answers_total", "counter", "Answers to gates by kind.");
  text.sample("latchkey_feed_answers_total", "kind=\"changes\"", m.feed.messages);
  text.sample("latchkey_feed_answers_total", "kind=\"snapshot_page\"", m.feed.snapshot_pages);
  text.sample("latchkey_feed_answers_total", "kind=\"truncated\"", m.feed.truncated);
  text.sample("latchkey_feed_answers_total", "kind=\"refused\"", m.feed.refused);
}

void add_snapshot(MetricsText& text, const SnapshotCounters& s) {
  text.add("latchkey_index_snapshot_used", "gauge", "Whether the start was made from a snapshot.",
           s.was_used ? 1 : 0);
  text.add("latchkey_index_snapshot_revision", "gauge",
           "How far the snapshot beside the store is; 0 when there is none.", s.revision);
  text.head("latchkey_index_snapshot_writes_total", "counter", "Snapshots by outcome.");
  text.sample("latchkey_index_snapshot_writes_total", "outcome=\"done\"", s.written);
  text.sample("latchkey_index_snapshot_writes_total", "outcome=\"failed\"", s.failed);
}

void add_usage(MetricsText& text, const Measurements& m) {
  text.add("latchkey_usage_dropped_total", "counter",
           "Uses of tokens that were not counted because there was no room.", m.usage_dropped);
}

void add_http(MetricsText& text, const Measurements& m) {
  text.add("latchkey_http_connections_open", "gauge", "Open connections.", m.http.connections_open);
  text.add("latchkey_http_connections_total", "counter", "Accepted connections.",
           m.http.connections_total);
  text.add("latchkey_http_connections_refused_total", "counter",
           "Connections closed because there were too many.", m.http.connections_refused);
  text.add("latchkey_http_requests_total", "counter", "Requests.", m.http.requests_total);
  text.add("latchkey_http_malformed_total", "counter", "Requests refused before a handler.",
           m.http.malformed_total);
  text.head("latchkey_http_shed_total", "counter",
            "Requests and connections answered 503 because not all could be served.");
  text.sample("latchkey_http_shed_total", "work=\"ordinary\"", m.http.shed_ordinary);
  text.sample("latchkey_http_shed_total", "work=\"essential\"", m.http.shed_essential);
  text.sample("latchkey_http_shed_total", "work=\"connection\"", m.http.shed_connections);
  text.add_seconds(
      "latchkey_http_waited_seconds", "gauge",
      "How long requests waited until they were read, the least of a tenth of a second.",
      Milliseconds(m.http.waited_ms));
  text.add("latchkey_http_buffered_bytes", "gauge",
           "Bytes of requests and answers held now, beyond 4 KiB a connection.",
           m.http.buffered_bytes);
  text.head("latchkey_http_responses_total", "counter", "Answers by class of status.");
  for (int status_class = 1; status_class <= 5; ++status_class) {
    text.sample("latchkey_http_responses_total", "class=\"" + std::to_string(status_class) + "xx\"",
                m.http.responses_by_class[status_class]);
  }
}

void add_tls(MetricsText& text, const Measurements& m) {
  text.add_seconds("latchkey_tls_certificate_expiry_time_seconds", "gauge",
                   "When the certificate in use expires, Unix time.",
                   Milliseconds(m.tls->certificate_not_after.ms));
  text.head("latchkey_tls_reloads_total", "counter", "Reloads of the certificate by outcome.");
  text.sample("latchkey_tls_reloads_total", "outcome=\"done\"", m.tls->reloads_done);
  text.sample("latchkey_tls_reloads_total", "outcome=\"failed\"", m.tls->reloads_failed);
  text.head("latchkey_tls_handshakes_total", "counter", "TLS handshakes by outcome.");
  text.sample("latchkey_tls_handshakes_total", "outcome=\"done\"", m.http.tls_handshakes_total);
  text.sample("latchkey_tls_handshakes_total", "outcome=\"failed\"", m.http.tls_handshakes_failed);
}

void add_gate(MetricsText& text, const GateMeasurements& m) {
  const gate::GateCounters& d = m.decisions;
  text.head("latchkey_gate_decisions_total", "counter", "Decisions about requests by outcome.");
  for (const auto& [outcome, value] :
       {std::pair{"allowed", d.allowed}, std::pair{"preflight", d.preflights},
        std::pair{"400", d.refused_400}, std::pair{"401", d.refused_401},
        std::pair{"403", d.refused_403}, std::pair{"404", d.refused_404},
        std::pair{"405", d.refused_405}, std::pair{"503", d.refused_503}}) {
    text.sample("latchkey_gate_decisions_total", "outcome=\"" + std::string(outcome) + "\"", value);
  }
  text.add("latchkey_gate_apis", "gauge", "APIs behind the gate.", m.files.apis);
  text.add("latchkey_gate_operations", "gauge", "Operations of these APIs.", m.files.operations);
  text.head("latchkey_gate_reloads_total", "counter", "Reloads of the APIs by outcome.");
  text.sample("latchkey_gate_reloads_total", "outcome=\"done\"", m.files.reloads_done);
  text.sample("latchkey_gate_reloads_total", "outcome=\"failed\"", m.files.reloads_failed);
  text.add("latchkey_gate_files_current", "gauge",
           "0 when what stands in the files now was refused, and the APIs of before are in use.",
           m.files.is_current ? 1 : 0);
  text.add("latchkey_gate_requests_waiting", "gauge",
           "Requests that wait for a revision, beside those that a thread waits for.", m.waiting);
}

// `name` as a label's value.
std::string label_value(std::string_view name) {
  std::string value;
  for (const char c : name) {
    if (c == '\\' || c == '"') value += '\\';
    value += c == '\n' ? ' ' : c;
  }
  return value;
}

void add_upstreams(MetricsText& text, const GateMeasurements& m) {
  if (m.upstreams.empty()) return;
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                        uint64_t http::UpstreamCounters::*member) {
    text.head(name, type, help);
    for (const auto& [api, counters] : m.upstreams) {
      text.sample(name, "api=\"" + label_value(api) + "\"", counters.*member);
    }
  };
  using C = http::UpstreamCounters;
  each("latchkey_upstream_requests_total", "counter", "Requests sent on.", &C::requests_total);
  each("latchkey_upstream_retries_total", "counter", "Requests sent again.", &C::retries_total);
  each("latchkey_upstream_connect_failed_total", "counter", "Connections that failed.",
       &C::connect_failed_total);
  each("latchkey_upstream_timed_out_total", "counter", "Answers that took too long.",
       &C::timed_out_total);
  each("latchkey_upstream_malformed_total", "counter", "Answers that are not HTTP.",
       &C::malformed_total);
  each("latchkey_upstream_broken_total", "counter", "Answers that ended early.", &C::broken_total);
  each("latchkey_upstream_refused_total", "counter", "Requests refused since none was up.",
       &C::down_total);
  each("latchkey_upstream_connections_open", "gauge", "Open connections.", &C::connections_open);
  each("latchkey_upstream_tunnels_open", "gauge", "Open WebSockets.", &C::tunnels_open);
  each("latchkey_upstream_addresses", "gauge", "Addresses.", &C::addresses);
  each("latchkey_upstream_addresses_up", "gauge", "Addresses that are up.", &C::addresses_up);
}

// By the names that every program's process has in Prometheus.
void add_process(MetricsText& text, const Measurements& m) {
  text.add_seconds("process_start_time_seconds", "gauge", "When the process started, Unix time.",
                   Milliseconds(m.started_at_ms));
  text.add_seconds("process_cpu_seconds_total", "counter", "User and system time.", m.process.cpu);
  text.add("process_resident_memory_bytes", "gauge", "Resident memory.", m.process.resident_bytes);
  text.add("process_open_fds", "gauge", "Open files and sockets.", m.process.files_open);
  text.add("process_max_fds", "gauge", "Files and sockets that may be open.", m.process.files_max);
}

uint64_t seconds_of(Milliseconds age) {
  return static_cast<uint64_t>(std::max<int64_t>(0, age.count() / 1000));
}

void add_keys(MetricsText& text, const Measurements& m) {
  text.head("latchkey_keys", "gauge", "Keys, the current one and older ones.");
  text.sample("latchkey_keys", "kind=\"digest\"", m.digest_keys);
  text.sample("latchkey_keys", "kind=\"row\"", m.row_keys);
  text.head("latchkey_key_age_seconds", "gauge", "Since the current key was made.");
  text.sample("latchkey_key_age_seconds", "kind=\"digest\"", seconds_of(m.digest_key_age));
  text.sample("latchkey_key_age_seconds", "kind=\"row\"", seconds_of(m.row_key_age));
}

// What only the process with the store has.
void add_store(MetricsText& text, const Measurements& m) {
  text.head("latchkey_checks_total", "counter", "Checked credentials by outcome.");
  text.sample("latchkey_checks_total", "outcome=\"granted\"", m.checks.checks_granted);
  text.sample("latchkey_checks_total", "outcome=\"refused\"", m.checks.checks_refused);
  text.head("latchkey_asked_tokens_total", "counter",
            "Tokens that resource servers asked about, by introspection and batch check.");
  text.sample("latchkey_asked_tokens_total", "answer=\"active\"", m.checks.asked_active);
  text.sample("latchkey_asked_tokens_total", "answer=\"inactive\"", m.checks.asked_inactive);
  text.add("latchkey_revoked_by_holders_total", "counter",
           "Tokens that were revoked by who presented their text.", m.checks.revoked_by_holders);
  text.add("latchkey_sign_ins_refused_total", "counter", "Refused sign-ins.",
           m.checks.sign_ins_refused);
  text.head("latchkey_unavailable_answers_total", "counter",
            "Answers of the API with status 503 by what was not there.");
  for (const auto& [reason, value] : {std::pair{"store", m.checks.unavailable_store},
                                      std::pair{"index", m.checks.unavailable_index},
                                      std::pair{"room", m.checks.unavailable_room},
                                      std::pair{"time", m.checks.unavailable_time}}) {
    text.sample("latchkey_unavailable_answers_total", "reason=\"" + std::string(reason) + "\"",
                value);
  }
  text.add("latchkey_background_failures_total", "counter",
           "Steps of background work that failed; the log says which.", m.background_failures);
  text.head("latchkey_jobs_queued", "gauge", "Jobs that wait for a thread.");
  text.sample("latchkey_jobs_queued", "pool=\"store\"", m.store_jobs_queued);
  text.sample("latchkey_jobs_queued", "pool=\"passwords\"", m.password_jobs_queued);
  text.add("latchkey_store_needs_restart", "gauge",
           "1 when a sync of the database failed: changes are refused until a restart.",
           m.store_needs_restart ? 1 : 0);
  text.add("latchkey_mails_unsent", "gauge", "Mails that wait in the outbox.", m.mails_unsent);
  text.add("latchkey_mails_given_up", "gauge",
           "Mails that were refused too often to be tried again.", m.mails_given_up);
  add_feed(text, m);
  add_snapshot(text, m.snapshot);
  add_keys(text, m);
}

}  // namespace

std::optional<std::string> not_ready_reason(const Measurements& m) {
  if (!m.index.loaded) return "the index is not loaded yet";
  if (!m.is_serving) return "the server is starting or stopping";
  if (m.index.age > m.staleness_max) {
    return "the index is " + std::to_string(m.index.age.count()) + " ms old, more than " +
           std::to_string(m.staleness_max.count()) + " ms";
  }
  return std::nullopt;
}

std::string format_metrics(const Measurements& m) {
  MetricsText text;
  text.head("latchkey_build_info", "gauge", "The version that runs.");
  text.sample("latchkey_build_info", "version=\"" + std::string(kVersion) + "\"", 1);
  text.add("latchkey_ready", "gauge", "Whether requests may be sent here.",
           not_ready_reason(m) ? 0 : 1);
  add_index(text, m);
  if (m.has_store) add_store(text, m);
  add_usage(text, m);
  add_http(text, m);
  if (m.tls) add_tls(text, m);
  if (m.gate) add_gate(text, *m.gate);
  if (m.gate) add_upstreams(text, *m.gate);
  add_process(text, m);
  return text.take();
}

ProcessMeasurements measure_process() {
  ProcessMeasurements p;
  std::ifstream file("/proc/self/statm");
  uint64_t pages_total = 0;
  uint64_t pages_resident = 0;
  file >> pages_total >> pages_resident;
  p.resident_bytes = pages_resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto milliseconds = [](const timeval& time) {
      return Milliseconds(int64_t{time.tv_sec} * 1000 + time.tv_usec / 1000);
    };
    p.cpu = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) p.files_max = limit.rlim_cur;
  std::error_code failed;
  for (auto at = std::filesystem::directory_iterator("/proc/self/fd", failed);
       !failed && at != std::filesystem::directory_iterator(); at.increment(failed)) {
    ++p.files_open;
  }
  return p;
}

void OperationsHandler::handle(const http::Request& request, http::Reply reply) {
  if (request.method() != "GET" && request.method() != "HEAD") {
    auto refused = http::make_response(405, kText, "GET only\n");
    refused.add_header("Allow", "GET, HEAD");
    reply.send(std::move(refused));
    return;
  }
  const std::string_view path = request.path();
  if (path == "/health/live") {
    reply.send(http::make_response(200, kText, "alive\n"));
  } else if (path == "/health/ready") {
    const auto reason = not_ready_reason(measure_());
    reply.send(http::make_response(reason ? 503 : 200, kText,
                                   reason ? "not ready: " + *reason + "\n" : "ready\n"));
  } else if (path == "/metrics") {
    reply.send(http::make_response(200, "text/plain; version=0.0.4; charset=utf-8",
                                   format_metrics(measure_())));
  } else {
    reply.send(http::make_response(
        404, kText, "nothing here; there are /health/live, /health/ready and /metrics\n"));
  }
}

}  // namespace latchkey::app
