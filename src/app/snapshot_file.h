// The form of an index's snapshot: a header, then blocks, each with its MAC.
//
// A block's MAC also covers the snapshot's nonce and the block's number, so blocks cannot be left
// out, moved or taken from another snapshot; the header, written last, says how many there are.
// The key is derived from the row key. Thread safety: one thread. Spec:
// docs/spec/index-snapshot.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/result.h"
#include "base/uuid.h"
#include "core/row_keys.h"
#include "store/store.h"
#include "verify/index_image.h"

namespace latchkey::app {

using SnapshotNonce = std::array<uint8_t, 16>;

// What a snapshot is of. One that differs in the first five is another's.
struct SnapshotHeader {
  uint32_t layout = verify::kImageLayout;
  Uuid deployment;
  core::Epoch epoch;
  Digest catalog{};
  core::RowKeyId row_key;
  store::LogHead from;     // it holds all up to here
  store::LogHead through;  // and nothing of what came after this
  verify::ImageTotals totals;
  uint64_t blocks = 0;
  SnapshotNonce nonce{};
};

Hmac snapshot_key(const Hmac& row_key);

class SnapshotWriter {
 public:
  // Makes `path` + ".new". Errors: configuration.
  static Result<SnapshotWriter> create(const std::string& path, const Hmac& key,
                                       const SnapshotNonce& nonce);
  SnapshotWriter(SnapshotWriter&& other) noexcept;
  SnapshotWriter& operator=(SnapshotWriter&&) = delete;
  ~SnapshotWriter();  // one that was not finished is removed

  Result<void> add(const verify::ImageBlock& block);
  // Writes what was added to the disk. Errors: configuration.
  Result<void> sync();
  // Writes the header and puts the file into the place of the one before, durably.
  Result<void> finish(SnapshotHeader header);
  uint64_t blocks() const { return blocks_; }
  uint64_t size_bytes() const { return size_bytes_; }

 private:
  SnapshotWriter(std::string path, int descriptor, const Hmac& key, const SnapshotNonce& nonce);

  const std::string path_;
  int descriptor_;
  const Hmac key_;
  const SnapshotNonce nonce_;
  Bytes buffer_;
  uint64_t blocks_ = 0;
  uint64_t size_bytes_ = 0;
};

class SnapshotReader {
 public:
  // Opens `path` and reads its header. Errors: not_found (there is none); configuration (not a
  // private file of ours, or of another layout); integrity_violated (damaged, or changed).
  static Result<SnapshotReader> open(const std::string& path, const Hmac& key);
  SnapshotReader(SnapshotReader&& other) noexcept;
  SnapshotReader& operator=(SnapshotReader&&) = delete;
  ~SnapshotReader();

  const SnapshotHeader& header() const { return header_; }
  // Gives all blocks to `sink`, each after its MAC was checked, from the calling thread; another
  // one reads ahead. REQUIRES: called once. Errors: those of `sink`; integrity_violated.
  Result<void> read(const verify::ImageSink& sink);

 private:
  SnapshotReader(int descriptor, const Hmac& key) : descriptor_(descriptor), key_(key) {}
  class BlockPipe;
  Result<void> read_header();
  Result<void> read_blocks(BlockPipe& pipe);

  int descriptor_;
  const Hmac key_;
  SnapshotHeader header_;
};

}  // namespace latchkey::app
