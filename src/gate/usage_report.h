// A batch of uses on its way from a gate to its server, and the gate's side of sending it.
//
// A batch has an id, so that one whose answer was lost is sent again and counted once. It is bound
// in tokens and bytes. The reporter has at most one batch that is not answered; it keeps that until
// it is, or is too old for the server to remember. Thread safety: one thread a UsageReporter.
// Spec: docs/spec/usage.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/result.h"
#include "gate/usage_recorder.h"
#include "verify/server_connection.h"

namespace latchkey::gate {

inline constexpr size_t kReportTokensMax = 500;
inline constexpr int32_t kUsageDaysKept = 90;
// How long a server knows which batches it has counted; a gate gives up before.
inline constexpr Milliseconds kReportMemory = std::chrono::hours(48);
inline constexpr Milliseconds kReportLife = std::chrono::hours(24);

struct UsageReport {
  Uuid batch;
  std::vector<TokenUsage> uses;
};

// The JSON of a report: {"batchId", "uses": [{"token", "lastUsedAt", "address", "userAgent",
// "days": [{"day", "allowed", "refused"}]}]}.
std::string format_report(const UsageReport& report);
// Errors: body_malformed; invalid_argument naming the field. Days that are too old or in the future
// at `now`, and last uses of the future, are errors too.
Result<UsageReport> parse_report(std::string_view text, Instant now);

class UsageReporter {
 public:
  // All outlive the reporter. Errors: those of ServerConnection::open().
  static Result<UsageReporter> open(const verify::ServerAddress& address, UsageRecorder& recorder,
                                    Clock& clock, Entropy& entropy);

  // Sends what there is, batch by batch, until nothing is left. To be called every few seconds.
  // Errors: those of ServerConnection::send(); what was not delivered is kept for the next call.
  Result<void> step();

 private:
  UsageReporter(verify::ServerConnection connection, UsageRecorder& recorder, Clock& clock,
                Entropy& entropy)
      : connection_(std::move(connection)), recorder_(recorder), clock_(clock), entropy_(entropy) {}
  // Whether there is a batch to send.
  Result<bool> prepare();

  verify::ServerConnection connection_;
  UsageRecorder& recorder_;
  Clock& clock_;
  Entropy& entropy_;
  std::optional<UsageReport> pending_;
  Ticks pending_since_;
};

}  // namespace latchkey::gate
