#include "app/snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "app/keys.h"
#include "base/mutex.h"
#include "core/canonical_bytes.h"

namespace latchkey::app {
namespace {

constexpr std::string_view kHeaderMagic = "LKINDEX1";
constexpr std::string_view kBlockMagic = "LKBLOCK1";
constexpr std::string_view kKeyDomain = "latchkey.index-snapshot.v1";

// As they stand in the file, in this machine's order of bytes: the layout is part of the format.
struct HeaderBytes {
  std::array<char, 8> magic;
  uint64_t layout;
  Uuid deployment;
  core::Epoch epoch;
  Digest catalog;
  uint64_t row_key;
  uint64_t from_revision;
  Digest from_hash;
  uint64_t through_revision;
  Digest through_hash;
  verify::ImageTotals totals;
  uint64_t blocks;
  SnapshotNonce nonce;
  Digest mac;
};
static_assert(sizeof(HeaderBytes) == 384 && std::is_trivially_copyable_v<HeaderBytes>);
constexpr size_t kHeaderSigned = sizeof(HeaderBytes) - sizeof(Digest);

struct BlockBytes {
  std::array<char, 8> magic;
  SnapshotNonce nonce;
  uint64_t number;
  uint32_t part;
  uint32_t shard;
  uint64_t length;
};
static_assert(sizeof(BlockBytes) == 48 && std::is_trivially_copyable_v<BlockBytes>);

template <size_t n>
void set_magic(std::array<char, n>& magic, std::string_view text) {
  std::copy_n(text.begin(), n, magic.begin());
}

Error damaged(const char* what) {
  return Error(ErrorCode::integrity_violated, std::string("it is damaged or was changed: ") + what);
}

Error cannot(const char* what, const std::string& path) {
  return Error(ErrorCode::configuration,
               std::string("cannot ") + what + " " + path + ": " + std::strerror(errno));
}

bool write_at(int descriptor, std::span<const uint8_t> bytes, uint64_t at) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
    at += static_cast<uint64_t>(written);
  }
  return true;
}

// Whether all of `bytes` was there.
bool read_all(int descriptor, std::span<uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::read(descriptor, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(got));
  }
  return true;
}

template <class T>
std::span<const uint8_t> bytes_of(const T& value) {
  return {reinterpret_cast<const uint8_t*>(&value), sizeof value};
}

}  // namespace

// Checked blocks on their way from the thread that reads to the one that uses them; a few at most.
class SnapshotReader::BlockPipe {
 public:
  struct Block {
    Bytes buffer = Bytes(sizeof(BlockBytes) + verify::kImageBlockBytesMax + sizeof(Digest));
    size_t length = 0;

    verify::ImageBlock view() const {
      BlockBytes head;
      std::memcpy(&head, buffer.data(), sizeof head);
      return {static_cast<verify::ImagePart>(head.part), head.shard,
              std::span(buffer).subspan(sizeof head, length)};
    }
  };

  BlockPipe() : empty_(kBlocks) {}

  // For the thread that reads. Nothing when the other wants no more.
  std::optional<Block> take_empty() {
    MutexLock lock(mutex_);
    while (empty_.empty() && !stopped_) changed_.wait(mutex_);
    if (stopped_) return std::nullopt;
    Block block = std::move(empty_.back());
    empty_.pop_back();
    return block;
  }
  void put(Block block) {
    MutexLock lock(mutex_);
    full_.push_back(std::move(block));
    changed_.notify_all();
  }
  void finish(Result<void> outcome) {
    MutexLock lock(mutex_);
    outcome_ = std::move(outcome);
    finished_ = true;
    changed_.notify_all();
  }

