#include "app/server.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "api/api.h"
#include "app/background.h"
#include "app/backup_run.h"
#include "app/console.h"
#include "app/descriptors.h"
#include "app/feed_hub.h"
#include "app/gate_service.h"
#include "app/index_snapshot.h"
#include "app/keys.h"
#include "app/operations.h"
#include "app/restore.h"
#include "app/smtp_options.h"
#include "app/snapshot_keeper.h"
#include "app/store_choice.h"
#include "app/store_feed.h"
#include "app/tls_files.h"
#include "app/version.h"
#include "base/one_way_clock.h"
#include "base/text.h"
#include "base/time_text.h"
#include "gate/forwarded_request.h"
#include "http/server.h"
#include "service/declared_scopes.h"
#include "service/mailer.h"

namespace latchkey::app {
namespace {

constexpr int kStoreThreads = 4;
constexpr size_t kStoreQueueMax = 1024;
constexpr Milliseconds kStoreWaitMax{250};  // from then on it is better to come back
constexpr size_t kPasswordQueueMax = 64;
constexpr int kLoadTriesMax = 10;
constexpr Milliseconds kLoadPause{300};

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// Checks, what keeps gates current, and what takes rights away.
bool is_essential(const http::Request& request) {
  const std::string_view path = request.path();
  return gate::is_forward_auth_path(path) || path == "/_latchkey/introspect" ||
         path == "/_latchkey/check" || path == "/_latchkey/revoke" ||
         path.starts_with("/_latchkey/feed/") || request.method() == "DELETE";
}

// Holds the port while the rest starts: the API needs to know the port, and the port the handler.
// Requests of proxies about others, with APIs behind the gate, go to the gate.
class Front final : public http::Handler {
 public:
  void open(http::Handler& handler, GateService& gate) {
    gate_ = &gate;
    handler_ = &handler;
  }
  void handle(const http::Request& request, http::Reply reply) override {
    if (http::Handler* handler = handler_.load()) {
      if (gate::is_forward_auth_path(request.path())) {
        if (http::Handler* forward_auth = gate_.load()->forward_auth()) handler = forward_auth;
      }
      handler->handle(request, std::move(reply));
      return;
    }
    auto busy = http::make_response(503, "text/plain; charset=utf-8", "starting\n");
    busy.add_header("Retry-After", "1");
    reply.send(std::move(busy));
  }

 private:
  std::atomic<GateService*> gate_{nullptr};
  std::atomic<http::Handler*> handler_{nullptr};
};

// What the gate tells of tokens goes where our own API's uses go.
class GateUses final : public gate::UsageSink {
 public:
  GateUses(service::LastUseRecorder& last_use, gate::UsageRecorder& counts)
      : last_use_(last_use), counts_(counts) {}
  void note(const gate::Use& use) noexcept override {
    counts_.note({use.token, use.at, use.allowed});
    if (use.allowed) last_use_.note(use.token, use.at, use.address, use.user_agent);
  }

 private:
  service::LastUseRecorder& last_use_;
  gate::UsageRecorder& counts_;
};

Result<std::unique_ptr<service::Mailer>> make_mailer(const Config& config) {
  if (config.smtp_url.empty()) return std::unique_ptr<service::Mailer>();
  LK_TRY(auto options, load_smtp_options(config));
  return service::make_smtp_mailer(std::move(options));
}

// The host of `url`, which load_config() has accepted, without port and brackets.
std::string host_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.find(':')));
}

TlsFileOptions tls_options(const Config& config) {
  return {config.tls_certificate_file, config.tls_key_file, config.tls_minimum_version,
          config.public_url.empty() ? "" : host_of(config.public_url)};
}

service::IdentityOptions identity_options(const Config& config) {
  service::IdentityOptions options;
  options.session_idle_max = std::chrono::hours(config.session_idle_hours);
  options.session_absolute_max = std::chrono::hours(config.session_absolute_hours);
  return options;
}

verify::VerifierOptions verifier_options(const Config& config) {
  verify::VerifierOptions options;
  options.staleness_max = Milliseconds(config.verifier_staleness_max_ms);
  options.poll_wait = std::min(options.poll_wait, options.staleness_max / 4);
  return options;
}

}  // namespace

// Members in the order that they are made in; stop() ends them in the other.
struct Server::State {
  State(const Config& c, Log& l, std::unique_ptr<Keys> k, core::ProviderSignature p)
      : config(c),
        log(l),
        keys(std::move(k)),
        provider(p),
        catalog(core::ScopeCatalog::built_in()) {}

  Result<void> open_store();
  Result<void> load_index();
  Result<void> start_services();
  Result<void> start_listeners();
  Result<void> tell();
  Measurements measure() const;
  void stop(Milliseconds grace);
  service::Dependencies service_dependencies();

