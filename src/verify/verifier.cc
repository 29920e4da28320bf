#include "verify/verifier.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>

#include "base/assert.h"
#include "base/mutex.h"
#include "core/token_text.h"
#include "verify/index.h"
#include "verify/read_protection.h"

namespace latchkey::verify {
namespace {

constexpr Milliseconds kBackOffMin{10};
constexpr Milliseconds kBackOffMax{500};
// A wall clock that is put back by no more than this does not make a token young again. One put
// back further was wrong before, and is believed.
constexpr Milliseconds kStepBackMax = std::chrono::hours(1);
constexpr int64_t kNeverConfirmed = std::numeric_limits<int64_t>::min();

}  // namespace

struct Verifier::State {
  const core::DigestKeys& keys;
  const core::ProviderSignature& provider;
  Clock& clock;
  const VerifierOptions options;

  ReadProtection protection;
  std::unique_ptr<Index> owned_index;        // the writer's
  std::atomic<const Index*> index{nullptr};  // the readers'; null until loaded
  std::atomic<int64_t> confirmed_ticks_ms{kNeverConfirmed};
  std::atomic<int64_t> latest_now_ms{std::numeric_limits<int64_t>::min()};

  Mutex mutex;
  ConditionVariable changed;
  VerifierStatus status LK_GUARDED_BY(mutex);  // but for its age

  State(const core::DigestKeys& digest_keys, const core::ProviderSignature& signature,
        Clock& system_clock, VerifierOptions verifier_options)
      : keys(digest_keys), provider(signature), clock(system_clock), options(verifier_options) {}

  bool is_stale(Ticks ticks) const {
    const int64_t confirmed = confirmed_ticks_ms.load(std::memory_order_acquire);
    return confirmed == kNeverConfirmed || ticks - Ticks{confirmed} > options.staleness_max;
  }

  // `now`, or the latest time that was seen if the clock was put back since.
  Instant not_before_seen(Instant now) const {
    const Instant latest{latest_now_ms.load(std::memory_order_relaxed)};
    const bool is_back = now < latest && now.ms > latest.ms - kStepBackMax.count();
    return is_back ? latest : now;
  }

  // Remembers `now` as seen, for not_before_seen().
  void see(Instant now) {
    int64_t latest = latest_now_ms.load(std::memory_order_relaxed);
    while (now.ms > latest &&
           !latest_now_ms.compare_exchange_weak(latest, now.ms, std::memory_order_relaxed)) {
    }
  }

  // The index is what the feed was at `position`, as a poll sent at `sent` confirmed.
  void confirm(const core::Position& position, Ticks sent) {
    const Instant now = clock.now();
    if (not_before_seen(now) == now) latest_now_ms.store(now.ms, std::memory_order_relaxed);
    confirmed_ticks_ms.store(sent.ms, std::memory_order_release);
    MutexLock lock(mutex);
    status.revision = position.revision;
    status.epoch = position.epoch;
    status.tokens = owned_index->tokens();
    status.memberships = owned_index->memberships();
    status.memory_bytes = sizeof *this + owned_index->memory_bytes();
    status.loaded = true;
    changed.notify_all();
  }

  core::Position position() {
    MutexLock lock(mutex);
    return {status.epoch, status.revision};
  }

