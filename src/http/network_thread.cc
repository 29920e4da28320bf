#include "http/network_thread.h"

#include <signal.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstring>
#include <exception>
#include <thread>

#include "base/mutex.h"
#include "http/connection.h"

namespace latchkey::http {
namespace {

constexpr Milliseconds kSweepIntervalMax{500};
constexpr Milliseconds kSweepIntervalMin{5};
constexpr Milliseconds kAcceptBackOff{100};
constexpr int kAcceptsPerWake = 64;
// So many connections over connections_max still get a 503; what is beyond is closed at once.
constexpr uint32_t kRefusalsMax = 128;
// To ask the kernel costs a system call, so not every request is looked at.
constexpr Milliseconds kLookInterval{2};

// A few times within the shortest timeout, so that none is late by much.
Milliseconds choose_sweep_interval(const Limits& limits) {
  const Milliseconds shortest = std::min(
      {limits.head_timeout, limits.body_timeout, limits.idle_timeout, limits.write_timeout});
  return std::clamp(shortest / 4, kSweepIntervalMin, kSweepIntervalMax);
}

}  // namespace

Result<Uuid> RequestIds::next() {
  Uuid id;
  if (used_ + id.bytes.size() > pool_.size()) {
    LK_CHECK(entropy_.fill(pool_));
    used_ = 0;
  }
  std::memcpy(id.bytes.data(), pool_.data() + used_, id.bytes.size());
  used_ += id.bytes.size();
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);  // version 4
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);  // variant 10
  return id;
}

// Outlives the thread: whoever still holds a Reply holds this.
class NetworkThread::Route final : public ReplyRoute {
 public:
  void open(boost::asio::io_context& io) {
    MutexLock lock(mutex_);
    io_ = &io;
    thread_ = std::this_thread::get_id();
  }
  void close() {
    MutexLock lock(mutex_);
    io_ = nullptr;
    thread_ = std::thread::id();
  }
  void deliver(std::shared_ptr<Exchange> exchange, Response&& response) override {
    MutexLock lock(mutex_);
    if (!io_) return;
    boost::asio::post(*io_,
                      [exchange = std::move(exchange), answer = std::move(response)]() mutable {
                        exchange->arrive(std::move(answer));
                      });
  }
  bool is_here() const override { return thread_.load() == std::this_thread::get_id(); }

 private:
  Mutex mutex_;
  boost::asio::io_context* io_ LK_GUARDED_BY(mutex_) = nullptr;
  std::atomic<std::thread::id> thread_;
};

NetworkThread::NetworkThread(ServerShared& shared, FileDescriptor listener)
    : shared_(shared),
      ids_(shared.dependencies.entropy),
      io_(1),
      listener_(io_, listener.release()),
      sweep_timer_(io_),
      accept_timer_(io_),
      grace_timer_(io_),
      route_(std::make_shared<Route>()),
      sweep_interval_(choose_sweep_interval(shared.options.limits)),
      now_(shared.dependencies.clock.ticks()),
      admission_(shared.options.limits.waited_max) {}

NetworkThread::~NetworkThread() { route_->close(); }

std::shared_ptr<ReplyRoute> NetworkThread::route() const { return route_; }

void NetworkThread::run() {
  // OpenSSL writes without MSG_NOSIGNAL: a peer that has gone must be an error, not a signal.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  route_->open(io_);
  wait_for_connections();
  schedule_sweep();
  for (;;) {
    // We throw nothing; what a library throws (out of memory) must not end the server.
    try {
      io_.run();
      break;
    } catch (const std::exception& failure) {
      dependencies().log.error("http.thread_threw", {{"reason", failure.what()}});
    }
  }
  route_->close();
  close_all();
}

