#include "service/throttle.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace latchkey::service {
namespace {

// One forgetting round frees this part of the keys, so that its scan is paid for by many attempts.
constexpr size_t kForgottenPart = 8;

// What is in a bucket at `now` that held `attempts` at `at`.
double refilled(double attempts, Ticks at, Ticks now, const Throttle::Limit& limit) {
  const double gained =
      static_cast<double>((now - at).count()) / static_cast<double>(limit.refill.count());
  return std::min(static_cast<double>(limit.burst), attempts + std::max(gained, 0.0));
}

}  // namespace

Result<void> Throttle::take(const std::string& key) {
  const Ticks now = clock_.ticks();
  MutexLock lock(mutex_);
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= limit_.keys_max) make_room();
    const Bucket full{.attempts = static_cast<double>(limit_.burst), .at = now};
    found = buckets_.emplace(key, full).first;
  }
  Bucket& bucket = found->second;
  bucket.attempts = refilled(bucket.attempts, bucket.at, now, limit_);
  bucket.at = now;
  if (bucket.attempts < 1) {
    const double wait_ms = (1 - bucket.attempts) * static_cast<double>(limit_.refill.count());
    const auto seconds = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(wait_ms / 1000)));
    return Error(ErrorCode::too_many_attempts,
                 "Too many attempts. Try again in " + std::to_string(seconds) + " seconds.", "",
                 std::to_string(seconds));
  }
  bucket.attempts -= 1;
  return {};
}

void Throttle::forgive(const std::string& key) {
  MutexLock lock(mutex_);
  buckets_.erase(key);
}

void Throttle::make_room() {
  const Ticks now = clock_.ticks();
  std::vector<std::pair<double, const std::string*>> fullness;
  fullness.reserve(buckets_.size());
  for (const auto& [key, bucket] : buckets_) {
    fullness.emplace_back(refilled(bucket.attempts, bucket.at, now, limit_), &key);
  }
  const size_t forgotten = std::max<size_t>(1, fullness.size() / kForgottenPart);
  const auto end = fullness.begin() + static_cast<std::ptrdiff_t>(forgotten);
  std::nth_element(fullness.begin(), end - 1, fullness.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> keys;
  for (auto one = fullness.begin(); one != end; ++one) keys.push_back(*one->second);
  for (const std::string& key : keys) buckets_.erase(key);
}

}  // namespace latchkey::service
