// One thread of a server: its io_context, its listener, and the connections that it accepted.
//
// Nothing here is shared with another network thread but the count of open connections. Deadlines
// are swept over the list of connections a few times a second, so no timer is armed for a request.
// Includes Asio: only for .cc files of this folder and headers that only those include.
// Thread safety: run() in the thread; begin_stop() and counters() from any thread.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "http/admission.h"
#include "http/exchange.h"
#include "http/listener.h"
#include "http/memory_budget.h"
#include "http/upstream_pool.h"

namespace latchkey::http {

class Connection;

// Identifiers of requests, random, many of them from one call of the source.
class RequestIds {
 public:
  explicit RequestIds(Entropy& entropy) : entropy_(entropy) {}
  // Errors: internal (no entropy).
  Result<Uuid> next();

 private:
  Entropy& entropy_;
  std::array<uint8_t, 4096> pool_{};
  size_t used_ = sizeof pool_;
};

// Written by one thread, read by any.
class Counter {
 public:
  void add() {
    value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct ThreadCounters {
  Counter connections_total;
  Counter connections_refused;
  Counter requests_total;
  Counter malformed_total;
  Counter shed_ordinary;
  Counter shed_essential;
  Counter shed_connections;
  Counter tls_handshakes_total;
  Counter tls_handshakes_failed;
  Counter responses_by_class[6];
};

// What the threads of one server have in common.
struct ServerShared {
  ServerOptions options;
  ServerDependencies dependencies;
  std::atomic<uint32_t> connections_open{0};
  std::shared_ptr<MemoryBudget> memory;  // outlives the server: whoever holds a Reply holds it
};

class NetworkThread {
 public:
  NetworkThread(ServerShared& shared, FileDescriptor listener);
  ~NetworkThread();
  NetworkThread(const NetworkThread&) = delete;
  NetworkThread& operator=(const NetworkThread&) = delete;

  // Serves until begin_stop() has had its effect.
  void run();
  // Stops accepting and ends within `grace`.
  void begin_stop(Milliseconds grace);
  const ThreadCounters& counters() const { return counters_; }

  // For connections, in the thread.
  const ServerOptions& options() const { return shared_.options; }
  const ServerDependencies& dependencies() const { return shared_.dependencies; }
  const std::shared_ptr<MemoryBudget>& memory() const { return shared_.memory; }
  ThreadCounters& counters() { return counters_; }
  RequestIds& ids() { return ids_; }
  bool stopping() const { return stopping_; }
  boost::asio::io_context& io() { return io_; }
  UpstreamPool& upstreams() { return upstreams_; }
  std::shared_ptr<ReplyRoute> route() const;
  // The moment `timeout` from now, up to one sweep later. Cost: no system call.
  Ticks deadline_in(Milliseconds timeout) const { return now_ + timeout + sweep_interval_; }
  // What work this thread takes on.
  Admission& admission() { return admission_; }
  // The first bytes of a request were read from `socket`: looks now and then how long they waited.
  void note_arrival(int socket);
  // The connection has closed its socket and asks to be forgotten.
  void forget(Connection& connection);

 private:
  class Route;

  void wait_for_connections();
  void accept_waiting();
  void admit(Accepted accepted);
  void back_off();
  void schedule_sweep();
  void sweep();
  void stop_now();
  void close_all();
  void end_if_idle();

  ServerShared& shared_;
  ThreadCounters counters_;
  RequestIds ids_;
  boost::asio::io_context io_;
  boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> listener_;
  boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                    boost::asio::wait_traits<std::chrono::steady_clock>,
                                    boost::asio::io_context::executor_type>
      sweep_timer_, accept_timer_, grace_timer_;
  std::shared_ptr<Route> route_;
  UpstreamPool upstreams_;
  std::vector<std::shared_ptr<Connection>> connections_;
  Milliseconds sweep_interval_;
  Ticks now_;
  Admission admission_;
  Ticks looked_at_;
  bool stopping_ = false;
};

}  // namespace latchkey::http
