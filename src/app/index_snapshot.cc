#include "app/index_snapshot.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/canonical_bytes.h"
#include "core/role.h"
#include "store/event_rows.h"
#include "store/inspect.h"

namespace latchkey::app {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr uint64_t kSyncBytes = 8 << 20;  // what commits may have to wait for at most
// An event that is followed costs what some tens of rows cost that are read.
constexpr uint64_t kEventsMin = 10'000;
constexpr uint64_t kTokensForEvent = 20;

Error not_believed(const char* why) { return Error(ErrorCode::conflict, why); }

Milliseconds since(SteadyClock::time_point begin) {
  return std::chrono::duration_cast<Milliseconds>(SteadyClock::now() - begin);
}

// All that the closures and masks in an index were made of.
Digest digest_of(const core::ScopeCatalog& catalog) {
  core::CanonicalBytes bytes;
  bytes.add("latchkey.index-catalog.v1");
  const auto add_set = [&](const core::ScopeSet& set) {
    for (const uint64_t word : set.words()) bytes.add(word);
  };
  for (const core::Scope& scope : catalog.scopes()) {
    bytes.add(scope.identifier);
    bytes.add(uint64_t{scope.number.value});
    add_set(scope.closure);
  }
  using enum core::Role;
  for (const core::Role role : {reader, member, administrator, owner}) {
    add_set(core::role_mask(catalog, role));
  }
  return sha256(bytes.bytes());
}

// The head that the log had after the event `revision`.
Result<store::LogHead> load_head_at(store::ReadTx& tx, const core::Position& position) {
  LK_TRY(const auto events, store::list_events(tx.connection(), {position.revision.number - 1}, 1));
  if (events.empty() || events.front().revision != position.revision) {
    return Error(ErrorCode::integrity_violated, "an event of the log is missing");
  }
  return store::LogHead{position.revision, events.front().hash, position.epoch};
}

}  // namespace

std::string index_snapshot_path(const std::string& data_dir) {
  return data_dir + "/index.snapshot";
}

IndexSnapshot::IndexSnapshot(const IndexSnapshotDependencies& dependencies)
    : dependencies_(dependencies) {}

bool IndexSnapshot::load(const Resume& resume) {
  Log& log = dependencies_.log;
  // Left by a process that was killed while it wrote.
  ::unlink((dependencies_.path + ".new").c_str());
  if (::access(dependencies_.path.c_str(), F_OK) != 0) {
    log.info("index.snapshot_absent", {});
    return false;
  }
  const auto loaded = try_load(resume);
  if (loaded) return true;
  log.warning("index.snapshot_ignored",
              {{"code", error_name(loaded.error().code)}, {"message", loaded.error().message}});
  return false;
}

Result<void> IndexSnapshot::try_load(const Resume& resume) {
  const auto begin = SteadyClock::now();
  const auto row_keys = dependencies_.row_keys.now();
  LK_TRY(auto reader, SnapshotReader::open(dependencies_.path, snapshot_key(row_keys->current())));
  const SnapshotHeader& header = reader.header();
  if (header.deployment != dependencies_.deployment) {
    return not_believed("it is of another installation");
  }
  if (header.epoch != dependencies_.store.head().epoch) {
    return not_believed("it is of another epoch: a backup was restored since");
  }
  if (header.catalog != digest_of(dependencies_.catalog)) {
    return not_believed("scopes or roles have changed since");
  }
  LK_TRY(const uint64_t events, check_log(header));
  LK_CHECK(dependencies_.verifier.load_image(
      header.from.position(), header.totals,
      [&](const verify::ImageSink& sink) { return reader.read(sink); }));
  resume(header, dependencies_.verifier.organization_names());
  revision_ = header.from.revision;
  dependencies_.log.info("index.snapshot_used",
                         {{"revision", static_cast<int64_t>(revision_.number)},
                          {"events_since", static_cast<int64_t>(events)},
                          {"tokens", static_cast<int64_t>(header.totals.all_tokens())},
                          {"ms", since(begin).count()}});
  return {};
}

Result<uint64_t> IndexSnapshot::check_log(const SnapshotHeader& header) {
  uint64_t events = 0;
  const uint64_t limit = std::max(kEventsMin, header.totals.all_tokens() / kTokensForEvent);
  bool has_through = header.through.hash == header.from.hash;
  const auto body = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const store::LogHead head, store::load_signed_head(tx.connection(), tx.row_keys()));
    if (head.revision < header.through.revision) return not_believed("the log ends before it");
    events = head.revision.number - header.from.revision.number;
    if (events > limit) return not_believed("too much has changed since");
    return store::read_log_after(tx.connection(), tx.row_keys(), header.from,
                                 [&](const core::Event& event) -> Result<void> {
                                   has_through |= event.hash == header.through.hash;
                                   return {};
                                 });
  };
  LK_CHECK(dependencies_.store.read(body));
  if (!has_through) return not_believed("the log does not go on from it");
  return events;
}

Result<void> IndexSnapshot::write(const std::function<bool(Milliseconds)>& rest) {
  const auto begin = SteadyClock::now();
  SnapshotHeader header;
  LK_CHECK(dependencies_.entropy.fill(header.nonce));
  const auto row_keys = dependencies_.row_keys.now();
  LK_TRY(auto writer, SnapshotWriter::create(dependencies_.path, snapshot_key(row_keys->current()),
                                             header.nonce));
  uint64_t synced = 0;
  auto part_began = SteadyClock::now();
  core::Position from;
  LK_TRY(header.totals, dependencies_.verifier.take_image(
                            from, [&](const verify::ImageBlock& block) -> Result<void> {
                              LK_CHECK(writer.add(block));
                              if (writer.size_bytes() - synced < kSyncBytes) return {};
                              LK_CHECK(writer.sync());
                              synced = writer.size_bytes();
                              if (!rest(since(part_began))) return not_believed("it was ended");
                              part_began = SteadyClock::now();
                              return {};
                            }));
  // Read after the last block: what an index has was committed before.
  LK_CHECK(dependencies_.store.read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(header.through, store::load_signed_head(tx.connection(), tx.row_keys()));
    LK_TRY(header.from, load_head_at(tx, from));
    return {};
  }));
  if (header.through.epoch != from.epoch) return not_believed("another epoch has begun");
  header.deployment = dependencies_.deployment;
  header.epoch = from.epoch;
  header.catalog = digest_of(dependencies_.catalog);
  header.row_key = row_keys->current_id();
  const uint64_t bytes = writer.size_bytes();
  LK_CHECK(writer.finish(header));
  revision_ = from.revision;
  dependencies_.log.info("index.snapshot_written",
                         {{"revision", static_cast<int64_t>(revision_.number)},
                          {"tokens", static_cast<int64_t>(header.totals.all_tokens())},
                          {"bytes", static_cast<int64_t>(bytes)},
                          {"ms", since(begin).count()}});
  return {};
}

}  // namespace latchkey::app
