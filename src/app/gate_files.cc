#include "app/gate_files.h"

#include "app/gate_config.h"

namespace latchkey::app {

std::vector<FileStamp> GateFiles::look() const {
  std::vector<FileStamp> stamps = {look_at_file(config_file_)};
  for (const std::string& file : files_) stamps.push_back(look_at_file(file));
  return stamps;
}

// What changes while it is read is seen as a change by the next poll. A reading that fails keeps
// the list of files, so that a document that is mended is seen.
Result<void> GateFiles::take() {
  taken_ = seen_ = look();
  GateConfig config;
  if (!config_file_.empty()) {
    LK_TRY(config, read_gate_config(config_file_));
  }
  LK_TRY(auto table, gate::ApiTable::build(catalog_, std::move(config.apis)));
  LK_CHECK(publish_(table));
  if (files_ != config.files) {
    files_ = std::move(config.files);
    taken_ = seen_ = look();
  }
  uint64_t operations = 0;
  for (const gate::Api& api : table->apis()) operations += api.routes.operations().size();
  apis_ = table->apis().size();
  operations_ = operations;
  log_.info("gate.apis_loaded", {{"apis", static_cast<int64_t>(table->apis().size())},
                                 {"operations", static_cast<int64_t>(operations)}});
  return {};
}

Result<void> GateFiles::load() { return take(); }

void GateFiles::reload() {
  auto taken = take();
  is_current_ = taken.has_value();
  if (taken) {
    ++reloads_done_;
    return;
  }
  ++reloads_failed_;
  log_.error("gate.reload_failed", {{"message", taken.error().message},
                                    {"kept_apis", static_cast<int64_t>(apis_.load())}});
}

void GateFiles::poll() {
  if (config_file_.empty()) return;
  std::vector<FileStamp> now = look();
  const bool has_settled = now == seen_;
  seen_ = now;
  if (has_settled && now != taken_) reload();
}

GateFileMeasurements GateFiles::measure() const {
  return {apis_.load(), operations_.load(), reloads_done_.load(), reloads_failed_.load(),
          is_current_.load()};
}

}  // namespace latchkey::app