  const Config config;
  Log& log;
  const std::unique_ptr<Keys> keys;
  const core::ProviderSignature provider;
  core::ScopeCatalog catalog;  // with the declared scopes from open_store() on
  SystemClock system_clock;
  OneWayClock clock{system_clock};
  SystemEntropy entropy;
  const int64_t started_at_ms = clock.now().ms;
  std::atomic<bool> is_serving{false};
  Started started;

  std::unique_ptr<TlsFiles> tls;  // null: plain HTTP
  std::unique_ptr<store::Store> store;
  std::unique_ptr<StoreFeed> feed;
  FeedLog feed_log;
  std::unique_ptr<RecordingFeed> recording_feed;
  std::unique_ptr<verify::Verifier> verifier;
  std::unique_ptr<IndexSnapshot> snapshot;
  std::unique_ptr<SnapshotKeeper> snapshot_keeper;
  std::unique_ptr<service::Mailer> mailer;
  std::unique_ptr<service::Identity> identity;
  std::unique_ptr<service::Organizations> organizations;
  std::unique_ptr<service::Projects> projects;
  std::unique_ptr<service::Tokens> tokens;
  std::unique_ptr<service::Notifier> notifier;
  std::unique_ptr<service::Clients> clients;
  std::unique_ptr<FeedHub> feed_hub;
  service::LastUseRecorder last_use;
  gate::UsageRecorder usage_recorder;
  std::unique_ptr<service::Usage> usage;
  GateUses gate_uses{last_use, usage_recorder};
  std::unique_ptr<Background> background;
  std::unique_ptr<http::WorkerPool> workers;
  std::unique_ptr<http::WorkerPool> password_workers;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<BackupRun> backup;
  std::unique_ptr<service::KeyChanges> key_changes;
  std::unique_ptr<KeyKeeper> key_keeper;
  std::unique_ptr<RowSigner> row_signer;
  std::unique_ptr<ConsoleKeys> console_keys;
  std::unique_ptr<ConsoleClients> console_clients;
  std::unique_ptr<Console> console;
  Front front;
  std::unique_ptr<OperationsHandler> operations;
  std::unique_ptr<GateService> gate;
  std::unique_ptr<http::Server> http_server;
  std::unique_ptr<http::Server> console_server;
  std::unique_ptr<http::Server> operations_server;
};

service::Dependencies Server::State::service_dependencies() {
  return {*store, clock, entropy, log, catalog, keys->digest_keys(), provider};
}

Result<void> Server::State::open_store() {
  LK_TRY(auto driver, open_driver(config, StoreUse::serve, entropy));
  LK_TRY(store, store::open_store(std::move(driver), {clock, entropy, log, keys->row_keys()}));
  // Before anything takes the catalog.
  LK_TRY(catalog, service::settle_scopes(*store, catalog, config.declared_scopes));
  feed = std::make_unique<StoreFeed>(StoreFeedDependencies{
      *store, catalog, log, clock, [this](store::ReadTx& tx, std::optional<core::Revision> at) {
        return clients->take(tx, at);
      }});
  recording_feed = std::make_unique<RecordingFeed>(*feed, feed_log, clock);
  verifier = std::make_unique<verify::Verifier>(keys->digest_keys(), provider, clock,
                                                verifier_options(config));
  return {};
}

// From the snapshot and what changed since, or from all rows.
Result<void> Server::State::load_index() {
  snapshot = std::make_unique<IndexSnapshot>(
      IndexSnapshotDependencies{*store, *verifier, keys->row_keys(), keys->deployment_id(), catalog,
                                entropy, log, index_snapshot_path(config.data_dir)});
  const bool is_loaded = snapshot->load([&](const SnapshotHeader& header, const auto& names) {
    feed->resume(header.from, header.through, names);
    feed_log.begin({header.from.position(), verify::mark_of(header.from.hash), Ticks{}});
  });
  for (int tries = 1;; ++tries) {
    const auto loaded = is_loaded ? verifier->follow_once(*recording_feed, Milliseconds(0))
                                  : verifier->load(*recording_feed);
    if (loaded) break;
    // A start may fall into a failover: what was read then is read again.
    const bool is_lost = loaded.error().code == ErrorCode::feed_truncated;
    if (!is_lost || tries == kLoadTriesMax) return loaded.error();
    std::this_thread::sleep_for(kLoadPause);
  }
  snapshot_keeper = std::make_unique<SnapshotKeeper>(*snapshot, *verifier, log, is_loaded);
  return {};
}

