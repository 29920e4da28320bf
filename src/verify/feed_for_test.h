// A feed made by hand, and tokens for it. For tests.
//
// Thread safety: any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "core/digest_keys.h"
#include "core/token_text.h"
#include "verify/feed.h"

namespace latchkey::verify {

class FeedForTest final : public Feed {
 public:
  // Appends a change of its own revision, which it returns.
  core::Revision add(FeedItem item) {
    MutexLock lock(mutex_);
    items_.push_back(std::move(item));
    return {items_.size()};
  }
  // What a restore does: revisions count in another epoch from now on.
  void begin_epoch(core::Epoch epoch) {
    MutexLock lock(mutex_);
    epoch_ = epoch;
  }
  // Lets the next calls fail, `times` times.
  void fail(ErrorCode code, int times) {
    MutexLock lock(mutex_);
    failure_ = code;
    failures_ = times;
  }
  // What the next calls are current at.
  void be_current_at(std::optional<Ticks> moment) {
    MutexLock lock(mutex_);
    current_at_ = moment;
  }
  // Runs inside each call, before it answers.
  void on_call(std::function<void()> action) { on_call_ = std::move(action); }
  int loads() const {
    MutexLock lock(mutex_);
    return loads_;
  }
  int follows() const {
    MutexLock lock(mutex_);
    return follows_;
  }

  Result<Reached> load(const Sink& sink) override {
    if (on_call_) on_call_();
    MutexLock lock(mutex_);
    ++loads_;
    return give({0}, sink);
  }
  Result<Reached> follow(const core::Position& after, Milliseconds wait,
                         const Sink& sink) override {
    if (on_call_) on_call_();
    MutexLock lock(mutex_);
    ++follows_;
    if (wait.count() > 0 && after.revision.number == items_.size() && failures_ == 0) {
      (void)idle_.wait_for(mutex_, Milliseconds(1));
    }
    if (after.epoch != epoch_) return Error(ErrorCode::feed_truncated);
    return give(after.revision, sink);
  }

 private:
  Result<Reached> give(core::Revision after, const Sink& sink) LK_REQUIRES(mutex_) {
    // A failing call may have given a part: that must do no harm.
    for (size_t i = after.number; i < items_.size(); ++i) sink(items_[i]);
    if (failures_ > 0) {
      --failures_;
      return Error(failure_);
    }
    Reached reached{{epoch_, {items_.size()}}, current_at_};
    for (size_t i = after.number; i < items_.size(); ++i) reached.marks.push_back(i + 1);
    return reached;
  }

  mutable Mutex mutex_;
  ConditionVariable idle_;
  std::vector<FeedItem> items_ LK_GUARDED_BY(mutex_);
  core::Epoch epoch_ LK_GUARDED_BY(mutex_);
  ErrorCode failure_ LK_GUARDED_BY(mutex_) = ErrorCode::store_unavailable;
  std::optional<Ticks> current_at_ LK_GUARDED_BY(mutex_);
  int failures_ LK_GUARDED_BY(mutex_) = 0;
  int loads_ LK_GUARDED_BY(mutex_) = 0;
  int follows_ LK_GUARDED_BY(mutex_) = 0;
  std::function<void()> on_call_;
};

// An id whose bytes are `number`.
template <class AnyId>
AnyId id_for_test(uint64_t number) {
  AnyId id;
  for (size_t i = 0; i < 8; ++i) id.uuid.bytes[15 - i] = static_cast<uint8_t>(number >> (8 * i));
  return id;
}

inline core::ScopeSet scopes_for_test(std::initializer_list<uint8_t> numbers) {
  core::ScopeSet scopes;
  for (const uint8_t number : numbers) scopes.add({number});
  return scopes;
}

}  // namespace latchkey::verify