  // A new index from the feed's snapshot, in the place of the old one.
  Result<void> load(Feed& feed);
  // Waits for `time` or until `stop` is requested.
  void pause(Milliseconds time, const std::stop_token& stop);
};

Verifier::Verifier(const core::DigestKeys& keys, const core::ProviderSignature& provider,
                   Clock& clock, VerifierOptions options)
    : state_(std::make_unique<State>(keys, provider, clock, options)) {}

Verifier::~Verifier() = default;

Result<Grant> Verifier::check(std::string_view token_text,
                              std::optional<core::OrganizationId> organization,
                              const ScopeRequirement& required, Moment moment) const {
  State& state = *state_;
  if (state.is_stale(moment.ticks)) return Error(ErrorCode::index_stale);
  LK_TRY(const core::TokenParts parts, core::parse_token(state.provider, token_text));
  const auto digest = state.keys.digest_of(parts.key_id, token_text);
  if (!digest) return Error(ErrorCode::token_unknown);

  const ReadProtection::Guard guard = state.protection.enter();
  const Index& index = *state.index.load(std::memory_order_seq_cst);
  const std::optional<TokenEntry> entry = index.find_token(*digest);
  if (!entry) return Error(ErrorCode::token_unknown);
  if (entry->state != EntryState::live) return Error(ErrorCode::token_revoked);
  if (state.not_before_seen(moment.now) >= entry->valid_to) {
    state.see(moment.now);
    return Error(ErrorCode::token_expired);
  }
  const Index::Membership membership = index.membership_of(*entry);
  if (!membership.active) return Error(ErrorCode::token_owner_disabled);
  if (organization && *organization != membership.organization) {
    return Error(ErrorCode::token_wrong_organization);
  }
  Grant grant;
  grant.scopes_ = index.scopes_of(*entry) & *membership.mask;
  if (!required.met_by(grant.scopes_)) return Error(ErrorCode::scope_missing);
  grant.token_ = entry->id;
  grant.organization_ = membership.organization;
  grant.owner_ = membership.person;
  grant.valid_to_ = entry->valid_to;
  return grant;
}

std::optional<core::TokenId> Verifier::find_token(std::string_view token_text) const {
  const auto parts = core::parse_token(state_->provider, token_text);
  const auto digest = parts ? state_->keys.digest_of(parts->key_id, token_text) : std::nullopt;
  if (!digest) return std::nullopt;
  const ReadProtection::Guard guard = state_->protection.enter();
  const Index* index = state_->index.load(std::memory_order_seq_cst);
  if (index == nullptr) return std::nullopt;
  const auto entry = index->find_token(*digest);
  return entry ? std::optional(entry->id) : std::nullopt;
}

std::optional<core::OrganizationId> Verifier::find_organization(std::string_view name_key) const {
  const ReadProtection::Guard guard = state_->protection.enter();
  const Index* index = state_->index.load(std::memory_order_seq_cst);
  if (index == nullptr) return std::nullopt;
  return index->find_organization(name_key);
}

Result<void> Verifier::State::load(Feed& feed) {
  auto successor = std::make_unique<Index>(protection);
  Result<void> applied;
  const Ticks sent = clock.ticks();
  LK_TRY(const core::Position position, feed.load([&](const FeedItem& item) {
    if (applied) applied = successor->apply(item, TokenTable::Growth::loading);
  }));
  LK_CHECK(std::move(applied));
  successor->publish_names();
  successor->fit();
  index.store(successor.get(), std::memory_order_seq_cst);
  protection.synchronize();
  owned_index = std::move(successor);
  confirm(position, sent);
  return {};
}

Result<void> Verifier::load(Feed& feed) {
  LK_ASSERT(state_->owned_index == nullptr);
  return state_->load(feed);
}

Result<void> Verifier::follow_once(Feed& feed, Milliseconds wait) {
  State& state = *state_;
  LK_ASSERT(state.owned_index != nullptr);
  const core::Position after = state.position();
  Result<void> applied;
  const Ticks sent = state.clock.ticks();
  const auto reached = feed.follow(after, wait, [&](const FeedItem& item) {
    if (applied) applied = state.owned_index->apply(item, TokenTable::Growth::frugal);
  });
  // What was applied of a round that failed is true all the same, so it is shown, not confirmed.
  state.owned_index->publish_names();
  if (!reached && reached.error().code == ErrorCode::feed_truncated) return state.load(feed);
  LK_CHECK(std::move(applied));
  if (!reached) return reached.error();
  if (reached->epoch != after.epoch || reached->revision < after.revision) {
    return Error(ErrorCode::integrity_violated, "The feed has gone back to an earlier revision.");
  }
  state.confirm(*reached, sent);
  return {};
}

Result<void> Verifier::follow(Feed& feed, std::stop_token stop) {
  Milliseconds back_off = kBackOffMin;
  Milliseconds wait{0};  // the first round only confirms
  while (!stop.stop_requested()) {
    const auto round = follow_once(feed, wait);
    if (round) {
      back_off = kBackOffMin;
      wait = state_->options.poll_wait;
      continue;
    }
    const ErrorCode code = round.error().code;
    if (code == ErrorCode::integrity_violated || code == ErrorCode::overloaded) {
      return round.error();
    }
    state_->pause(back_off, stop);
    back_off = std::min(back_off * 2, kBackOffMax);
    wait = Milliseconds{0};
  }
  return {};
}

void Verifier::State::pause(Milliseconds time, const std::stop_token& stop) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  const std::stop_callback wake(stop, [this] {
    MutexLock lock(mutex);
    changed.notify_all();
  });
  MutexLock lock(mutex);
  while (!stop.stop_requested()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero() || !changed.wait_for(mutex, left)) return;
  }
}

bool Verifier::wait_for(core::Revision revision, Milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  State& state = *state_;
  MutexLock lock(state.mutex);
  while (!state.status.loaded || state.status.revision < revision) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    (void)state.changed.wait_for(state.mutex, left);
  }
  return true;
}

VerifierStatus Verifier::status() const {
  State& state = *state_;
  const Ticks now = state.clock.ticks();
  MutexLock lock(state.mutex);
  VerifierStatus status = state.status;
  if (status.loaded) status.age = now - Ticks{state.confirmed_ticks_ms.load()};
  return status;
}

}  // namespace latchkey::verify
