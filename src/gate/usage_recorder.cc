#include "gate/usage_recorder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.h"

namespace latchkey::gate {
namespace {

// A bounded part of a text from outside; nothing of one that is not fit to be shown.
std::string_view shown_part(std::string_view text) {
  constexpr size_t kCharacterMax = 4;  // bytes
  if (text.size() > UsageRecorder::kTextMax) {
    text = text.substr(0, UsageRecorder::kTextMax);
    // The cut may have split a character.
    while (text.size() > UsageRecorder::kTextMax - kCharacterMax && !is_utf8(text)) {
      text.remove_suffix(1);
    }
  }
  return is_utf8(text) && !has_control_character(text) ? text : std::string_view();
}

// The entry of `day`, or null when there are too many.
UsageDay* find_or_add(std::vector<UsageDay>& days, int32_t day) {
  for (UsageDay& known : days) {
    if (known.day == day) return &known;
  }
  if (days.size() >= UsageRecorder::kDaysMax) return nullptr;
  return &days.emplace_back(UsageDay{day, 0, 0});
}

}  // namespace

int32_t usage_day_of(Instant at) {
  using std::chrono::days;
  return static_cast<int32_t>(std::chrono::floor<days>(Milliseconds(at.ms)).count());
}

UsageRecorder::Shard& UsageRecorder::shard_of(core::TokenId token) const {
  return shards_[std::hash<core::TokenId>()(token) % kShards];
}

TokenUsage* UsageRecorder::find_or_add(Shard& shard, core::TokenId token) {
  const auto found = shard.tokens.find(token);
  if (found != shard.tokens.end()) return &found->second;
  if (shard.tokens.size() >= std::max<size_t>(entries_max_ / kShards, 1)) return nullptr;
  entries_.fetch_add(1, std::memory_order_relaxed);
  TokenUsage& made = shard.tokens[token];
  made.token = token;
  return &made;
}

void UsageRecorder::note(const Use& use) noexcept {
  Shard& shard = shard_of(use.token);
  const MutexLock lock(shard.mutex);
  TokenUsage* const usage = find_or_add(shard, use.token);
  UsageDay* const day =
      usage == nullptr ? nullptr : gate::find_or_add(usage->days, usage_day_of(use.at));
  if (day == nullptr) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ++(use.allowed ? day->allowed : day->refused);
  if (!use.allowed || use.at < usage->last_used_at) return;
  usage->last_used_at = use.at;
  // A text that is as long as before is written in its place.
  usage->address.assign(shown_part(use.address));
  usage->user_agent.assign(shown_part(use.user_agent));
}

std::vector<TokenUsage> UsageRecorder::take(size_t count_max) {
  std::vector<TokenUsage> batch;
  // Each call begins where the last one ended, so that no shard waits for ever.
  for (size_t i = 0; i < kShards && batch.size() < count_max; ++i) {
    Shard& shard = shards_[next_shard_.fetch_add(1) % kShards];
    const MutexLock lock(shard.mutex);
    while (!shard.tokens.empty() && batch.size() < count_max) {
      auto node = shard.tokens.extract(shard.tokens.begin());
      batch.push_back(std::move(node.mapped()));
      entries_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  return batch;
}

void UsageRecorder::give_back(const std::vector<TokenUsage>& batch) {
  for (const TokenUsage& given : batch) {
    Shard& shard = shard_of(given.token);
    const MutexLock lock(shard.mutex);
    TokenUsage* const usage = find_or_add(shard, given.token);
    for (const UsageDay& day : given.days) {
      UsageDay* const known = usage == nullptr ? nullptr : gate::find_or_add(usage->days, day.day);
      if (known == nullptr) {
        dropped_.fetch_add(day.allowed + day.refused, std::memory_order_relaxed);
        continue;
      }
      known->allowed += day.allowed;
      known->refused += day.refused;
    }
    if (usage == nullptr || given.last_used_at <= usage->last_used_at) continue;
    usage->last_used_at = given.last_used_at;
    usage->address = given.address;
    usage->user_agent = given.user_agent;
  }
}

std::vector<UsageDay> UsageRecorder::pending(core::TokenId token) const {
  const Shard& shard = shard_of(token);
  const MutexLock lock(shard.mutex);
  const auto found = shard.tokens.find(token);
  return found == shard.tokens.end() ? std::vector<UsageDay>() : found->second.days;
}

}  // namespace latchkey::gate
