// A configuration file that is accepted says the same when it is printed and read again.
#include "app/config.h"

#include <sys/mman.h>
#include <unistd.h>

#include "app/config_file.h"
#include "target.h"

namespace latchkey::app {
namespace {

// A file in memory with a path, for a reader that takes paths.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : descriptor_(memfd_create("config", 0)) {
    LK_ASSERT(descriptor_ >= 0);
    LK_ASSERT(write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

Result<Config> load(const MemoryFile& file) {
  ConfigSources sources;
  sources.file = file.path();
  return load_config(sources);
}

}  // namespace
}  // namespace latchkey::app

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace latchkey::app;
  using latchkey::ErrorCode;
  const MemoryFile file(latchkey::fuzz::as_text(data, size));
  const auto values = read_config_file(file.path());
  const auto config = load(file);
  if (!config) {
    LK_ASSERT(config.error().code == ErrorCode::configuration);
    return 0;
  }
  LK_ASSERT(values);
  const MemoryFile printed(format_config(*config));
  const auto again = load(printed);
  LK_ASSERT(again);
  for (const Setting& setting : settings()) LK_ASSERT(setting.get(*config) == setting.get(*again));
  return 0;
}
