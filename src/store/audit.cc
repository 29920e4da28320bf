// Checks the whole log and every token row against it: rule E16 of docs/spec/event-log.md.
#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "store/client_rows.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/token_rows.h"

namespace latchkey::store {
namespace {

constexpr int kPageRows = 500;

Error violated(core::Revision revision, std::string_view what) {
  return Error(ErrorCode::integrity_violated,
               "event " + std::to_string(revision.number) + ": " + std::string(what));
}

Error violated(core::TokenId token, std::string_view what) {
  return Error(ErrorCode::integrity_violated,
               "token " + core::format_id(token) + ": " + std::string(what));
}

struct BoundRow {
  core::TokenId token;
  Digest mac{};
};

// The token rows that `event` names (rule E10); nothing when they are not of that form.
std::optional<std::vector<BoundRow>> bound_rows(const core::Event& event) {
  std::vector<BoundRow> bound;
  const auto data = parse_json(event.draft.data);
  if (!data || !data->is_object()) return std::nullopt;
  const json::value* const rows = data->as_object().if_contains("tokenRows");
  if (rows == nullptr) return bound;
  if (!rows->is_object()) return std::nullopt;
  for (const auto& [id_text, mac_text] : rows->as_object()) {
    const auto token = core::parse_id<core::TokenId>(std::string_view(id_text));
    if (!token || !mac_text.is_string()) return std::nullopt;
    const auto mac = parse_hex(std::string_view(mac_text.as_string()));
    if (!mac || mac->size() != Digest().size()) return std::nullopt;
    BoundRow& row = bound.emplace_back();
    row.token = *token;
    std::copy(mac->begin(), mac->end(), row.mac.begin());
  }
  return bound;
}

// Walks the log page by page, each page in a view of its own: a long view would keep the engine
// from reusing its log.
class Audit {
 public:
  explicit Audit(Store& store) : store_(store) {}

  Result<AuditReport> run(const std::function<void(uint64_t, uint64_t)>& on_progress) {
    LK_CHECK(store_.read([&](ReadTx& tx) -> Result<void> {
      LK_TRY(end_, load_signed_head(tx.connection(), tx.row_keys()));
      return {};
    }));
    while (last_.revision < end_.revision) {
      LK_CHECK(store_.read([&](ReadTx& tx) { return check_events(tx); }));
      if (on_progress) on_progress(last_.revision.number, end_.revision.number);
    }
    if (last_.hash != end_.hash) return violated(end_.revision, "is not the head that was signed");
    bool more = true;
    while (more) {
      LK_CHECK(store_.read([&](ReadTx& tx) -> Result<void> {
        LK_TRY(more, check_tokens(tx));
        return {};
      }));
    }
    LK_CHECK(store_.read([](ReadTx& tx) { return check_organization_rows(tx); }));
    LK_CHECK(store_.read([](ReadTx& tx) { return check_identity_rows(tx); }));
    LK_CHECK(store_.read([](ReadTx& tx) { return check_client_rows(tx); }));
    return report_;
  }

 private:
  Result<void> check_events(ReadTx& tx) {
    LK_TRY(const auto events, list_events(tx.connection(), last_.revision, kPageRows));
    if (events.empty()) {
      return violated(core::Revision{last_.revision.number + 1}, "is missing");
    }
    for (const core::Event& event : events) {
      if (event.revision > end_.revision) break;
      LK_CHECK(check_event(tx, event));
      last_ = {event.revision, event.hash};
      ++report_.events;
    }
    return {};
  }

  Result<void> check_event(ReadTx& tx, const core::Event& event) {
    const core::Revision expected{last_.revision.number + 1};
    if (event.revision != expected) return violated(expected, "is missing");
    if (event.previous_hash != last_.hash) {
      return violated(event.revision, "does not follow the event before it");
    }
    if (core::event_hash(event) != event.hash) return violated(event.revision, "was changed");
    LK_TRY(const auto context, find_event_context(tx, event.revision));
    if (!context) {
      ++report_.contexts_erased;
    } else if (core::context_digest(context->context, context->salt) != event.context_digest) {
      return violated(event.revision, "its context was changed");
    }
    const auto bound = bound_rows(event);
    if (!bound) return violated(event.revision, "its data has another form");
    for (const BoundRow& row : *bound) LK_CHECK(check_bound(tx, event.revision, row));
    return {};
  }

  // A row is at the revision of the last event that names it, with the MAC that this event gives.
  Result<void> check_bound(ReadTx& tx, core::Revision revision, const BoundRow& bound) {
    LK_TRY(const auto row, find_token(tx, bound.token));
    if (!row) return violated(bound.token, "is missing");
    if (row->revision < revision) return violated(bound.token, "was put back to an earlier state");
    if (row->revision == revision && row->mac != bound.mac) {
      return violated(bound.token, "is not the row that the event log names");
    }
    return {};
  }

  // Whether there are more.
  Result<bool> check_tokens(ReadTx& tx) {
    LK_TRY(const auto rows, list_all_tokens(tx, last_token_, kPageRows));
    for (const TokenRow& row : rows) {
      if (!is_ours(tx, row)) return violated(row.token.id, "its row was changed");
      LK_CHECK(check_named(tx, row));
      last_token_ = row.token.id;
      ++report_.tokens;
    }
    return static_cast<int>(rows.size()) == kPageRows;
  }

  // The event that a row says it belongs to names it. What came after the end was not looked at.
  Result<void> check_named(ReadTx& tx, const TokenRow& row) {
    const core::Revision before{row.revision.number - 1};
    LK_TRY(const auto events, list_events(tx.connection(), before, 1));
    if (events.empty() || events.front().revision != row.revision) {
      return violated(row.token.id, "names an event that is not there");
    }
    const auto bound = bound_rows(events.front());
    const auto names_row = [&](const BoundRow& entry) {
      return entry.token == row.token.id && entry.mac == row.mac;
    };
    if (!bound || std::none_of(bound->begin(), bound->end(), names_row)) {
      return violated(row.token.id, "its event does not name it");
    }
    return {};
  }

  Store& store_;
  LogHead end_;   // what was last when the audit began
  LogHead last_;  // the event checked last
  core::TokenId last_token_;
  AuditReport report_;
};

}  // namespace

Result<AuditReport> verify_audit(Store& store,
                                 const std::function<void(uint64_t, uint64_t)>& on_progress) {
  return Audit(store).run(on_progress);
}

}  // namespace latchkey::store
