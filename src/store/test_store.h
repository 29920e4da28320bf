// A store for tests: in a folder of its own, with a clock that stands and seeded randomness.
//
// The folder goes with it. Failures of the engine are made with fault(). Opening must succeed, or
// the test ends. Thread safety: store() as of Store; the rest from one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "store/faulty_driver.h"
#include "store/store.h"

namespace latchkey::store {

// Opens the engine under test on the database in `folder`, which is kept between calls.
using DriverFactory = std::function<Result<std::unique_ptr<Driver>>(const std::string& folder)>;

class TestStore {
 public:
  // On SQLite, open.
  TestStore();
  explicit TestStore(DriverFactory factory);
  ~TestStore();
  TestStore(const TestStore&) = delete;
  TestStore& operator=(const TestStore&) = delete;

  Store& store() { return *store_; }
  FakeClock& clock() { return clock_; }
  SeededEntropy& entropy() { return entropy_; }
  Log& log() { return *log_; }
  const Hmac& row_key() const { return row_key_; }  // the first of row_keys()
  core::RowKeys& row_keys() { return row_keys_; }
  Fault& fault() { return fault_; }
  // "<folder>/latchkey.db" is the database on SQLite.
  const std::string& folder() const { return folder_; }
  std::string database_path() const { return folder_ + "/latchkey.db"; }

  // Ends the store, as a stop of the process does, and opens it again.
  void close() { store_.reset(); }
  Result<void> open();
  void reopen();

 private:
  const std::string folder_;
  const DriverFactory factory_;
  FakeClock clock_;
  SeededEntropy entropy_;
  const std::unique_ptr<Log> log_;
  const Hmac row_key_;
  core::RowKeys row_keys_;
  Fault fault_;
  std::unique_ptr<Store> store_;
};

}  // namespace latchkey::store