Result<void> Server::State::start_services() {
  const auto dependencies = service_dependencies();
  identity = std::make_unique<service::Identity>(dependencies, identity_options(config));
  organizations = std::make_unique<service::Organizations>(dependencies);
  projects = std::make_unique<service::Projects>(dependencies);
  tokens = std::make_unique<service::Tokens>(dependencies);
  service::NotifierOptions notifier_options;
  notifier_options.public_url = started.public_url;
  notifier = std::make_unique<service::Notifier>(dependencies, notifier_options, mailer.get());

  usage = std::make_unique<service::Usage>(dependencies);
  clients = std::make_unique<service::Clients>(dependencies);
  LK_CHECK(clients->load());

  key_changes = std::make_unique<service::KeyChanges>(dependencies);
  key_keeper =
      std::make_unique<KeyKeeper>(KeyKeeperDependencies{*keys, *key_changes, clock, entropy, log});
  LK_CHECK(key_keeper->finish_logging());

  uint64_t run = 0;
  LK_CHECK(entropy.fill(std::span(reinterpret_cast<uint8_t*>(&run), sizeof run)));
  feed_hub = std::make_unique<FeedHub>(
      FeedHubDependencies{*store, *keys, catalog, provider, *clients, feed_log, clock,
                          Milliseconds(config.verifier_staleness_max_ms), run});
  LK_CHECK(load_index());
  background = std::make_unique<Background>(
      BackgroundDependencies{*store, *verifier, *recording_feed, *notifier, last_use,
                             usage_recorder, *usage, tokens->idempotency(), clock, log});
  row_signer = std::make_unique<RowSigner>(RowSignerDependencies{*key_keeper, *key_changes, log});
  console_keys = std::make_unique<ConsoleKeys>(*key_keeper, *row_signer, *verifier);
  console_clients = std::make_unique<ConsoleClients>(*clients);
  workers = std::make_unique<http::WorkerPool>(
      kStoreThreads, http::WorkerPool::Bounds{kStoreQueueMax, kStoreWaitMax}, &log);
  password_workers =
      std::make_unique<http::WorkerPool>(std::min(2, cores()), kPasswordQueueMax, &log);

  api::ApiOptions options;
  options.public_url = started.public_url;
  options.deployment_id = keys->deployment_id();
  options.epoch = [this] { return store->head().epoch; };
  const api::Services services{*identity, *organizations, *projects, *tokens, *notifier,
                               last_use,  *clients,       *feed_hub, *usage,  usage_recorder};
  LK_TRY(api, api::Api::create(
                  {services, *verifier, catalog, *workers, *password_workers, clock, entropy, log},
                  options));
  return {};
}

// Takes all addresses, so that one in use is told before anything else is done.
Result<void> Server::State::start_listeners() {
  if (has_tls(config)) {
    tls = std::make_unique<TlsFiles>(tls_options(config), clock, log);
    LK_CHECK(tls->load());
  }
  http::ServerOptions options;
  options.endpoint = {config.listen_address, config.listen_port, ""};
  options.threads =
      config.listen_threads == 0 ? std::min(cores(), 64) : static_cast<int>(config.listen_threads);
  options.limits = http_limits(config);
  options.limits.connections_max = make_room_for_connections(options.limits.connections_max, log);
  options.access_log = config.log_access;
  options.is_essential = is_essential;
  LK_TRY(options.trusted_proxies, http::TrustedProxies::parse_list(config.listen_trusted_proxies));
  LK_TRY(http_server, http::start_server(options, {clock, entropy, log, front,
                                                   tls ? &tls->publication() : nullptr}));

  operations = std::make_unique<OperationsHandler>([this] { return measure(); });
  http::ServerOptions operations_options;
  operations_options.endpoint = {config.operations_address, config.operations_port, ""};
  operations_options.limits.connections_max = 256;
  operations_options.access_log = false;
  LK_TRY(operations_server,
         http::start_server(operations_options, {clock, entropy, log, *operations}));

  started.public_url = effective_public_url(config, http_server->port());
  // A certificate is for the public name, hardly ever for an address.
  started.server_url =
      tls ? started.public_url : local_url(config.listen_address, http_server->port());
  started.operations_url = local_url(config.operations_address, operations_server->port());
  return {};
}

