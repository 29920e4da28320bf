// An HTTP/1.1 server for one or more listeners, over Boost.Beast.
//
// One io_context a thread, each with its own acceptor (SO_REUSEPORT), nothing shared between them.
// Every connection has one buffer, one parser and one deadline, all reused; outside bytes are
// bounded in size, count and time by Limits, and what breaks one gets a clean 4xx and a closed
// connection. Asio and Beast appear in .cc files and in headers that only those include.
// docs/spec/http.md has the rules by number.
// Thread safety: start() and stop() from one thread; Handlers run on the server's threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "base/result.h"
#include "http/client_address.h"
#include "http/message.h"

namespace latchkey::http {

class Forwarder;
class TlsPublication;

struct Limits {
  uint32_t head_bytes_max = 32 * 1024;
  uint32_t headers_max = 100;
  uint32_t target_bytes_max = 8 * 1024;
  uint32_t body_bytes_max = 1024 * 1024;
  uint32_t connections_max = 16'384;
  uint64_t buffered_bytes_max = 256 * 1024 * 1024;  // of all connections, beyond 4 KiB each
  Milliseconds head_timeout{10'000};   // from the first byte of a head to its end; a handshake
  Milliseconds body_timeout{30'000};   // from the end of the head to the end of the body
  Milliseconds idle_timeout{75'000};   // between two requests of a kept connection
  Milliseconds write_timeout{30'000};  // to take a whole response
  Milliseconds waited_max{100};        // in the kernel until read; beyond it work is shed; 0: never
};

// Where a server listens: an address and port, or the path of a Unix socket.
struct Endpoint {
  std::string address;    // e.g. "127.0.0.1" or "::"; empty with a Unix socket
  uint16_t port = 0;      // 0 lets the system choose
  std::string unix_path;  // made with mode 0600; a stale socket file there is replaced
};

struct ServerOptions {
  Endpoint endpoint;
  int threads = 1;  // network threads; 1 to 64
  Limits limits;
  bool access_log = true;
  TrustedProxies trusted_proxies;  // whose word on the client's address counts
  // Which requests are shed last when not all can be served; null: all are.
  bool (*is_essential)(const Request& request) = nullptr;
};

// Counters since start, for the metrics.
struct ServerCounters {
  uint64_t connections_open = 0;
  uint64_t connections_total = 0;
  uint64_t connections_refused = 0;  // over connections_max
  uint64_t requests_total = 0;
  uint64_t malformed_total = 0;  // refused before a handler saw them
  uint64_t shed_ordinary = 0;    // answered 503 because not all could be served
  uint64_t shed_essential = 0;
  uint64_t shed_connections = 0;
  int64_t waited_ms = 0;        // in the kernel until read, the least of a tenth of a second
  uint64_t buffered_bytes = 0;  // held now, of buffered_bytes_max
  uint64_t responses_by_class[6] = {};  // [2] is 2xx, and so on
  uint64_t tls_handshakes_total = 0;    // that were done
  uint64_t tls_handshakes_failed = 0;   // plain HTTP sent to a TLS port is one
};

class Server {
 public:
  virtual ~Server() = default;
  // The port that it listens on (0 with a Unix socket).
  virtual uint16_t port() const = 0;
  virtual ServerCounters counters() const = 0;
  // Stops accepting, lets requests in progress end for at most `grace`, then closes what is left
  // and joins the threads. A second call does nothing.
  virtual void stop(Milliseconds grace) = 0;
};

// What a server is given; all of it outlives the server.
struct ServerDependencies {
  Clock& clock;
  Entropy& entropy;
  Log& log;
  Handler& handler;
  const TlsPublication* tls = nullptr;  // what each connection begins with; null: plain HTTP
  Forwarder* forwarder = nullptr;       // asked before the handler, about each head; null: nobody
};

// Binds and starts a server. Errors: configuration (the address is taken, not ours, or malformed).
Result<std::unique_ptr<Server>> start_server(const ServerOptions& options,
                                             const ServerDependencies& dependencies);

}  // namespace latchkey::http
