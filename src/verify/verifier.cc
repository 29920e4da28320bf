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

// An index and the moment for which it is current. They are one object, so that a reader never
// takes the age of one index for that of another.
struct Known {
  explicit Known(ReadProtection& protection) : index(protection) {}
  Index index;
  std::atomic<int64_t> current_at_ms{0};
};

}  // namespace

struct Verifier::State {
  const core::DigestKeys& keys;
  const core::ProviderSignature& provider;
  Clock& clock;
  const VerifierOptions options;

  ReadProtection protection;
  std::unique_ptr<Known> owned;              // the writer's
  std::atomic<const Known*> known{nullptr};  // the readers'; null until loaded
  std::atomic<uint64_t> shows{0};            // odd while one index takes the place of another
  std::atomic<int64_t> latest_now_ms{std::numeric_limits<int64_t>::min()};

  Mutex mutex;
  ConditionVariable changed;
  VerifierStatus status LK_GUARDED_BY(mutex);  // but for its age

  State(const core::DigestKeys& digest_keys, const core::ProviderSignature& signature,
        Clock& system_clock, VerifierOptions verifier_options)
      : keys(digest_keys), provider(signature), clock(system_clock), options(verifier_options) {}

  // REQUIRES: within a Guard, and before anything is looked up (rule V18).
  const Index* find_current_index(Ticks ticks) const {
    const Known* const found = known.load(std::memory_order_seq_cst);
    if (found == nullptr) return nullptr;
    const Ticks current_at{found->current_at_ms.load(std::memory_order_acquire)};
    return ticks - current_at > options.staleness_max ? nullptr : &found->index;
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

  // The index is what the feed was at `position`, and all that there was at `current_at`.
  void confirm(const core::Position& position, Ticks current_at) {
    const Instant now = clock.now();
    if (not_before_seen(now) == now) latest_now_ms.store(now.ms, std::memory_order_relaxed);
    // What was once confirmed stays so: a poll may come from who is further behind.
    const int64_t before = owned->current_at_ms.load(std::memory_order_relaxed);
    owned->current_at_ms.store(std::max(before, current_at.ms), std::memory_order_release);
    MutexLock lock(mutex);
    status.revision = position.revision;
    status.epoch = position.epoch;
    status.tokens = owned->index.tokens();
    status.memberships = owned->index.memberships();
    status.memory_bytes = sizeof *this + owned->index.memory_bytes();
    status.loaded = true;
    changed.notify_all();
  }

  core::Position position() {
    MutexLock lock(mutex);
    return {status.epoch, status.revision};
  }

  // Shows readers `successor` in the place of the index that they have.
  void show(std::unique_ptr<Known> successor) {
    shows.fetch_add(1, std::memory_order_seq_cst);
    known.store(successor.get(), std::memory_order_seq_cst);
    shows.fetch_add(1, std::memory_order_seq_cst);
    protection.synchronize();
    owned = std::move(successor);
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
  const ReadProtection::Guard guard = state.protection.enter();
  const Index* const current = state.find_current_index(moment.ticks);
  if (current == nullptr) return Error(ErrorCode::index_stale);
  const Index& index = *current;
  LK_TRY(const core::TokenParts parts, core::parse_token(state.provider, token_text));
  const auto digest = state.keys.digest_of(parts.key_id, token_text);
  if (!digest) return Error(ErrorCode::token_unknown);

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
  const Known* const known = state_->known.load(std::memory_order_seq_cst);
  if (known == nullptr) return std::nullopt;
  const auto entry = known->index.find_token(*digest);
  return entry ? std::optional(entry->id) : std::nullopt;
}

std::optional<core::OrganizationId> Verifier::find_organization(std::string_view name_key) const {
  const ReadProtection::Guard guard = state_->protection.enter();
  const Known* const known = state_->known.load(std::memory_order_seq_cst);
  if (known == nullptr) return std::nullopt;
  return known->index.find_organization(name_key);
}

Result<void> Verifier::State::load(Feed& feed) {
  auto successor = std::make_unique<Known>(protection);
  Result<void> applied;
  const Ticks sent = clock.ticks();
  LK_TRY(const Reached reached, feed.load([&](const FeedItem& item) {
    if (applied) applied = successor->index.apply(item, TokenTable::Growth::loading);
  }));
  LK_CHECK(std::move(applied));
  successor->index.publish_names();
  successor->index.fit();
  // Before anybody sees it: one that comes from who is far behind is older than the one before.
  const Ticks current_at = reached.current_at.value_or(sent);
  successor->current_at_ms.store(current_at.ms, std::memory_order_release);
  show(std::move(successor));
  confirm(reached.position, current_at);
  return {};
}

Result<void> Verifier::load(Feed& feed) {
  LK_ASSERT(state_->owned == nullptr);
  return state_->load(feed);
}

Result<void> Verifier::load_image(const core::Position& position, const ImageTotals& totals,
                                  const ImageSource& source) {
  State& state = *state_;
  LK_ASSERT(state.owned == nullptr);
  auto restored = std::make_unique<Known>(state.protection);
  LK_CHECK(restore_image(totals, source, restored->index));
  // Older than it may be, until a poll says otherwise.
  const Ticks stale = state.clock.ticks() + (-state.options.staleness_max - Milliseconds(1));
  restored->current_at_ms.store(stale.ms, std::memory_order_release);
  state.show(std::move(restored));
  MutexLock lock(state.mutex);
  state.status.revision = position.revision;
  state.status.epoch = position.epoch;
  return {};
}

Result<ImageTotals> Verifier::take_image(core::Position& position, const ImageSink& sink) const {
  State& state = *state_;
  const uint64_t shows = state.shows.load(std::memory_order_seq_cst);
  position = state.position();
  const auto access = [&](const std::function<void(const Index&)>& look) -> Result<void> {
    const ReadProtection::Guard guard = state.protection.enter();
    const Known* const known = state.known.load(std::memory_order_seq_cst);
    const bool is_same = shows % 2 == 0 && state.shows.load(std::memory_order_seq_cst) == shows;
    if (known == nullptr || !is_same) {
      return Error(ErrorCode::conflict, "The index was loaded anew.");
    }
    look(known->index);
    return {};
  };
  return verify::take_image(access, sink);
}

std::vector<OrganizationItem> Verifier::organization_names() const {
  const ReadProtection::Guard guard = state_->protection.enter();
  const Known* const known = state_->known.load(std::memory_order_seq_cst);
  LK_ASSERT(known != nullptr);
  return known->index.names();
}

Result<void> Verifier::follow_once(Feed& feed, Milliseconds wait) {
  State& state = *state_;
  LK_ASSERT(state.owned != nullptr);
  const core::Position after = state.position();
  Result<void> applied;
  const Ticks sent = state.clock.ticks();
  const auto reached = feed.follow(after, wait, [&](const FeedItem& item) {
    if (applied) applied = state.owned->index.apply(item, TokenTable::Growth::frugal);
  });
  // What was applied of a round that failed is true all the same, so it is shown, not confirmed.
  state.owned->index.publish_names();
  if (!reached && reached.error().code == ErrorCode::feed_truncated) return state.load(feed);
  LK_CHECK(std::move(applied));
  if (!reached) return reached.error();
  const core::Position& position = reached->position;
  if (position.epoch != after.epoch || position.revision < after.revision) {
    return Error(ErrorCode::integrity_violated, "The feed has gone back to an earlier revision.");
  }
  state.confirm(position, reached->current_at.value_or(sent));
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
  const auto current_at = [&]() -> std::optional<Ticks> {
    const ReadProtection::Guard guard = state.protection.enter();
    const Known* const known = state.known.load(std::memory_order_seq_cst);
    return known == nullptr ? std::nullopt : std::optional(Ticks{known->current_at_ms.load()});
  }();
  MutexLock lock(state.mutex);
  VerifierStatus status = state.status;
  if (status.loaded && current_at) status.age = now - *current_at;
  return status;
}

}  // namespace latchkey::verify
