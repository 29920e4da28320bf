#include "simulation/history.h"

#include <algorithm>

namespace latchkey::simulation {
namespace {

const char* name_of(Answer answer) {
  switch (answer) {
    case Answer::accepted: return "accepted";
    case Answer::unknown: return "unknown";
    case Answer::revoked: return "revoked";
    case Answer::disabled: return "owner disabled";
    case Answer::stale: return "stale";
  }
  return "";
}

const char* name_of(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::create: return "create";
    case ChangeKind::revoke: return "revoke";
    case ChangeKind::regenerate: return "regenerate";
    case ChangeKind::disable: return "disable";
    case ChangeKind::enable: return "enable";
  }
  return "";
}

}  // namespace

size_t History::answered() const {
  return static_cast<size_t>(std::count_if(
      checks_.begin(), checks_.end(), [](const Check& c) { return c.answer != Answer::stale; }));
}

// What the changes that concern a check must and may have done by the moments it may speak of.
struct History::Known {
  bool must_be_made = false, may_be_made = false;
  bool must_be_ended = false, may_be_ended = false;
  bool may_be_active = false, may_be_disabled = false;
  uint64_t acknowledged_revision = 0;  // of all changes that it must know
};

History::Known History::known_to(const Check& check) const {
  Known known;
  const int64_t since = check.began - bound_;
  std::vector<const Change*> states;  // disable and enable of the person that it may know
  const auto must_know = [&](const Change& change) {
    if (change.outcome != Outcome::acknowledged) return false;
    return change.ended < since || change.revision <= check.min_revision;
  };
  const auto may_know = [&](const Change& change) {
    if (change.outcome == Outcome::refused || change.began >= check.ended) return false;
    // What was lost and only refuses may show for as long as a server shows it; what lets through,
    // no longer than the bound.
    const bool refuses = change.kind == ChangeKind::revoke || change.kind == ChangeKind::disable;
    const int64_t lost_at = refuses ? change.gone_at : change.lost_at;
    return lost_at == kNever || lost_at >= since;
  };
  for (const Change& change : changes_) {
    const bool must = must_know(change), may = may_know(change);
    if (must) {
      known.acknowledged_revision = std::max(known.acknowledged_revision, change.revision);
    }
    const bool is_state = change.kind == ChangeKind::disable || change.kind == ChangeKind::enable;
    if (is_state) {
      if (may && change.person == check.person) states.push_back(&change);
      continue;
    }
    if (change.kind != ChangeKind::revoke && change.text == check.text) {
      known.must_be_made |= must;
      known.may_be_made |= may;
    }
    if (change.kind != ChangeKind::create && change.old_text == check.text) {
      known.must_be_ended |= must;
      known.may_be_ended |= may;
    }
  }
  // The last change decides; which one that is may be open. People begin active.
  const Change begin{.kind = ChangeKind::enable, .ended = std::numeric_limits<int64_t>::min()};
  states.push_back(&begin);
  for (const Change* const one : states) {
    const bool is_overwritten = std::any_of(states.begin(), states.end(), [&](const Change* other) {
      return other != &begin && must_know(*other) && other->began > one->ended;
    });
    if (is_overwritten) continue;
    (one->kind == ChangeKind::disable ? known.may_be_disabled : known.may_be_active) = true;
  }
  return known;
}

std::string History::problem_of(const Check& check) const {
  const Known known = known_to(check);
  if (check.answer == Answer::stale) return "";
  if (check.revision < known.acknowledged_revision) {
    return "its index is at " + std::to_string(check.revision) + ", before " +
           std::to_string(known.acknowledged_revision) + " which it must know";
  }
  switch (check.answer) {
    case Answer::accepted:
      if (!known.may_be_made) return "nobody made it, or it was lost";
      if (known.must_be_ended) return "it was ended before, beyond the bound";
      if (!known.may_be_active) return "its owner was disabled before, beyond the bound";
      return "";
    case Answer::unknown: return known.must_be_made ? "it was made before, beyond the bound" : "";
    case Answer::revoked: return known.may_be_ended ? "" : "nobody ended it";
    case Answer::disabled: return known.may_be_disabled ? "" : "nobody disabled its owner";
    case Answer::stale: return "";
  }
  return "";
}

std::vector<std::string> History::find_violations() const {
  std::vector<std::string> found;
  for (const Check& check : checks_) {
    const std::string problem = problem_of(check);
    if (problem.empty()) continue;
    found.push_back(check.at + " answered " + name_of(check.answer) + " for text " +
                    std::to_string(check.text) + " of person " + std::to_string(check.person) +
                    " at " + std::to_string(check.began) + ": " + problem);
  }
  for (const Change& change : changes_) {
    if (change.outcome != Outcome::acknowledged || change.in_log) continue;
    found.push_back(std::string(name_of(change.kind)) + " acknowledged at " +
                    std::to_string(change.ended) + " as " + std::to_string(change.revision) +
                    " was lost");
  }
  return found;
}

}  // namespace latchkey::simulation
