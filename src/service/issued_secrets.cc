#include "service/issued_secrets.h"

#include "base/assert.h"

namespace latchkey::service {

Result<void> IssuedSecrets::keep(const Digest& key, const IssuedToken& issued) {
  MutexLock lock(mutex_);
  if (!sealing_key_) {
    LK_TRY(SealingKey made, SealingKey::create(entropy_));
    sealing_key_.emplace(std::move(made));
  }
  LK_TRY(Bytes sealed, sealing_key_->seal(issued.text, entropy_));
  forget_old_locked();
  if (const auto before = by_key_.find(key); before != by_key_.end()) forget(before->second);
  const core::PersonId person = issued.token.owner;
  make_room(person);
  const Number number = ++last_;
  entries_.emplace(number,
                   Entry{key, issued.token, std::move(sealed), clock_.ticks() + limits_.life});
  by_key_.emplace(key, number);
  by_person_[person].insert(number);
  return {};
}

std::optional<IssuedToken> IssuedSecrets::find(const Digest& key) {
  MutexLock lock(mutex_);
  forget_old_locked();
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  const Entry& entry = entries_.at(found->second);
  auto text = sealing_key_->open(entry.sealed);
  LK_ASSERT(text.has_value());  // nobody else writes there
  return IssuedToken{entry.token, *std::move(text), true};
}

void IssuedSecrets::forget_old() {
  MutexLock lock(mutex_);
  forget_old_locked();
}

size_t IssuedSecrets::size() {
  MutexLock lock(mutex_);
  return entries_.size();
}

// All live equally long, so the oldest end first.
void IssuedSecrets::forget_old_locked() {
  const Ticks now = clock_.ticks();
  while (!entries_.empty() && entries_.begin()->second.until <= now) {
    forget(entries_.begin()->first);
  }
}

void IssuedSecrets::forget(Number number) {
  const auto entry = entries_.find(number);
  LK_ASSERT(entry != entries_.end());
  by_key_.erase(entry->second.key);
  const auto of_person = by_person_.find(entry->second.token.owner);
  of_person->second.erase(number);
  if (of_person->second.empty()) by_person_.erase(of_person);
  wipe(entry->second.sealed.data(), entry->second.sealed.size());
  entries_.erase(entry);
}

void IssuedSecrets::make_room(core::PersonId person) {
  const auto own = by_person_.find(person);
  if (own != by_person_.end() && own->second.size() >= limits_.of_person_max) {
    forget(*own->second.begin());
  }
  if (entries_.size() >= limits_.all_max) forget(entries_.begin()->first);
}

}  // namespace latchkey::service
