// An SQLite database that is filled before anybody uses it: no journal on disk, no syncs, and the
// indexes of the large tables made at the end.
//
// A database that was not finished is worth nothing: make it under another name and rename it after
// finish(). Thread safety: as of Driver; one connection at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/driver.h"

namespace latchkey::store {

class BulkSqlite final : public Driver {
 public:
  // `inner` is the driver of a database that has its schema.
  explicit BulkSqlite(std::unique_ptr<Driver> inner) : inner_(std::move(inner)) {}

  // Takes the indexes away. REQUIRES: called first. Errors: store_unavailable.
  Result<void> begin();
  // Makes them again. What is written then is still to be synced. REQUIRES: no connection is open.
  // Errors: already_exists (two rows that a unique index forbids); store_unavailable.
  // Cost: at ten million tokens a minute or two.
  Result<void> finish();

  Result<std::unique_ptr<Connection>> connect() override;
  std::span<const std::string_view> migrations() const override { return inner_->migrations(); }
  std::string_view begin_write() const override { return inner_->begin_write(); }
  bool can_write() const override { return true; }
  Result<void> copy_to(const std::string& path, const CopyProgress& on_progress) override {
    return inner_->copy_to(path, on_progress);
  }
  std::string_view settle() const override { return inner_->settle(); }
  bool needs_restart() const override { return inner_->needs_restart(); }

 private:
  const std::unique_ptr<Driver> inner_;
  std::vector<std::string> indexes_;  // the statements that make them
};

}  // namespace latchkey::store
