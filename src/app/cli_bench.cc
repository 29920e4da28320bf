// `latchkey bench seed`: fills a store that no server holds with tokens, for measuring.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "app/cli.h"
#include "app/cli_output.h"
#include "app/cli_progress.h"
#include "app/cli_tree.h"
#include "app/restore.h"
#include "app/reveal.h"
#include "app/seed.h"
#include "app/store_choice.h"
#include "store/bulk_sqlite.h"
#include "store/event_rows.h"
#include "store/identity_rows.h"
#include "store/sqlite_driver.h"

namespace latchkey::app {
namespace {

namespace fs = std::filesystem;

constexpr Milliseconds kSpan = std::chrono::days(60);
constexpr uint64_t kTokensMax = 1'000'000'000;
constexpr uint64_t kPeopleMax = 4'000'000;
constexpr uint64_t kOrganizationsMax = 1'000'000;
constexpr uint64_t kSampleMax = 1'000'000;

struct SeedOptions {
  SeedSize size;
  std::string sample_file;
  std::string provider = "LKEY";
  std::string store_url;
  bool add = false;
};

Error in_the_way(const std::string& what, const std::string& next) {
  return Error(ErrorCode::conflict, what, "", next);
}

// The file that the sample is written to; made new, for its owner only.
class SampleFile {
 public:
  Result<void> open(const std::string& path) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor_ >= 0) return {};
    return in_the_way("cannot make " + path + ": " + std::strerror(errno),
                      "name a file that does not exist yet with --sample");
  }
  ~SampleFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Result<void> add(const SecretText& text, const std::string& organization) const {
    const std::string line = reveal_for_private_file(text) + '\t' + organization + '\n';
    if (::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size())) {
      return {};
    }
    return in_the_way("cannot write the sample", "see whether its disk is full");
  }

 private:
  int descriptor_ = -1;
};

Result<void> sync_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  return synced ? Result<void>() : in_the_way("cannot write " + path, "see its disk");
}

// What a run needs, whichever store it fills.
struct Run {
  const Cli& cli;
  const SeedOptions& options;
  const Keys& keys;
  const core::ProviderSignature& provider;
  Clock& clock;
  Entropy& entropy;
  Log& log;
};

// What was found in a store before.
struct Found {
  uint64_t people = 0;
  store::LogHead head;
  Instant last_event;
  core::ScopeCatalog catalog = core::ScopeCatalog::built_in();
};

Result<Found> look(const Run& run, std::unique_ptr<store::Driver> driver) {
  LK_TRY(const auto store, store::open_store(std::move(driver), {run.clock, run.entropy, run.log,
                                                                 run.keys.row_keys()}));
  Found found;
  found.head = store->head();
  LK_CHECK(store->read([&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(found.people, store::count_people(tx));
    LK_TRY(const auto last, store::find_last_event(tx.connection()));
    if (last) found.last_event = last->at;
    return {};
  }));
  return found;
}

Result<SeedReport> fill(const Run& run, const Found& found, store::Driver& driver) {
  const Instant now = run.clock.now();
  SampleFile sample;
  if (!run.options.sample_file.empty()) LK_CHECK(sample.open(run.options.sample_file));
  Seeder seeder({driver, run.keys, found.catalog, run.provider, run.entropy, run.log,
                 std::max(now - kSpan, found.last_event), now},
                run.options.size);
  ProgressBar bar("tokens");
  return seeder.run(
      found.head, [&](uint64_t done, uint64_t total) { bar.show(done, total); },
      [&](const SecretText& text, const std::string& name) { return sample.add(text, name); });
}

// Beside the database's place, under its lock, and put there when it is whole.
Result<SeedReport> fill_new(const Run& run, const std::string& data_dir) {
  const std::string place = database_path(data_dir);
  LK_TRY(const auto lock, store::lock_sqlite(place, store::SqliteAccess::exclusive));
  const std::string folder = data_dir + "/seed-unfinished";
  std::error_code error;
  fs::remove_all(folder, error);  // of a run that was ended
  LK_CHECK(make_data_dir(folder));
  const std::string path = database_path(folder);
  const auto open = [&] { return store::open_sqlite(path, store::SqliteAccess::exclusive); };
  LK_TRY(auto first, open());
  LK_TRY(const Found found, look(run, std::move(first)));
  LK_TRY(auto driver, open());
  store::BulkSqlite bulk(std::move(driver));
  LK_CHECK(bulk.begin());
  LK_TRY(const SeedReport report, fill(run, found, bulk));
  tell("Making the indexes...");
  LK_CHECK(bulk.finish());
  LK_CHECK(sync_file(path));
  fs::rename(path, place, error);
  if (error) return in_the_way("cannot put the database in its place", "see its folder");
  fs::remove_all(folder, error);
  LK_CHECK(sync_folder(data_dir));
  return report;
}

Result<SeedReport> fill_used(const Run& run, const Config& config) {
  const auto open = [&] { return open_driver(config, StoreUse::alone, run.entropy); };
  LK_TRY(auto first, open());
  LK_TRY(const Found found, look(run, std::move(first)));
  if (found.people > 0 && !run.options.add) {
    return in_the_way("there are people in this store already",
                      "name an empty one with --data or --store, or add to it with --add");
  }
  LK_TRY(const auto driver, open());
  return fill(run, found, *driver);
}

