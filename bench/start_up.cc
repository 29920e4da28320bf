// P4: how long until an index is ready, from all rows and from a snapshot, beside reading all
// columns of all rows of tokens.
//
// Works on a data folder that no server uses, such as one of `latchkey bench seed`. Each round does
// all three in turns; the database should be in the page cache, or all three measure the disk.
// usage: start_up DATA [ROUNDS]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "app/index_snapshot.h"
#include "app/keys.h"
#include "app/store_feed.h"
#include "result.h"
#include "service/declared_scopes.h"
#include "store/sqlite_driver.h"

namespace latchkey::bench {
namespace {

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}
void check(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class StartUp {
 public:
  explicit StartUp(const std::string& data)
      : keys_(must(app::load_keys(data, app::MissingKeys::refuse, entropy_))),
        store_(must(store::open_store(
            must(store::open_sqlite(app::database_path(data), store::SqliteAccess::exclusive)),
            {clock_, entropy_, *log_, keys_->row_keys()}))),
        path_(app::index_snapshot_path(data) + ".bench") {}
  ~StartUp() { std::remove(path_.c_str()); }

  // Every column is read, as whoever makes anything of the rows must.
  void scan() {
    uint64_t sum = 0;
    check(store_->read([&](store::ReadTx& tx) -> Result<void> {
      LK_CHECK(tx.connection().run(
          "SELECT token_id, organization_id, owner_id, display_name, scope, valid_from, valid_to, "
          "state, revoked_at, key_id, digest, generation, mac, revision FROM tokens",
          {}, [&](const store::Row& row) -> Result<void> {
            for (const int column : {0, 1, 2, 10, 12}) sum += row.blob(column)[0];
            for (const int column : {3, 4, 9}) sum += row.text(column).size();
            for (const int column : {5, 6, 7, 8, 11, 13}) {
              sum += static_cast<uint64_t>(row.integer(column));
            }
            return {};
          }));
      return {};
    }));
    if (sum == 0) std::abort();
  }
  void from_rows() { start(false); }
  void from_snapshot() { start(true); }
  uint64_t tokens() const { return tokens_; }

 private:
  void start(bool use_snapshot) {
    app::StoreFeed feed({*store_, catalog_, *log_, clock_});
    verify::Verifier verifier(keys_->digest_keys(), provider_, clock_, {});
    app::IndexSnapshot snapshot({*store_, verifier, keys_->row_keys(), keys_->deployment_id(),
                                 catalog_, entropy_, *log_, path_});
    const bool used = use_snapshot && snapshot.load([&](const auto& header, const auto& names) {
      feed.resume(header.from, header.through, names);
    });
    if (used != use_snapshot) std::abort();
    check(used ? verifier.follow_once(feed, Milliseconds(0)) : verifier.load(feed));
    tokens_ = verifier.status().tokens;
    if (!has_snapshot_) check(snapshot.write([](Milliseconds) { return true; }));
    has_snapshot_ = true;
  }

  SystemClock clock_;
  SystemEntropy entropy_;
  const std::unique_ptr<Log> log_ = make_null_log();
  const std::unique_ptr<app::Keys> keys_;
  const std::unique_ptr<store::Store> store_;
  const core::ScopeCatalog catalog_ = core::ScopeCatalog::built_in();
  const core::ProviderSignature provider_ = core::ProviderSignature::standard();
  const std::string path_;
  bool has_snapshot_ = false;
  uint64_t tokens_ = 0;
};

void print(const std::string& name, double goal, const std::vector<double>& values,
           const std::vector<double>& references) {
  std::vector<double> ratios;
  for (size_t i = 0; i < values.size(); ++i) ratios.push_back(values[i] / references[i]);
  ResultLine(name, median(values), "s")
      .reference("reading all columns of all token rows", median(references))
      .ratios(ratios)
      .goal_at_most(goal)
      .print();
}

int run(const std::string& data, int rounds) {
  StartUp start_up(data);
  start_up.scan();       // into the page cache
  start_up.from_rows();  // makes the snapshot, too
  std::vector<double> scans, rows, snapshots;
  for (int round = 0; round < rounds; ++round) {
    scans.push_back(seconds_of([&] { start_up.scan(); }));
    rows.push_back(seconds_of([&] { start_up.from_rows(); }));
    snapshots.push_back(seconds_of([&] { start_up.from_snapshot(); }));
    std::fprintf(stderr, "round %d, %lu entries: scan %.2f s, from rows %.2f s, snapshot %.2f s\n",
                 round, start_up.tokens(), scans.back(), rows.back(), snapshots.back());
  }
  print("P4 start to ready from a snapshot", 0.33, snapshots, scans);
  print("P4 start to ready from all rows", 1.5, rows, scans);
  return 0;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (argc < 2 || rounds <= 0) return 2;
  return latchkey::bench::run(argv[1], rounds);
}
