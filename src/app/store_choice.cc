#include "app/store_choice.h"

#include <utility>

#include "app/keys.h"
#include "store/sqlite_driver.h"

namespace latchkey::app {

bool is_on_postgres(const Config& config) { return !config.store_url.empty(); }

Result<store::PostgresTarget> load_postgres_target(const Config& config) {
  auto target = store::parse_postgres_target(config.store_url);
  if (!target) {
    return Error(ErrorCode::configuration, "store.url " + target.error().message, "store.url");
  }
  if (config.store_password_file.empty()) return target;
  auto text = read_small_file(config.store_password_file);
  if (!text) {
    return Error(ErrorCode::configuration, "store.password_file: " + text.error().message,
                 "store.password_file");
  }
  text->resize(text->find_last_not_of("\r\n") + 1);
  target->password = SecretText::take(std::move(*text));
  return target;
}

Result<std::unique_ptr<store::Driver>> open_driver(const Config& config, StoreUse use,
                                                   Entropy& entropy) {
  const bool looks = use == StoreUse::look;
  if (!is_on_postgres(config)) {
    return store::open_sqlite(database_path(config.data_dir), looks
                                                                  ? store::SqliteAccess::read_only
                                                                  : store::SqliteAccess::exclusive);
  }
  store::PostgresOptions options;
  LK_TRY(options.target, load_postgres_target(config));
  LK_TRY(options.node, make_uuid(entropy));
  options.access = looks                    ? store::PostgresAccess::read_only
                   : use == StoreUse::serve ? store::PostgresAccess::shared
                                            : store::PostgresAccess::exclusive;
  return store::open_postgres(std::move(options));
}

Result<Config> config_at_rest(const Cli& cli) {
  ConfigSources sources;
  sources.environment = process_environment();
  if (!cli.data_dir.empty()) sources.flags["data_dir"] = cli.data_dir;
  return load_config(sources);
}

Result<void> refuse_on_postgres(const Cli& cli, const std::string& what,
                                const std::string& instead) {
  LK_TRY(const Config config, config_at_rest(cli));
  if (!is_on_postgres(config)) return {};
  return Error(ErrorCode::configuration,
               what + " works on SQLite; this installation is on " +
                   store::describe_postgres_target(config.store_url),
               "store.url", instead);
}

}  // namespace latchkey::app