  // For the other. Nothing after the last, or after stop().
  std::optional<Block> take() {
    MutexLock lock(mutex_);
    while (full_.empty() && !finished_ && !stopped_) changed_.wait(mutex_);
    if (full_.empty() || stopped_) return std::nullopt;
    Block block = std::move(full_.front());
    full_.pop_front();
    return block;
  }
  void give_back(Block block) {
    MutexLock lock(mutex_);
    empty_.push_back(std::move(block));
    changed_.notify_all();
  }
  void stop() {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  Result<void> outcome() {
    MutexLock lock(mutex_);
    return outcome_;
  }

 private:
  static constexpr size_t kBlocks = 4;
  Mutex mutex_;
  ConditionVariable changed_;
  std::vector<Block> empty_ LK_GUARDED_BY(mutex_);
  std::deque<Block> full_ LK_GUARDED_BY(mutex_);
  bool finished_ LK_GUARDED_BY(mutex_) = false;
  bool stopped_ LK_GUARDED_BY(mutex_) = false;
  Result<void> outcome_ LK_GUARDED_BY(mutex_);
};

Hmac snapshot_key(const Hmac& row_key) {
  core::CanonicalBytes domain;
  domain.add(kKeyDomain);
  Digest derived = row_key(domain.bytes());
  const Hmac key{SecretKey(derived)};
  wipe(derived.data(), derived.size());
  return key;
}

Result<SnapshotWriter> SnapshotWriter::create(const std::string& path, const Hmac& key,
                                              const SnapshotNonce& nonce) {
  const std::string temporary = path + ".new";
  ::unlink(temporary.c_str());
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (descriptor < 0) return cannot("make", temporary);
  return SnapshotWriter(path, descriptor, key, nonce);
}

// The header's place is kept free until it is known.
SnapshotWriter::SnapshotWriter(std::string path, int descriptor, const Hmac& key,
                               const SnapshotNonce& nonce)
    : path_(std::move(path)),
      descriptor_(descriptor),
      key_(key),
      nonce_(nonce),
      size_bytes_(sizeof(HeaderBytes)) {}

SnapshotWriter::SnapshotWriter(SnapshotWriter&& other) noexcept
    : path_(other.path_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      key_(other.key_),
      nonce_(other.nonce_),
      blocks_(other.blocks_),
      size_bytes_(other.size_bytes_) {}

SnapshotWriter::~SnapshotWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink((path_ + ".new").c_str());
}

Result<void> SnapshotWriter::add(const verify::ImageBlock& block) {
  LK_ASSERT(block.bytes.size() <= verify::kImageBlockBytesMax);
  BlockBytes head{
      {}, nonce_, blocks_, static_cast<uint32_t>(block.part), block.shard, block.bytes.size()};
  set_magic(head.magic, kBlockMagic);
  const auto head_bytes = bytes_of(head);
  buffer_.assign(head_bytes.begin(), head_bytes.end());
  buffer_.insert(buffer_.end(), block.bytes.begin(), block.bytes.end());
  const Digest mac = key_(buffer_);
  buffer_.insert(buffer_.end(), mac.begin(), mac.end());
  if (!write_at(descriptor_, buffer_, size_bytes_)) return cannot("write", path_ + ".new");
  size_bytes_ += buffer_.size();
  ++blocks_;
  return {};
}

Result<void> SnapshotWriter::sync() {
  return ::fdatasync(descriptor_) == 0 ? Result<void>() : cannot("write", path_ + ".new");
}

Result<void> SnapshotWriter::finish(SnapshotHeader header) {
  HeaderBytes bytes{{},
                    header.layout,
                    header.deployment,
                    header.epoch,
                    header.catalog,
                    header.row_key.number,
                    header.from.revision.number,
                    header.from.hash,
                    header.through.revision.number,
                    header.through.hash,
                    header.totals,
                    blocks_,
                    nonce_,
                    {}};
  set_magic(bytes.magic, kHeaderMagic);
  bytes.mac = key_(bytes_of(bytes).first(kHeaderSigned));
  const std::string temporary = path_ + ".new";
  if (!write_at(descriptor_, bytes_of(bytes), 0) || ::fsync(descriptor_) != 0) {
    return cannot("write", temporary);
  }
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return cannot("replace", path_);
  ::close(std::exchange(descriptor_, -1));
  const std::filesystem::path parent = std::filesystem::path(path_).parent_path();
  return sync_folder(parent.empty() ? "." : parent.string());
}

Result<SnapshotReader> SnapshotReader::open(const std::string& path, const Hmac& key) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return cannot("open", path);
  SnapshotReader reader(descriptor, key);
  struct stat status {};
  const bool is_private = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                          status.st_uid == ::geteuid() && (status.st_mode & 077) == 0;
  if (!is_private) return Error(ErrorCode::configuration, "it is not a private file of ours");
  ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
  LK_CHECK(reader.read_header());
  // Signed by us, so that this is our own bug: better found before memory is taken.
  if (reader.header_.totals.all_tokens() > static_cast<uint64_t>(status.st_size)) {
    return damaged("its sizes");
  }
  return reader;
}