void NetworkThread::begin_stop(Milliseconds grace) {
  boost::asio::post(io_, [this, grace] {
    stopping_ = true;
    boost::system::error_code ignored;
    listener_.close(ignored);
    accept_timer_.cancel();
    if (grace <= Milliseconds(0)) return close_all();
    for (size_t i = connections_.size(); i-- > 0;) {
      const std::shared_ptr<Connection> connection = connections_[i];
      connection->close_if_idle();
    }
    grace_timer_.expires_after(grace);
    grace_timer_.async_wait([this](const boost::system::error_code& failure) {
      if (!failure) close_all();
    });
    end_if_idle();
  });
}

void NetworkThread::close_all() {
  while (!connections_.empty()) {
    const std::shared_ptr<Connection> connection = connections_.back();
    connection->close();
  }
  end_if_idle();
}

// Takes away what keeps run() from returning.
void NetworkThread::end_if_idle() {
  if (!stopping_ || !connections_.empty()) return;
  sweep_timer_.cancel();
  grace_timer_.cancel();
  upstreams_.end();
}

void NetworkThread::wait_for_connections() {
  listener_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                       [this](const boost::system::error_code& failure) {
                         if (!failure && !stopping_) accept_waiting();
                       });
}

void NetworkThread::accept_waiting() {
  for (int i = 0; i < kAcceptsPerWake; ++i) {
    Accepted accepted = accept_one(listener_.native_handle());
    switch (accepted.outcome) {
      case AcceptOutcome::accepted: admit(std::move(accepted)); break;
      case AcceptOutcome::try_next: break;
      case AcceptOutcome::none_waiting: return wait_for_connections();
      case AcceptOutcome::out_of_resources: return back_off();
    }
  }
  wait_for_connections();
}

// Waiting again at once would spin: the listener stays readable while no descriptor is free.
void NetworkThread::back_off() {
  dependencies().log.warning("http.accept_failed", {{"reason", "no descriptor or memory is free"}});
  accept_timer_.expires_after(kAcceptBackOff);
  accept_timer_.async_wait([this](const boost::system::error_code& failure) {
    if (!failure && !stopping_) accept_waiting();
  });
}

void NetworkThread::admit(Accepted accepted) {
  const uint32_t open_before = shared_.connections_open.fetch_add(1);
  const uint32_t connections_max = options().limits.connections_max;
  const bool is_shed = !admission_.takes_connections();
  const bool is_overload = open_before >= connections_max || is_shed;
  counters_.connections_total.add();
  if (is_shed) counters_.shed_connections.add();
  if (open_before >= connections_max) counters_.connections_refused.add();
  if (open_before >= connections_max + kRefusalsMax) {
    shared_.connections_open.fetch_sub(1);
    return;
  }
  const auto connection = std::make_shared<Connection>(*this, std::move(accepted));
  connection->position = connections_.size();
  connections_.push_back(connection);
  if (is_overload) {
    connection->refuse_overload();
  } else {
    connection->start();
  }
}

void NetworkThread::note_arrival(int socket) {
  const Ticks now = dependencies().clock.ticks();
  if (now - looked_at_ < kLookInterval) return;
  looked_at_ = now;
  if (const auto waited = find_wait(socket)) admission_.note(*waited, now);
}

void NetworkThread::forget(Connection& connection) {
  const size_t position = connection.position;
  LK_ASSERT(position < connections_.size() && connections_[position].get() == &connection);
  std::swap(connections_[position], connections_.back());
  connections_[position]->position = position;
  connections_.pop_back();
  shared_.connections_open.fetch_sub(1);
  end_if_idle();
}

void NetworkThread::schedule_sweep() {
  sweep_timer_.expires_after(sweep_interval_);
  sweep_timer_.async_wait([this](const boost::system::error_code& failure) {
    if (failure || (stopping_ && connections_.empty())) return;
    sweep();
    schedule_sweep();
  });
}

void NetworkThread::sweep() {
  now_ = dependencies().clock.ticks();
  for (size_t i = connections_.size(); i-- > 0;) {
    const std::shared_ptr<Connection> connection = connections_[i];
    connection->check_deadline(now_);
  }
  upstreams_.sweep(now_);
}

}  // namespace latchkey::http
