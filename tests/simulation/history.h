// What was asked and answered, and whether the answers could all be true.
//
// Changes and checks are noted with when they began and ended. A check may answer as of any moment
// from the bound before it began to when it ended: it must know what was acknowledged before, may
// know what began before its end, and can know nothing else. find_violations() gives each answer
// that no such moment explains, in words. The same rules over observed times of real nodes are in
// tests/e2e/history.py. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace latchkey::simulation {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

enum class ChangeKind { create, revoke, regenerate, disable, enable };
enum class Outcome {
  acknowledged,
  refused,  // nothing was changed
  unknown   // the answer was lost, or never came
};

struct Change {
  ChangeKind kind = ChangeKind::create;
  int person = 0;
  int text = 0;      // that create and regenerate make
  int old_text = 0;  // that revoke and regenerate end
  int64_t began = 0;
  int64_t ended = kNever;  // never, unless acknowledged
  Outcome outcome = Outcome::unknown;
  uint64_t revision = 0;     // if acknowledged
  int64_t lost_at = kNever;  // when a failover lost it; it was not acknowledged then
  int64_t gone_at = kNever;  // when the last server that showed it was told so
  bool in_log = true;        // of the last primary, in the end
};

enum class Answer { accepted, unknown, revoked, disabled, stale };

struct Check {
  std::string at;  // the name of the node or gate
  int text = 0;
  int person = 0;  // that owns it
  int64_t began = 0;
  int64_t ended = 0;
  Answer answer = Answer::stale;
  uint64_t min_revision = 0;  // that it asked for and was told to be there
  uint64_t revision = 0;      // of the index that answered, at least
};

class History {
 public:
  // Times are in one unit; `bound` in it too, with what rounding adds.
  explicit History(int64_t bound) : bound_(bound) {}

  // Returns the number of the change, to complete it later.
  size_t begin(const Change& change) {
    changes_.push_back(change);
    return changes_.size() - 1;
  }
  Change& change(size_t number) { return changes_[number]; }
  const std::vector<Change>& changes() const { return changes_; }
  void add(const Check& check) { checks_.push_back(check); }
  size_t checks() const { return checks_.size(); }
  size_t answered() const;

  std::vector<std::string> find_violations() const;

 private:
  struct Known;
  Known known_to(const Check& check) const;
  std::string problem_of(const Check& check) const;

  const int64_t bound_;
  std::vector<Change> changes_;
  std::vector<Check> checks_;
};

}  // namespace latchkey::simulation