SnapshotReader::SnapshotReader(SnapshotReader&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      key_(other.key_),
      header_(std::move(other.header_)) {}

SnapshotReader::~SnapshotReader() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> SnapshotReader::read_header() {
  HeaderBytes bytes;
  const std::span<uint8_t> all(reinterpret_cast<uint8_t*>(&bytes), sizeof bytes);
  if (!read_all(descriptor_, all)) return damaged("it is too short");
  if (std::string_view(bytes.magic.data(), bytes.magic.size()) != kHeaderMagic ||
      bytes.layout != verify::kImageLayout) {
    return Error(ErrorCode::configuration, "it is of another version of this program");
  }
  if (!key_.verify(all.first(kHeaderSigned), bytes.mac)) {
    return damaged("its header is not signed with the current row key");
  }
  header_.deployment = bytes.deployment;
  header_.epoch = bytes.epoch;
  header_.catalog = bytes.catalog;
  header_.row_key.number = bytes.row_key;
  header_.from = {{bytes.from_revision}, bytes.from_hash, bytes.epoch};
  header_.through = {{bytes.through_revision}, bytes.through_hash, bytes.epoch};
  header_.totals = bytes.totals;
  header_.blocks = bytes.blocks;
  header_.nonce = bytes.nonce;
  return {};
}

// Reads and checks on one thread while the caller uses what was checked before.
Result<void> SnapshotReader::read(const verify::ImageSink& sink) {
  BlockPipe pipe;
  Result<void> outcome;
  std::jthread reader([&] { pipe.finish(read_blocks(pipe)); });
  while (const auto block = pipe.take()) {
    if (outcome) outcome = sink(block->view());
    if (!outcome) pipe.stop();
    pipe.give_back(std::move(*block));
  }
  reader.join();
  LK_CHECK(std::move(outcome));
  return pipe.outcome();
}

Result<void> SnapshotReader::read_blocks(BlockPipe& pipe) {
  for (uint64_t number = 0; number < header_.blocks; ++number) {
    auto block = pipe.take_empty();
    if (!block) return {};
    const std::span<uint8_t> all(block->buffer);
    if (!read_all(descriptor_, all.first(sizeof(BlockBytes)))) return damaged("it is cut");
    BlockBytes head;
    std::memcpy(&head, all.data(), sizeof head);
    if (head.length > verify::kImageBlockBytesMax) return damaged("a block is too long");
    block->length = static_cast<size_t>(head.length);
    if (!read_all(descriptor_, all.subspan(sizeof head, block->length + sizeof(Digest)))) {
      return damaged("it is cut");
    }
    const auto signed_bytes = all.first(sizeof head + block->length);
    const bool is_next = std::string_view(head.magic.data(), head.magic.size()) == kBlockMagic &&
                         head.nonce == header_.nonce && head.number == number;
    if (!is_next || !key_.verify(signed_bytes, all.subspan(signed_bytes.size(), sizeof(Digest)))) {
      return damaged("a block is not as it was written");
    }
    pipe.put(std::move(*block));
  }
  return {};
}

}  // namespace latchkey::app
