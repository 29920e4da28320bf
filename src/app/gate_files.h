// The table of APIs behind the gate, from files that may change.
//
// load() takes the configuration's `[[gate.api]]` tables and the documents that they name;
// reload() and poll() take them anew when they are good, and keep the table in use, with a line in
// the log, when they are not. poll() waits until a change has settled. Thread safety: load(),
// reload() and poll() from one thread; measure() from any. Documented in docs/operating/gate.md.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "app/tls_files.h"
#include "base/log.h"
#include "base/result.h"
#include "core/scope_catalog.h"
#include "gate/api_table.h"

namespace latchkey::app {

struct GateFileMeasurements {
  uint64_t apis = 0;
  uint64_t operations = 0;
  uint64_t reloads_done = 0;
  uint64_t reloads_failed = 0;
  bool is_current = true;  // false: what stands in the files now was refused
};

class GateFiles {
 public:
  // Makes a table the one in use, or says why it cannot be.
  using Publish = std::function<Result<void>(std::shared_ptr<const gate::ApiTable>)>;

  // `config_file` may be empty: then there is no API. `catalog` and `log` outlive this object.
  GateFiles(std::string config_file, const core::ScopeCatalog& catalog, Publish publish, Log& log)
      : config_file_(std::move(config_file)),
        catalog_(catalog),
        publish_(std::move(publish)),
        log_(log) {}

  // Takes the files for the first time. Errors: configuration.
  Result<void> load();
  // Takes them anew, changed or not.
  void reload();
  // Looks whether they have changed; to be called every few seconds.
  void poll();

  GateFileMeasurements measure() const;

 private:
  Result<void> take();
  std::vector<FileStamp> look() const;

  const std::string config_file_;
  const core::ScopeCatalog& catalog_;
  const Publish publish_;
  Log& log_;
  std::vector<std::string> files_;  // that the last reading named, after the configuration's own
  std::vector<FileStamp> seen_;     // at the last poll
  std::vector<FileStamp> taken_;    // when the files were last read, well or not
  std::atomic<uint64_t> apis_{0}, operations_{0}, reloads_done_{0}, reloads_failed_{0};
  std::atomic<bool> is_current_{true};
};

}  // namespace latchkey::app
