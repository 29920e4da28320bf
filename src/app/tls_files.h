// The certificate and key that the server speaks TLS with, from two files that may change.
//
// load() takes the first pair; reload() and poll() take another one when it is good, and keep the
// one in use, with a line in the log, when it is not. poll() waits until a change has settled, so
// that a tool may write one file after the other. Thread safety: load(), reload() and poll() from
// one thread; publication() and measure() from any. Documented in docs/operating/tls.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "http/tls.h"

namespace latchkey::app {

struct TlsFileOptions {
  std::string certificate_file;
  std::string key_file;
  http::TlsVersion version_min = http::TlsVersion::tls_1_2;
  std::string public_host;  // what the certificate should be for; empty: nothing is said
  std::string certificate_setting = "tls.certificate_file";  // what errors call the two
  std::string key_setting = "tls.key_file";
};

struct TlsMeasurements {
  Instant certificate_not_after;
  uint64_t reloads_done = 0;
  uint64_t reloads_failed = 0;
};

// What tells one state of a file from another; all 0 if it is not there.
struct FileStamp {
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

// The state of the file `path` now.
FileStamp look_at_file(const std::string& path);

class TlsFiles {
 public:
  TlsFiles(TlsFileOptions options, const Clock& clock, Log& log)
      : options_(std::move(options)), clock_(clock), log_(log) {}

  // Takes the pair for the first time; a certificate that has expired is told in the log.
  // Errors: configuration, naming the setting and the rule.
  Result<void> load();
  // Takes the pair anew, changed or not.
  void reload();
  // Looks whether the files have changed; to be called every few seconds.
  void poll();

  const http::TlsPublication& publication() const { return publication_; }
  TlsMeasurements measure() const;

 private:
  using Stamps = std::pair<FileStamp, FileStamp>;  // of certificate and key

  Stamps look() const;
  Result<void> take();
  void tell(const http::TlsContext& context);
  void renew_ticket_keys();

  const TlsFileOptions options_;
  const Clock& clock_;
  Log& log_;
  http::TlsPublication publication_;
  Stamps seen_;   // at the last poll
  Stamps taken_;  // when the files were last read, well or not
  Ticks made_at_;
  std::atomic<uint64_t> reloads_done_{0};
  std::atomic<uint64_t> reloads_failed_{0};
};

}  // namespace latchkey::app
