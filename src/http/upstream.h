// The servers that requests are forwarded to: where they are, how long they may take, how they
// fare.
//
// An Upstream has one or more addresses, taken in turn. One that failed several times in a row, or
// fails its health check, is passed over for a while; when all are, the upstream is down. Health
// and counters are shared by all threads, connections are not: each network thread keeps its own.
// docs/spec/proxy.md. Thread safety: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"

namespace latchkey::http {

class TlsClientContext;

// One address of an upstream, as its URL says.
struct UpstreamUrl {
  bool is_tls = false;
  std::string host;  // a name or an IP address without brackets; empty with a Unix socket
  uint16_t port = 0;
  std::string unix_path;  // of "unix:/path"
  std::string authority;  // for Host: "host", "host:port", or "localhost" of a Unix socket
};

// "http://HOST[:PORT]", "https://HOST[:PORT]" or "unix:/PATH", without path, query or credentials.
// Errors: configuration (the message completes "The URL ...").
Result<UpstreamUrl> parse_upstream_url(std::string_view text);

struct UpstreamOptions {
  std::string name;                // for logs, metrics and answers
  std::vector<std::string> urls;   // 1 to 16
  std::string ca_file;             // PEM roots to verify https with; empty: the system's
  uint32_t connections_max = 512;  // of each network thread
  uint32_t idle_max = 64;          // of those, kept without a request
  Milliseconds connect_timeout{5'000};
  Milliseconds head_timeout{60'000};     // from the whole request to the whole head of the answer
  Milliseconds stall_timeout{60'000};    // between two bytes of a body, in each direction
  Milliseconds tunnel_timeout{600'000};  // of a tunnel in which nothing moves
  Milliseconds idle_timeout{30'000};     // of a kept connection without a request
  uint32_t failures_max = 3;             // in a row, and the address is passed over
  Milliseconds down_time{10'000};        // for so long
  std::string health_path;               // empty: no active check
  Milliseconds health_interval{5'000};
  Milliseconds health_timeout{2'000};
};

// What became of the requests of an upstream, since the start.
struct UpstreamCounters {
  uint64_t requests_total = 0;
  uint64_t retries_total = 0;
  uint64_t connect_failed_total = 0;
  uint64_t timed_out_total = 0;
  uint64_t malformed_total = 0;  // an answer that is not HTTP as our rules have it
  uint64_t broken_total = 0;     // an answer that ended early
  uint64_t down_total = 0;       // refused at once: no address was up
  uint64_t full_total = 0;       // refused at once: connections_max
  uint64_t tunnels_open = 0;
  uint64_t connections_open = 0;  // with those that are idle
  uint64_t connections_idle = 0;
  uint64_t addresses = 0;
  uint64_t addresses_up = 0;
};

// A socket address as the system calls take it.
struct SocketName {
  int family = 0;
  std::string bytes;  // of a sockaddr_in, _in6 or _un
};

class Upstream {
 public:
  // Resolves names once; one that has no address yet is tried again by refresh().
  // Errors: configuration (`field` is "url", "ca_file" or the name of the option).
  static Result<std::unique_ptr<Upstream>> make(UpstreamOptions options, const Clock& clock);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  const UpstreamOptions& options() const { return options_; }
  const std::string& name() const { return options_.name; }
  // The Host header of its first URL.
  const std::string& authority() const { return addresses_.front()->url.authority; }
  bool is_up() const;
  UpstreamCounters counters() const;

  // Resolves names again and runs the health check of each address. Blocks. For UpstreamKeeper.
  void refresh(Log& log);

  // For the relays of src/http, which count into `live`.
  struct Live {
    std::atomic<uint64_t> requests_total{0}, retries_total{0}, connect_failed_total{0},
        timed_out_total{0}, malformed_total{0}, broken_total{0}, down_total{0}, full_total{0},
        tunnels_open{0}, connections_open{0}, connections_idle{0};
  };
  Live live;
  size_t size() const { return addresses_.size(); }
  const UpstreamUrl& url(size_t address) const { return addresses_[address]->url; }
  const TlsClientContext* tls() const { return tls_.get(); }
  bool is_up(size_t address) const;
  // What to connect to, in this order.
  std::vector<SocketName> sockets_of(size_t address) const;
  void note_success(size_t address);
  void note_failure(size_t address);

 private:
  struct Address {
    UpstreamUrl url;
    mutable Mutex mutex;
    std::vector<SocketName> sockets LK_GUARDED_BY(mutex);
    std::atomic<uint32_t> failures{0};      // in a row
    std::atomic<int64_t> down_until_ms{0};  // on the clock's ticks
    std::atomic<bool> fails_check{false};
  };

  Upstream(UpstreamOptions options, const Clock& clock);
  void resolve(Address& address);
  bool passes_check(const Address& address) const;

  const UpstreamOptions options_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Address>> addresses_;
  std::unique_ptr<const TlsClientContext> tls_;
};

// A thread that keeps upstreams fresh: names, health.
class UpstreamKeeper {
 public:
  // `upstreams` and `log` outlive it.
  UpstreamKeeper(std::vector<Upstream*> upstreams, const Clock& clock, Log& log);
  ~UpstreamKeeper();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latchkey::http
