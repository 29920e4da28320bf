// The index as a file beside the store, so that a start reads that and what changed since, and not
// every row.
//
// The file is believed only if it is of this installation, epoch, catalog, row key and layout, each
// of its blocks has its MAC, and the log goes on from its events; else it is left alone and all
// rows are read. It is made while the server runs, without keeping anybody waiting, and at its end.
// Thread safety: one thread. Spec: docs/spec/index-snapshot.md.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/snapshot_file.h"
#include "base/entropy.h"
#include "base/log.h"
#include "core/scope_catalog.h"
#include "store/store.h"
#include "verify/verifier.h"

namespace latchkey::app {

struct IndexSnapshotDependencies {
  store::Store& store;
  verify::Verifier& verifier;
  const core::RowKeys& row_keys;
  Uuid deployment;
  const core::ScopeCatalog& catalog;
  Entropy& entropy;
  Log& log;
  std::string path;
};

// "DATA/index.snapshot".
std::string index_snapshot_path(const std::string& data_dir);

class IndexSnapshot {
 public:
  explicit IndexSnapshot(const IndexSnapshotDependencies& dependencies);

  // What a feed is told that goes on from an index that it did not load.
  using Resume =
      std::function<void(const SnapshotHeader&, const std::vector<verify::OrganizationItem>&)>;

  // Loads the verifier from the file if that may be believed, and calls `resume`; whether it did.
  // What it did and why is logged. REQUIRES: the verifier is not loaded.
  bool load(const Resume& resume);
  // Writes the file anew. `rest` is called between two of its parts with how long the last took;
  // false ends it. Errors: conflict (ended, or the index was loaded anew); configuration (the file
  // cannot be written); those of the store. What was there before then stays.
  Result<void> write(const std::function<bool(Milliseconds)>& rest);
  // How far the file is that was read or written last; 0 for none.
  core::Revision revision() const { return revision_; }

 private:
  Result<void> try_load(const Resume& resume);
  // Whether the log of this store goes on from what the file holds. Returns how many events since.
  Result<uint64_t> check_log(const SnapshotHeader& header);

  const IndexSnapshotDependencies dependencies_;
  core::Revision revision_;
};

}  // namespace latchkey::app
