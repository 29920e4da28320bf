#include "app/feed_answers.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <variant>

namespace latchkey::app {
namespace {

struct OrganizationOf {
  core::OrganizationId operator()(const auto& item) const { return item.organization; }
};

Error behind() {
  return Error(ErrorCode::store_unavailable, "The server's own index is behind. Try again.");
}

}  // namespace

Result<void> FeedAnswers::look_for(const Question& question, Ticks asked_at) const {
  const auto level = log_.level();
  if (!level) return behind();
  if (question.after.epoch != level->position.epoch) return Error(ErrorCode::feed_truncated);
  const auto seen = question.seen.value_or(Question::Seen{question.after.revision, 0});
  switch (log_.look_for(seen.revision, seen.mark)) {
    case FeedLog::Knows::same: return {};
    case FeedLog::Knows::other:
      // Who names no mark asks for no comparison.
      return question.seen ? Result<void>(Error(ErrorCode::feed_truncated)) : Result<void>();
    case FeedLog::Knows::forgotten: return Error(ErrorCode::feed_truncated);
    case FeedLog::Knows::later:
      // Who came with more than there was afterwards has what was lost since.
      return level->current_at > asked_at ? Error(ErrorCode::feed_truncated) : behind();
  }
  return Error(ErrorCode::internal);
}

bool FeedAnswers::has_news(const Question& question, Ticks asked_at) const {
  const auto level = log_.level();
  if (!level) return false;
  const core::Revision after = question.after.revision;
  const core::Revision seen = question.seen ? question.seen->revision : after;
  if (level->position.revision < std::max(after, seen)) return level->current_at > asked_at;
  return level->position.revision > after;
}

Result<verify::FeedMessage> FeedAnswers::changes(const Question& question, Ticks asked_at,
                                                 const Filter& is_for) const {
  // Before the changes: what comes meanwhile is told without being confirmed.
  const auto level = log_.level();
  LK_CHECK(look_for(question, asked_at));
  const auto part = log_.after(question.after.revision, verify::kFeedMessageItemsMax);
  if (!level || !part) return Error(ErrorCode::feed_truncated);
  verify::FeedMessage message;
  message.position = {level->position.epoch, part->reached};
  message.mark = part->mark;
  message.current_after = level->current_at - asked_at;
  message.more = part->reached < level->position.revision;
  for (const auto& round : part->rounds) {
    for (const verify::FeedItem& item : *round) {
      if (is_for(std::visit(OrganizationOf(), item))) message.items.push_back(item);
    }
  }
  return message;
}

Result<FeedAnswers::Page> FeedAnswers::begin_page(const std::string& cursor, Ticks asked_at) const {
  const auto level = log_.level();
  if (!level) return behind();
  // Another process, or another load of this one: its pages may be of another history.
  std::array<char, 32> name{};
  std::snprintf(name.data(), name.size(), "%016llx-",
                static_cast<unsigned long long>(run_ + level->generation));
  Page page{*level, asked_at, name.data(), ""};
  if (cursor.empty()) return page;
  if (cursor.size() <= page.name.size() || cursor[page.name.size() - 1] != '-') {
    return invalid_field("after", "must be what the page before gave as next");
  }
  if (!cursor.starts_with(page.name)) {
    return Error(ErrorCode::store_unavailable,
                 "The snapshot that was begun is not here any more. Begin again.");
  }
  page.place = cursor.substr(page.name.size());
  return page;
}

Result<void> FeedAnswers::finish_page(const Page& page, verify::FeedMessage& message,
                                      Milliseconds wait_max) const {
  const core::Position& view = message.position;
  // A view from before what our own index knows would claim its age without having it; one of a
  // history that was lost would show what never was.
  if (view.epoch != page.level.position.epoch || view.revision < page.level.position.revision ||
      log_.wait_for(view.revision, message.mark, wait_max) != FeedLog::Knows::same) {
    return behind();
  }
  const auto level = log_.level();
  if (!level || level->generation != page.level.generation) return behind();
  message.current_after = page.level.current_at - page.asked_at;
  if (!message.next.empty()) message.next.insert(0, page.name);
  return {};
}

}  // namespace latchkey::app
