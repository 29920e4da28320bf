// What an index holds, as blocks of bytes, and an index made of them again without a search for
// each entry.
//
// An image is taken while the index is followed: it holds all that the index had when it began, and
// perhaps of what came since; since items say how things are, following on from the position of its
// begin makes it right (V14). The bytes are those of this program's tables: they are for the same
// layout on the same kind of machine, and whoever keeps them sees to it that they come back as they
// were. Thread safety: as of the functions. Spec: docs/spec/index-snapshot.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>

#include "base/result.h"
#include "verify/index.h"

namespace latchkey::verify {

// Changes with every change of what blocks hold.
inline constexpr uint32_t kImageLayout = 1;
inline constexpr size_t kImageBlockBytesMax = 1024 * 1024;

enum class ImagePart : uint32_t {
  tokens = 1,
  scope_sets = 2,
  organizations = 3,
  memberships = 4,
  names = 5
};

struct ImageBlock {
  ImagePart part = ImagePart::tokens;
  uint32_t shard = 0;  // of tokens
  std::span<const uint8_t> bytes;
};

// How many of each there are; known when an image is taken to its end, needed before it is read.
struct ImageTotals {
  std::array<uint64_t, TokenTable::kShards> tokens{};  // by shard
  uint64_t scope_sets = 0;
  uint64_t organizations = 0;
  uint64_t memberships = 0;
  uint64_t names = 0;

  uint64_t all_tokens() const { return std::accumulate(tokens.begin(), tokens.end(), uint64_t{0}); }
};

// Takes a block; an error ends the image.
using ImageSink = std::function<Result<void>(const ImageBlock&)>;
// Gives the blocks of an image one after the other; an error of the sink ends it.
using ImageSource = std::function<Result<void>(const ImageSink&)>;
// Calls what it is given within a Guard with the index, if that is still the same.
// Errors: conflict (another index took its place).
using IndexAccess = std::function<Result<void>(const std::function<void(const Index&)>&)>;

// Takes an image through `access`, in steps short enough to keep no writer waiting.
// Errors: those of `access` and `sink`.
Result<ImageTotals> take_image(const IndexAccess& access, const ImageSink& sink);
// Fills the empty `index`. Errors: those of `source`; integrity_violated (a block is none of an
// image, or they do not come to `totals`); overloaded (as of Index::apply).
Result<void> restore_image(const ImageTotals& totals, const ImageSource& source, Index& index);

}  // namespace latchkey::verify
