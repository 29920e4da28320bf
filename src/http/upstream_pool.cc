#include "http/upstream_pool.h"

#include <algorithm>

#include "base/assert.h"

namespace latchkey::http {

UpstreamConnection::UpstreamConnection(std::shared_ptr<UpstreamPart> part, size_t address)
    : part_(std::move(part)), address_(address) {
  ++part_->open;
  part_->upstream.live.connections_open.fetch_add(1, std::memory_order_relaxed);
}

UpstreamConnection::~UpstreamConnection() { close(); }

Stream& UpstreamConnection::open(boost::asio::io_context& io, int family) {
  stream_ = std::make_unique<Stream>(io, family);
  return *stream_;
}

void UpstreamConnection::read(size_t offset) {
  LK_ASSERT(!read_pending_ && offset < kBufferBytes);
  if (!buffer_) {
    buffer_ = std::make_unique_for_overwrite<char[]>(BodyCoder::kRoomBefore + kBufferBytes +
                                                     BodyCoder::kRoomBehind);
  }
  read_pending_ = true;
  stream_->async_read_some(
      {buffer() + offset, kBufferBytes - offset},
      [self = shared_from_this()](const Stream::ErrorOfAsio& failure, size_t bytes) {
        self->on_read(failure, bytes);
      });
}

void UpstreamConnection::on_read(const Stream::ErrorOfAsio& failure, size_t size_bytes) {
  read_pending_ = false;
  if (is_closed_) return;
  if (user_) {
    const std::shared_ptr<UpstreamUser> user = user_;
    return user->on_upstream_read(failure, size_bytes);
  }
  close();  // an idle one has nothing to say
}

void UpstreamConnection::release(Ticks until) {
  user_.reset();
  if (part_->is_ending || part_->idle_count >= part_->upstream.options().idle_max) return close();
  is_kept_ = true;
  idle_until_ = until;
  ++part_->idle_count;
  part_->upstream.live.connections_idle.fetch_add(1, std::memory_order_relaxed);
  part_->idle[address_].push_back(shared_from_this());
  if (!read_pending_) read(0);
}

void UpstreamConnection::close() {
  if (is_closed_) return;
  is_closed_ = true;
  user_.reset();
  if (stream_) stream_->close();
  --part_->open;
  part_->upstream.live.connections_open.fetch_sub(1, std::memory_order_relaxed);
  auto& idle = part_->idle[address_];
  const auto at =
      std::find_if(idle.begin(), idle.end(), [this](const auto& one) { return one.get() == this; });
  if (at == idle.end()) return;
  --part_->idle_count;
  part_->upstream.live.connections_idle.fetch_sub(1, std::memory_order_relaxed);
  const std::shared_ptr<UpstreamConnection> self = *at;  // ends after the list is in order
  idle.erase(at);
}

UpstreamPart& UpstreamPool::part_of(Upstream& upstream) {
  for (const auto& part : parts_) {
    if (&part->upstream == &upstream) return *part;
  }
  parts_.push_back(std::make_shared<UpstreamPart>(upstream));
  return *parts_.back();
}

UpstreamPool::Taken UpstreamPool::take(Upstream& upstream, uint32_t passed_over, bool may_be_kept) {
  UpstreamPart& part = part_of(upstream);
  for (size_t tried = 0; tried < upstream.size(); ++tried) {
    const size_t address = part.next_address;
    part.next_address = (address + 1) % upstream.size();
    if ((passed_over >> address & 1) != 0 || !upstream.is_up(address)) continue;
    auto& idle = part.idle[address];
    if (may_be_kept && !idle.empty()) {
      std::shared_ptr<UpstreamConnection> connection = std::move(idle.back());
      idle.pop_back();
      --part.idle_count;
      upstream.live.connections_idle.fetch_sub(1, std::memory_order_relaxed);
      return {Outcome::kept, std::move(connection)};
    }
    if (part.open >= upstream.options().connections_max) return {Outcome::full, nullptr};
    for (const auto& shared : parts_) {
      if (shared.get() == &part) {
        return {Outcome::fresh, std::make_shared<UpstreamConnection>(shared, address)};
      }
    }
  }
  return {Outcome::down, nullptr};
}

void UpstreamPool::sweep(Ticks now) {
  for (const auto& part : parts_) {
    for (auto& idle : part->idle) {
      for (size_t i = idle.size(); i-- > 0;) {
        const std::shared_ptr<UpstreamConnection> connection = idle[i];
        if (connection->idle_until() <= now) connection->close();
      }
    }
  }
}

void UpstreamPool::end() {
  for (const auto& part : parts_) {
    part->is_ending = true;
    for (auto& idle : part->idle) {
      while (!idle.empty()) {
        const std::shared_ptr<UpstreamConnection> connection = idle.back();
        connection->close();
      }
    }
  }
}

}  // namespace latchkey::http
