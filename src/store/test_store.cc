#include "store/test_store.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "store/sqlite_driver.h"

namespace latchkey::store {
namespace {

constexpr Instant kStart{1'764'633'600'000};  // 2025-12-02T00:00:00Z

std::string make_folder() {
  std::string folder = std::filesystem::temp_directory_path() / "latchkey-test-XXXXXX";
  LK_ASSERT(::mkdtemp(folder.data()) != nullptr);
  return folder;
}

Result<std::unique_ptr<Driver>> open_sqlite_in(const std::string& folder) {
  return open_sqlite(folder + "/latchkey.db", SqliteAccess::exclusive);
}

SecretKey test_key() {
  std::array<uint8_t, SecretKey::kSizeBytes> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  return SecretKey(bytes);
}

}  // namespace

TestStore::TestStore() : TestStore(open_sqlite_in) {}

TestStore::TestStore(DriverFactory factory)
    : folder_(make_folder()),
      factory_(std::move(factory)),
      clock_(kStart),
      entropy_(1),
      log_(make_null_log()),
      row_key_(test_key()),
      row_keys_({{core::RowKeyId{1}, row_key_}}) {
  LK_ASSERT(open());
}

TestStore::~TestStore() {
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<void> TestStore::open() {
  LK_ASSERT(!store_);
  LK_TRY(auto driver, factory_(folder_));
  LK_TRY(store_, open_store(make_faulty_driver(std::move(driver), fault_),
                            {clock_, entropy_, *log_, row_keys_}));
  return {};
}

void TestStore::reopen() {
  close();
  LK_ASSERT(open());
}

}  // namespace latchkey::store
