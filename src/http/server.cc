#include "http/server.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "http/listener.h"
#include "http/network_thread.h"

namespace latchkey::http {
namespace {

constexpr int kThreadsMax = 64;

class AsioServer final : public Server {
 public:
  AsioServer(const ServerOptions& options, const ServerDependencies& dependencies,
             Listeners listeners)
      : shared_{options,
                dependencies,
                {},
                std::make_shared<MemoryBudget>(options.limits.buffered_bytes_max)},
        port_(listeners.port),
        socket_inode_(listeners.socket_inode) {
    for (FileDescriptor& socket : listeners.sockets) {
      threads_.push_back(std::make_unique<NetworkThread>(shared_, std::move(socket)));
    }
    for (const auto& thread : threads_) runners_.emplace_back([&thread] { thread->run(); });
  }
  ~AsioServer() override { stop(Milliseconds(0)); }

  uint16_t port() const override { return port_; }

  ServerCounters counters() const override {
    ServerCounters sum;
    sum.connections_open = shared_.connections_open.load();
    sum.buffered_bytes = shared_.memory->used_bytes();
    for (const auto& thread : threads_) {
      const ThreadCounters& part = thread->counters();
      sum.connections_total += part.connections_total.get();
      sum.connections_refused += part.connections_refused.get();
      sum.requests_total += part.requests_total.get();
      sum.malformed_total += part.malformed_total.get();
      sum.shed_ordinary += part.shed_ordinary.get();
      sum.shed_essential += part.shed_essential.get();
      sum.shed_connections += part.shed_connections.get();
      sum.waited_ms = std::max(sum.waited_ms, int64_t{thread->admission().waited().count()});
      sum.tls_handshakes_total += part.tls_handshakes_total.get();
      sum.tls_handshakes_failed += part.tls_handshakes_failed.get();
      for (size_t i = 0; i < 6; ++i) sum.responses_by_class[i] += part.responses_by_class[i].get();
    }
    return sum;
  }

  void stop(Milliseconds grace) override {
    if (runners_.empty()) return;
    const std::string& unix_path = shared_.options.endpoint.unix_path;
    if (!unix_path.empty()) remove_socket_file(unix_path, socket_inode_);
    for (const auto& thread : threads_) thread->begin_stop(grace);
    runners_.clear();  // joins
  }

 private:
  ServerShared shared_;
  const uint16_t port_;
  const uint64_t socket_inode_;
  std::vector<std::unique_ptr<NetworkThread>> threads_;
  std::vector<std::jthread> runners_;
};

}  // namespace

Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                             const ServerDependencies& dependencies) {
  LK_ASSERT(options.threads >= 1 && options.threads <= kThreadsMax);
  LK_TRY(Listeners listeners, open_listeners(options.endpoint, options.threads));
  return std::unique_ptr<Server>(
      std::make_unique<AsioServer>(options, dependencies, std::move(listeners)));
}

}  // namespace latchkey::http
