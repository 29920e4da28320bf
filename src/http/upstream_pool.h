// The connections of one network thread to its upstreams, kept from request to request.
//
// A connection always has a read outstanding into its own buffer: of an idle one it tells at once
// that the upstream has closed it (or sent what nobody asked for, which ends it too), of a busy one
// it brings the answer. The one used last is taken first. Includes Asio: only for .cc files of this
// folder and headers that only those include. Thread safety: one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <span>
#include <vector>

#include "http/body_coder.h"
#include "http/memory_budget.h"
#include "http/stream.h"
#include "http/upstream.h"

namespace latchkey::http {

// Who uses a connection now.
class UpstreamUser {
 public:
  virtual ~UpstreamUser() = default;
  virtual void on_upstream_read(const Stream::ErrorOfAsio& failure, size_t size_bytes) = 0;
};

struct UpstreamPart;  // what a thread has of one upstream

class UpstreamConnection final : public std::enable_shared_from_this<UpstreamConnection> {
 public:
  static constexpr size_t kBufferBytes = kResponseHeadBytesMax;

  UpstreamConnection(std::shared_ptr<UpstreamPart> part, size_t address);
  ~UpstreamConnection();

  // A new stream for the next attempt to connect.
  Stream& open(boost::asio::io_context& io, int family);
  Stream& stream() { return *stream_; }
  size_t address() const { return address_; }
  bool is_kept() const { return is_kept_; }  // it has served a request before

  // Begins to read into the buffer behind `offset` bytes. REQUIRES: no read is outstanding.
  void read(size_t offset);
  bool read_pending() const { return read_pending_; }
  // Room for the framing of a body stands before and behind it.
  char* buffer() { return buffer_.get() + BodyCoder::kRoomBefore; }

  void use(std::shared_ptr<UpstreamUser> user) { user_ = std::move(user); }
  // The answer is whole and the connection clean: keeps it for another request, if there is room.
  void release(Ticks until);
  void close();
  bool is_closed() const { return is_closed_; }
  Ticks idle_until() const { return idle_until_; }

 private:
  void on_read(const Stream::ErrorOfAsio& failure, size_t size_bytes);

  const std::shared_ptr<UpstreamPart> part_;
  const size_t address_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<char[]> buffer_;
  std::shared_ptr<UpstreamUser> user_;
  Ticks idle_until_;
  bool read_pending_ = false;
  bool is_kept_ = false;
  bool is_closed_ = false;
};

struct UpstreamPart {
  explicit UpstreamPart(Upstream& of) : upstream(of), idle(of.size()) {}
  Upstream& upstream;
  std::vector<std::vector<std::shared_ptr<UpstreamConnection>>> idle;  // of each address
  size_t next_address = 0;
  uint32_t open = 0;
  uint32_t idle_count = 0;
  bool is_ending = false;  // nothing is kept any more
};

class UpstreamPool {
 public:
  enum class Outcome { kept, fresh, down, full };
  struct Taken {
    Outcome outcome;
    std::shared_ptr<UpstreamConnection> connection;  // of kept, and of fresh, not connected yet
  };

  ~UpstreamPool() { end(); }
  // A connection to an address that is up, none of `passed_over` (a bit for each).
  // `may_be_kept`: an idle one will do.
  Taken take(Upstream& upstream, uint32_t passed_over, bool may_be_kept);
  // Closes what was idle for too long.
  void sweep(Ticks now);
  // Closes what is idle and keeps nothing from now on.
  void end();

 private:
  UpstreamPart& part_of(Upstream& upstream);

  std::vector<std::shared_ptr<UpstreamPart>> parts_;
};

}  // namespace latchkey::http
