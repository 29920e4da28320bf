#include "store/sqlite_driver.h"

#include "contract.h"

namespace latchkey::store {

const std::vector<Engine>& engines() {
  static const std::vector<Engine> all = {
      {"sqlite",
       [](const std::string& folder) {
         return open_sqlite(folder + "/latchkey.db", SqliteAccess::exclusive);
       }},
  };
  return all;
}

}  // namespace latchkey::store
