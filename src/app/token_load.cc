#include "app/token_load.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/store_feed.h"
#include "base/mutex.h"
#include "store/token_rows.h"

namespace latchkey::app {
namespace {

constexpr size_t kThreadsMax = 3;  // beside the one that reads
constexpr size_t kBatch = 256;
constexpr size_t kWaitingMax = 8;  // batches
constexpr size_t kClosuresMax = 4'096;

using Batch = std::vector<store::TokenRow>;

// The closures of the few texts that many tokens share.
class Closures {
 public:
  explicit Closures(const core::ScopeCatalog& catalog) : catalog_(catalog) {}
  std::optional<core::ScopeSet> find(const std::string& text) {
    if (const auto found = known_.find(text); found != known_.end()) return found->second;
    const auto closure = catalog_.closure_of(text);
    const auto made = closure ? std::optional(*closure) : std::nullopt;
    if (known_.size() < kClosuresMax) known_.emplace(text, made);
    return made;
  }

 private:
  const core::ScopeCatalog& catalog_;
  std::unordered_map<std::string, std::optional<core::ScopeSet>> known_;
};

class TokenLoad {
 public:
  TokenLoad(store::ReadTx& tx, const TokenLoadDependencies& dependencies,
            const verify::Feed::Sink& sink)
      : tx_(tx), dependencies_(dependencies), sink_(sink) {}

  Result<void> run() {
    const size_t cores = std::thread::hardware_concurrency();
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < std::clamp<size_t>(cores, 2, kThreadsMax + 1) - 1; ++i) {
      threads.emplace_back([this] { work(); });
    }
    Batch batch;
    auto read = store::for_each_token(tx_, [&](const store::TokenRow& row) -> Result<void> {
      batch.push_back(row);
      if (batch.size() == kBatch) put(std::exchange(batch, {}));
      return {};
    });
    put(std::move(batch));
    finish();
    threads.clear();
    return read;
  }

 private:
  void put(Batch batch) {
    MutexLock lock(mutex_);
    while (waiting_.size() >= kWaitingMax) changed_.wait(mutex_);
    waiting_.push_back(std::move(batch));
    changed_.notify_all();
  }

  void finish() {
    MutexLock lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }

  std::optional<Batch> take() {
    MutexLock lock(mutex_);
    while (waiting_.empty() && !finished_) changed_.wait(mutex_);
    if (waiting_.empty()) return std::nullopt;
    Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    changed_.notify_all();
    return batch;
  }

  void work() {
    Closures closures(dependencies_.catalog);
    while (const auto batch = take()) {
      std::vector<verify::TokenItem> items;
      std::vector<core::TokenId> refused;
      for (const store::TokenRow& row : *batch) {
        if (const auto item = token_item(tx_, closures.find(row.token.scope), row)) {
          items.push_back(*item);
        } else {
          refused.push_back(row.token.id);
        }
      }
      MutexLock lock(sink_mutex_);
      for (const verify::TokenItem& item : items) sink_(item);
      for (const core::TokenId id : refused) dependencies_.on_refused(id);
    }
  }

  store::ReadTx& tx_;  // read by one thread; its keys are asked by all
  const TokenLoadDependencies& dependencies_;
  const verify::Feed::Sink& sink_;
  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Batch> waiting_ LK_GUARDED_BY(mutex_);
  bool finished_ LK_GUARDED_BY(mutex_) = false;
  Mutex sink_mutex_;  // of the sink and of on_refused
};

}  // namespace

Result<void> load_all_tokens(store::ReadTx& tx, const TokenLoadDependencies& dependencies,
                             const verify::Feed::Sink& sink) {
  return TokenLoad(tx, dependencies, sink).run();
}

}  // namespace latchkey::app