void print_report(const Cli& cli, const SeedReport& report) {
  const SeedSize& made = report.made;
  if (cli.json) {
    return print_line(format_json({{"tokens", made.tokens},
                                   {"people", made.people},
                                   {"organizations", made.organizations},
                                   {"revoked", report.revoked},
                                   {"expired", report.expired},
                                   {"regenerated", report.regenerated},
                                   {"edited", report.edited},
                                   {"events", report.events},
                                   {"sample", made.sample}}));
  }
  print_line("Made " + std::to_string(made.tokens) + " tokens of " + std::to_string(made.people) +
             " people in " + std::to_string(made.organizations) +
             " organizations: " + std::to_string(report.revoked) + " revoked, " +
             std::to_string(report.expired) + " expired, " + std::to_string(report.regenerated) +
             " regenerated, " + std::to_string(report.edited) + " edited; " +
             std::to_string(report.events) + " events.");
}

Result<void> seed(const Cli& cli, SeedOptions options) {
  SeedSize& size = options.size;
  if (size.organizations == 0) size.organizations = std::max<uint64_t>(1, size.tokens / 10'000);
  if (size.people == 0) size.people = std::max(size.organizations, size.tokens / 100);
  if (size.people < size.organizations) {
    return usage_error("each organization has an owner", "give at least as many --people");
  }
  if (options.sample_file.empty()) size.sample = 0;
  size.sample = std::min(size.sample, size.tokens);
  LK_TRY(Config config, config_at_rest(cli));
  if (!options.store_url.empty()) config.store_url = options.store_url;
  const std::string& data_dir = config.data_dir;
  LK_CHECK(make_data_dir(data_dir));
  if (restore_is_pending(data_dir)) {
    return usage_error("a restore was interrupted in " + data_dir,
                       "finish it with `latchkey restore`, or start the server");
  }
  SystemClock clock;
  SystemEntropy entropy;
  const auto log = make_log(LogFormat::text, LogLevel::warning);
  LK_TRY(const auto provider, core::ProviderSignature::parse(options.provider));
  LK_TRY(const auto keys, load_keys(data_dir, MissingKeys::make, entropy));
  const Run run{cli, options, *keys, provider, clock, entropy, *log};
  std::error_code missing;
  const bool is_new = !is_on_postgres(config) && !fs::exists(database_path(data_dir), missing);
  auto report = is_new ? fill_new(run, data_dir) : fill_used(run, config);
  if (!report && report.error().code == ErrorCode::store_unavailable) {
    return in_the_way(report.error().message, "stop what uses this store, and see its disk");
  }
  if (!report) return report.error();
  print_report(cli, *report);
  return {};
}

}  // namespace

void add_bench_commands(CLI::App& root, Cli& cli) {
  auto* bench = root.add_subcommand("bench", "What measuring needs; for test machines only");
  bench->require_subcommand(1);
  bench->footer("Example:\n  latchkey bench seed 1000000 --data ./test-data");
  auto options = std::make_shared<SeedOptions>();
  auto* command = bench->add_subcommand("seed", "Fill a store with tokens that nobody made");
  SeedSize& size = options->size;
  command->add_option("tokens", size.tokens, "How many tokens")
      ->required()
      ->check(CLI::Range(uint64_t{1}, kTokensMax));
  command->add_option("--people", size.people, "How many people; default one for 100 tokens")
      ->check(CLI::Range(uint64_t{1}, kPeopleMax));
  command
      ->add_option("--organizations", size.organizations,
                   "How many organizations; default one for 10,000 tokens")
      ->check(CLI::Range(uint64_t{1}, kOrganizationsMax));
  command
      ->add_option("--sample", options->sample_file,
                   "A new file for some of the tokens' texts, each with its organization")
      ->type_name(kFileType);
  command->add_option("--sample-size", size.sample, "How many texts; default 1000")
      ->check(CLI::Range(uint64_t{1}, kSampleMax));
  command->add_option("--store", options->store_url,
                      "URL of a PostgreSQL, as store.url of the server; its keys are in --data");
  command->add_option("--provider", options->provider,
                      "Provider signature of the texts; as token.provider of the server");
  command->add_flag("--add", options->add, "Add to a store that has people already");
  size.sample = 1000;
  command->footer(
      "Makes organizations, people and tokens of skewed sizes, some revoked, expired,\n"
      "regenerated or edited, as a server would have left them: `latchkey audit verify` holds.\n"
      "No server may run on the store. A new database appears when it is whole; a run that is\n"
      "ended leaves none. For test machines: nobody knows the people that it makes, and whoever\n"
      "reads the sample has their tokens.\n\n"
      "Example:\n  latchkey bench seed 1000000 --data ./test-data --sample tokens.tsv");
  command->callback([&cli, options] { cli.finish(seed(cli, *options)); });
}

}  // namespace latchkey::app
