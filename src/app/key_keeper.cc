#include "app/key_keeper.h"

#include <algorithm>

namespace latchkey::app {
namespace {

constexpr int kRevokedMax = 1'000;  // tokens of one call
// No token lives longer than a year, so a key that is older could have been retired.
constexpr int64_t kOldDays = 400;
constexpr int64_t kDayMs = 86'400'000;

// Holds the right to change keys, if nobody else has it.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& taken) : taken_(taken), is_ours_(!taken.exchange(true)) {}
  ~Turn() {
    if (is_ours_) taken_ = false;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  Result<void> check() const {
    if (is_ours_) return {};
    return Error(ErrorCode::conflict, "Another change of keys is going on; try again.");
  }

 private:
  std::atomic<bool>& taken_;
  const bool is_ours_;
};

}  // namespace

core::EventContext system_context() {
  return {
      .address = "", .user_agent = "", .mechanism = "system", .correlation_id = "", .names = "{}"};
}

Result<void> KeyKeeper::finish_logging() {
  const core::EventContext context{
      .address = "", .user_agent = "", .mechanism = "system", .correlation_id = "", .names = "{}"};
  LK_CHECK(log_changes(context, Newest::may_be_logged));
  for (const DigestKeyFacts& key : dependencies_.keys.digest_key_facts()) {
    const int64_t days = (dependencies_.clock.now() - key.made_at).count() / kDayMs;
    if (!key.is_current || days < kOldDays) continue;
    dependencies_.log.warning("keys.digest_key_old", {{"key", key.id.view()}, {"days", days}});
  }
  return {};
}

Result<core::Revision> KeyKeeper::log_changes(const core::EventContext& context, Newest newest) {
  core::Revision revision;
  const auto unlogged = dependencies_.keys.unlogged();
  for (const UnloggedChange& change : unlogged) {
    // What an earlier attempt left may have got as far as the log.
    bool is_logged = false;
    if (newest == Newest::may_be_logged || &change != &unlogged.back()) {
      LK_TRY(is_logged, dependencies_.changes.is_logged(change.action, change.data));
    }
    if (!is_logged) {
      LK_TRY(revision, dependencies_.changes.append(context, change.action, change.data));
    }
    LK_CHECK(dependencies_.keys.set_logged(change));
    dependencies_.log.info("keys.changed",
                           {{"action", core::action_name(change.action)}, {"data", change.data}});
  }
  return revision;
}

Result<core::DigestKeyId> KeyKeeper::rotate_digest_key(const service::Actor& actor) {
  const Turn turn(is_changing_);
  LK_CHECK(turn.check());
  LK_CHECK(dependencies_.changes.check_alone());
  LK_TRY(const core::DigestKeyId key,
         dependencies_.keys.rotate_digest_key(dependencies_.entropy, dependencies_.clock.now()));
  // Bodies run one after the other, so with this write the last token of the old key is committed.
  LK_CHECK(log_changes(actor.event_context("{}"), Newest::is_new));
  return key;
}

Result<KeyKeeper::RowRotation> KeyKeeper::rotate_row_key(const service::Actor& actor) {
  const Turn turn(is_changing_);
  LK_CHECK(turn.check());
  const auto before = dependencies_.keys.row_key_facts();
  if (before.size() > 1) return RowRotation{before.front().id, false};
  LK_CHECK(dependencies_.changes.check_alone());
  LK_TRY(const core::RowKeyId key,
         dependencies_.keys.rotate_row_key(dependencies_.entropy, dependencies_.clock.now()));
  LK_CHECK(log_changes(actor.event_context("{}"), Newest::is_new));
  return RowRotation{key, true};
}

Result<void> KeyKeeper::retire_old_row_keys(const core::EventContext& context) {
  const Turn turn(is_changing_);
  LK_CHECK(turn.check());
  for (const RowKeyFacts& key : dependencies_.keys.row_key_facts()) {
    if (key.is_current) continue;
    LK_CHECK(dependencies_.keys.retire_row_key(key.id));
    LK_CHECK(log_changes(context, Newest::is_new));
  }
  return {};
}

Result<std::vector<KeyKeeper::DigestKey>> KeyKeeper::digest_keys() {
  LK_TRY(const auto uses, dependencies_.changes.use());
  std::vector<DigestKey> all;
  for (const DigestKeyFacts& facts : dependencies_.keys.digest_key_facts()) {
    DigestKey key{facts, {facts.id, 0, {}}};
    const auto found = std::find_if(uses.begin(), uses.end(),
                                    [&](const auto& use) { return use.key == facts.id; });
    if (found != uses.end()) key.use = *found;
    all.push_back(key);
  }
  return all;
}

Result<void> KeyKeeper::check_retirable(core::DigestKeyId key) const {
  const auto all = dependencies_.keys.digest_key_facts();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& facts) { return facts.id == key; });
  if (found == all.end()) {
    return invalid_field("key", "names no digest key that is here; see `latchkey key list`");
  }
  if (found->is_current) {
    return Error(ErrorCode::conflict, "Key " + std::string(key.view()) +
                                          " is the current one: new tokens take it. Rotate first, "
                                          "with `latchkey key rotate digest`.");
  }
  return {};
}

Result<service::DependentTokens> KeyKeeper::dependents(core::DigestKeyId key, size_t list_max) {
  LK_CHECK(check_retirable(key));
  return dependencies_.changes.dependents(key, list_max);
}

Result<KeyKeeper::Retirement> KeyKeeper::retire_some(const service::Actor& actor,
                                                     core::DigestKeyId key) {
  const Turn turn(is_changing_);
  LK_CHECK(turn.check());
  LK_CHECK(check_retirable(key));
  LK_TRY(const auto revoked, dependencies_.changes.revoke_some(actor, key, kRevokedMax));
  Retirement step{revoked.value, revoked.value < kRevokedMax, revoked.revision};
  if (!step.is_done) return step;
  LK_CHECK(dependencies_.keys.retire_digest_key(key));
  LK_TRY(step.revision, log_changes(actor.event_context("{}"), Newest::is_new));
  return step;
}

}  // namespace latchkey::app