Result<void> Server::State::tell() {
  ConsoleOptions console_options;
  console_options.public_url = started.public_url;
  console_options.server_url = started.server_url;
  console_options.operations_url = started.operations_url;
  console_options.deployment_id = format_uuid(keys->deployment_id());
  backup = std::make_unique<BackupRun>(
      BackupRunDependencies{*store, config.data_dir, *keys, clock, log, *workers});
  console = std::make_unique<Console>(
      ConsoleDependencies{*identity, *verifier, *store, *workers, *password_workers, *backup,
                          *console_keys, *console_clients},
      console_options);
  http::ServerOptions options;
  options.endpoint.unix_path = socket_path(config.data_dir);
  options.limits.connections_max = 64;
  options.access_log = config.log_access;
  LK_TRY(console_server, http::start_server(options, {clock, entropy, log, *console}));

  LK_TRY(const bool needs_set_up, identity->needs_set_up());
  if (needs_set_up) {
    LK_TRY(auto link, identity->issue_setup_link({"", "latchkey serve", ""}));
    started.setup_code = std::move(link.code);
  }
  LK_TRY(gate, GateService::start({config, *verifier, catalog, gate_uses, clock, entropy, log},
                                  started.public_url));
  started.gate_url = gate->url();
  front.open(*api, *gate);
  is_serving = true;
  const auto status = verifier->status();
  log.info("serve.ready", {{"version", kVersion},
                           {"url", started.public_url},
                           {"operations", started.operations_url},
                           {"tokens", static_cast<int64_t>(status.tokens)},
                           {"epoch", core::format_id(status.epoch)},
                           {"revision", static_cast<int64_t>(status.revision.number)},
                           {"ms", clock.now().ms - started_at_ms}});
  return {};
}

Measurements Server::State::measure() const {
  Measurements m;
  m.staleness_max = Milliseconds(config.verifier_staleness_max_ms);
  m.is_serving = is_serving;
  m.started_at_ms = started_at_ms;
  m.process = measure_process();
  if (tls) m.tls = tls->measure();
  if (verifier) m.index = verifier->status();
  if (!m.is_serving) return m;  // the rest is being made, or ended
  m.token_rows_refused = feed->tampered_tokens();
  m.feed = feed_hub->counters();
  m.snapshot = snapshot_keeper->counters();
  m.usage_dropped = usage_recorder.dropped();
  m.store_needs_restart = store->needs_restart();
  m.checks = api->counters();
  m.http = http_server->counters();
  if (gate->measure().files.apis > 0) m.gate = gate->measure();
  m.store_jobs_queued = workers->queued();
  m.password_jobs_queued = password_workers->queued();
  m.mails_unsent = background->mails_unsent();
  m.mails_given_up = background->mails_given_up();
  m.background_failures = background->failures();
  m.digest_keys = keys->digest_keys().ids().size();
  for (const DigestKeyFacts& key : keys->digest_key_facts()) {
    if (key.is_current) m.digest_key_age = clock.now() - key.made_at;
  }
  const auto row_keys = keys->row_key_facts();
  m.row_keys = row_keys.size();
  m.row_key_age = clock.now() - row_keys.front().made_at;
  return m;
}

void Server::State::stop(Milliseconds grace) {
  const bool was_serving = is_serving.exchange(false);
  if (was_serving) log.info("serve.stopping");
  // The listener of health and metrics looks at the rest, so it ends first.
  if (operations_server) operations_server->stop(Milliseconds(100));
  if (feed_hub) feed_hub->stop();  // so that nobody who waits holds up the end
  if (gate) gate->stop(grace);
  if (http_server) http_server->stop(grace);
  if (console_server) console_server->stop(grace);
  if (backup) backup->interrupt();
  workers.reset();
  password_workers.reset();
  background.reset();
  row_signer.reset();
  if (snapshot_keeper) {
    snapshot_keeper->stop();
    if (was_serving) snapshot_keeper->write_last();
  }
  if (was_serving) log.info("serve.stopped");
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() { stop(Milliseconds(0)); }
const Started& Server::started() const { return state_->started; }
void Server::poll_files() {
  if (state_->tls) state_->tls->poll();
  state_->gate->poll();
}
bool Server::reload_files() {
  if (state_->tls) state_->tls->reload();
  const bool has_apis = !state_->config.file.empty();
  if (has_apis) state_->gate->reload();
  return state_->tls != nullptr || has_apis;
}
void Server::stop(Milliseconds grace) { state_->stop(grace); }

Result<std::unique_ptr<Server>> Server::start(const Config& config, Log& log) {
  LK_TRY(const auto provider, core::ProviderSignature::parse(config.token_provider));
  LK_CHECK(make_data_dir(config.data_dir));
  LK_TRY(const bool restored, finish_pending_restore(config.data_dir));
  if (restored) log.warning("serve.restore_finished", {{"data", config.data_dir}});
  SystemEntropy entropy;
  LK_TRY(auto keys, load_keys(config.data_dir, MissingKeys::make, entropy));
  LK_TRY(auto mailer, make_mailer(config));
  auto server =
      std::make_unique<Server>(std::make_unique<State>(config, log, std::move(keys), provider));
  State& state = *server->state_;
  state.mailer = std::move(mailer);
  LK_CHECK(state.open_store());
  LK_CHECK(state.start_listeners());
  LK_CHECK(state.start_services());
  LK_CHECK(state.tell());
  return server;
}

}  // namespace latchkey::app
