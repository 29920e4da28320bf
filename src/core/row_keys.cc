#include "core/row_keys.h"

#include "base/assert.h"

namespace latchkey::core {
namespace {

// Keys can be copied but not assigned, so the list is put in order by copying it.
RowKeyList newest_first(const RowKeyList& keys) {
  LK_ASSERT(!keys.empty());
  RowKeyList ordered;
  while (ordered.size() < keys.size()) {
    const std::pair<RowKeyId, Hmac>* next = nullptr;
    for (const auto& key : keys) {
      const bool is_left = ordered.empty() || key.first < ordered.back().first;
      if (is_left && (next == nullptr || key.first > next->first)) next = &key;
    }
    LK_ASSERT(next != nullptr);  // else an id stands twice
    ordered.push_back(*next);
  }
  return ordered;
}

}  // namespace

RowKeySet::RowKeySet(RowKeyList keys) : keys_(newest_first(keys)) {}

RowKeys::RowKeys(RowKeyList keys) : set_(std::make_shared<RowKeySet>(std::move(keys))) {}

std::shared_ptr<const RowKeySet> RowKeys::now() const {
  const MutexLock lock(mutex_);
  return set_;
}

void RowKeys::add(RowKeyId id, const Hmac& key) {
  RowKeyList keys = now()->all();
  LK_ASSERT(id > keys.front().first);
  keys.emplace_back(id, key);
  auto changed = std::make_shared<RowKeySet>(std::move(keys));
  const MutexLock lock(mutex_);
  set_ = std::move(changed);
}

void RowKeys::remove(RowKeyId id) {
  const auto before = now();
  LK_ASSERT(id != before->current_id());
  RowKeyList keys;
  for (const auto& key : before->all()) {
    if (key.first != id) keys.push_back(key);
  }
  LK_ASSERT(keys.size() + 1 == before->all().size());
  auto changed = std::make_shared<RowKeySet>(std::move(keys));
  const MutexLock lock(mutex_);
  set_ = std::move(changed);
}

std::string RowKeyView::numbers() const {
  std::string text;
  for (const auto& [id, key] : keys_.now()->all()) {
    if (!text.empty()) text += ", ";
    text += std::to_string(id.number);
  }
  return text;
}

}  // namespace latchkey::core
