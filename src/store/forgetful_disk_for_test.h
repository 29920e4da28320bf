// A disk that forgets what it could not sync: what fsync means when it fails, for tests.
//
// A SQLite VFS over the real one. The real files are the page cache: what was written is read back.
// Beside them stands what would be found after a loss of power: what was synced. A sync that fails
// takes its writes for done, as Linux does, so a later sync that succeeds does not cover them.
// Thread safety: one thread, one disk at a time; made before the database is opened, ended after.
#pragma once

#include <sqlite3.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/assert.h"

namespace latchkey::store {

class ForgetfulDisk {
 public:
  ForgetfulDisk() {
    LK_ASSERT(here_ == nullptr);
    here_ = this;
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = "forgetful";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~ForgetfulDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
    here_ = nullptr;
  }
  ForgetfulDisk(const ForgetfulDisk&) = delete;
  ForgetfulDisk& operator=(const ForgetfulDisk&) = delete;

  // The next `times` syncs of files whose path ends with `ending` fail and forget.
  void fail_syncs(std::string ending, int times) {
    ending_ = std::move(ending);
    failures_left_ = times;
  }
  int failures_left() const { return failures_left_; }

  // What a kill leaves: the files of the database at `from` as the page cache has them, at `to`.
  void kill(const std::string& from, const std::string& to) {
    for (const char* const part : {"", "-wal"}) {
      std::filesystem::remove(to + part);
      known_of(to + part).forget();
      if (!std::filesystem::exists(from + part)) continue;
      std::filesystem::copy_file(from + part, to + part);
      known_of(to + part).synced = known_of(from + part).synced;
      known_of(to + part).pending = known_of(from + part).pending;
    }
  }
  // What a loss of power leaves of the database at `from`, what was synced, at `to`.
  void lose_power(const std::string& from, const std::string& to) {
    for (const char* const part : {"", "-wal"}) {
      Known& left = known_of(to + part);
      left.forget();
      left.synced = known_of(from + part).synced;
      std::filesystem::remove(to + part);
      if (left.synced.empty()) continue;
      std::ofstream(to + part, std::ios::binary) << left.synced;
      std::filesystem::permissions(to + part, std::filesystem::perms(0600));
    }
  }

 private:
  struct Write {
    size_t offset;
    std::string bytes;
    bool cuts;  // the file ends at `offset`
  };
  struct Known {
    std::string path;
    std::string synced;
    std::vector<Write> pending;

    void forget() {
      synced.clear();
      pending.clear();
    }
  };
  Known& known_of(const std::string& path) {
    Known& known = known_[path];
    known.path = path;
    return known;
  }
  struct File {
    sqlite3_file base;
    Known* known;  // stands in the map for as long as the disk
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    File& opened = of(file);
    opened.base.pMethods = nullptr;
    const int code = here_->real_->xOpen(here_->real_, name, opened.real(), flags, out);
    if (code != SQLITE_OK) return code;
    opened.known = &here_->known_of(name ? name : "");
    opened.base.pMethods = methods();
    return SQLITE_OK;
  }
  static int remove(sqlite3_vfs*, const char* name, int sync_folder) {
    here_->known_of(name).forget();
    return here_->real_->xDelete(here_->real_, name, sync_folder);
  }
  static int close(sqlite3_file* file) {
    return of(file).real()->pMethods->xClose(of(file).real());
  }
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
    of(file).known->pending.push_back(
        {static_cast<size_t>(offset),
         std::string(static_cast<const char*>(bytes), static_cast<size_t>(size)), false});
    return of(file).real()->pMethods->xWrite(of(file).real(), bytes, size, offset);
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    of(file).known->pending.push_back({static_cast<size_t>(size), "", true});
    return of(file).real()->pMethods->xTruncate(of(file).real(), size);
  }
  static int sync(sqlite3_file* file, int) {
    Known& known = *of(file).known;
    if (here_->failures_left_ > 0 && known.path.ends_with(here_->ending_)) {
      --here_->failures_left_;
      known.pending.clear();
      return SQLITE_IOERR_FSYNC;
    }
    for (const Write& write : known.pending) {
      const size_t end = write.offset + write.bytes.size();
      if (write.cuts || known.synced.size() < end) known.synced.resize(end);
      known.synced.replace(write.offset, write.bytes.size(), write.bytes);
    }
    known.pending.clear();
    return SQLITE_OK;
  }

  // Passes a call on to the real file.
  template <auto member, class... Arguments>
  static auto pass(sqlite3_file* file, Arguments... arguments) {
    sqlite3_file* const real = of(file).real();
    return (real->pMethods->*member)(real, arguments...);
  }

  static const sqlite3_io_methods* methods() {
    using M = sqlite3_io_methods;
    static const sqlite3_io_methods all{2,
                                        close,
                                        pass<&M::xRead>,
                                        write,
                                        truncate,
                                        sync,
                                        pass<&M::xFileSize>,
                                        pass<&M::xLock>,
                                        pass<&M::xUnlock>,
                                        pass<&M::xCheckReservedLock>,
                                        pass<&M::xFileControl>,
                                        pass<&M::xSectorSize>,
                                        pass<&M::xDeviceCharacteristics>,
                                        pass<&M::xShmMap>,
                                        pass<&M::xShmLock>,
                                        pass<&M::xShmBarrier>,
                                        pass<&M::xShmUnmap>,
                                        nullptr,
                                        nullptr};
    return &all;
  }

  static inline ForgetfulDisk* here_ = nullptr;
  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  std::map<std::string, Known> known_;
  std::string ending_;
  int failures_left_ = 0;
};

}  // namespace latchkey::store
