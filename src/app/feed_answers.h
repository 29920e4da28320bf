// What a gate is told, from the log of what this node's own index followed.
//
// Each answer says for which moment it was all that there was: how current this node's index was,
// counted from when the question came. So a gate is never younger than the truth, whichever node it
// asks. Who has events that were lost by a failover, or that this node does not remember, is told
// to load anew. Thread safety: any thread; finish_page() may block. Spec: docs/spec/feed.md.
#pragma once

#include <functional>
#include <string>

#include "api/change_feed.h"
#include "app/feed_log.h"
#include "verify/feed_message.h"

namespace latchkey::app {

class FeedAnswers {
 public:
  using Question = api::ChangeFeed::Question;
  using Filter = std::function<bool(core::OrganizationId)>;

  // `run` differs from process to process.
  FeedAnswers(const FeedLog& log, uint64_t run) : log_(log), run_(run) {}

  // Whether all that `question` came with is here, and of this history. Errors: feed_truncated;
  // store_unavailable (this node has not come so far).
  Result<void> look_for(const Question& question, Ticks asked_at) const;
  // Whether there is something to tell before the wait is over.
  bool has_news(const Question& question, Ticks asked_at) const;
  // What changed, of organizations that `is_for` names. Errors: as look_for().
  Result<verify::FeedMessage> changes(const Question& question, Ticks asked_at,
                                      const Filter& is_for) const;

  // A page of a snapshot that is being answered.
  struct Page {
    FeedLog::Level level;  // before anything of it was read
    Ticks asked_at;
    std::string name;   // of the snapshot: it begins each of its cursors
    std::string place;  // of the page, without the name
  };
  // Errors: store_unavailable (nothing is loaded, or the page is of another snapshot);
  // invalid_argument (`after`).
  Result<Page> begin_page(const std::string& cursor, Ticks asked_at) const;
  // Completes `message`, which has what was read, the position and mark of the view that it was
  // read in, and the next place. Waits up to `wait_max` for the node's index to come so far.
  // Errors: store_unavailable (the view is from before what the index knows, or of another
  // history).
  Result<void> finish_page(const Page& page, verify::FeedMessage& message,
                           Milliseconds wait_max) const;

 private:
  const FeedLog& log_;
  const uint64_t run_;
};

}  // namespace latchkey::app
