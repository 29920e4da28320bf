#include "verify/index_image.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace latchkey::verify {
namespace {

static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(TokenRecord) == 40 && std::is_trivially_copyable_v<TokenRecord>);
static_assert(sizeof(core::ScopeSet) == 32 && std::is_trivially_copyable_v<core::ScopeSet>);
static_assert(sizeof(Index::MembershipNumbers) == 24);
static_assert(kTokenRecordLayout == 1 && kImageLayout == 1, "they change together");

constexpr uint64_t kStepEntries = 4'096;  // of one Guard: some hundred kilobytes are walked
constexpr size_t kNameLengthBytes = 2;

Error broken(const char* what) {
  return Error(ErrorCode::integrity_violated, std::string("The image of the index ") + what);
}

template <class T>
std::span<const uint8_t> bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)};
}

// Values of a fixed size, in blocks.
template <class T>
class BlockWriter {
 public:
  BlockWriter(const ImageSink& sink, ImagePart part, uint32_t shard = 0)
      : sink_(sink), part_(part), shard_(shard) {}
  std::vector<T>& gathered() { return values_; }
  // Gives whole blocks away; with `all` what is left, too.
  Result<void> give(bool all) {
    constexpr size_t kValues = kImageBlockBytesMax / sizeof(T);
    size_t given = 0;
    while (values_.size() - given >= kValues || (all && given < values_.size())) {
      const size_t count = std::min(kValues, values_.size() - given);
      const auto bytes = bytes_of(values_).subspan(given * sizeof(T), count * sizeof(T));
      LK_CHECK(sink_({part_, shard_, bytes}));
      given += count;
    }
    values_.erase(values_.begin(), values_.begin() + static_cast<ptrdiff_t>(given));
    count_ += given;
    return {};
  }
  uint64_t count() const { return count_; }

 private:
  const ImageSink& sink_;
  const ImagePart part_;
  const uint32_t shard_;
  std::vector<T> values_;
  uint64_t count_ = 0;
};

Result<uint64_t> take_shard(const IndexAccess& access, const ImageSink& sink, uint32_t shard) {
  uint64_t steps = 1;
  LK_CHECK(access([&](const Index& index) {
    steps += index.tokens_for_image().capacity(shard) / kStepEntries;
  }));
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  const uint64_t width = kLast / steps + 1;  // 0 for one step: all of them
  BlockWriter<TokenRecord> writer(sink, ImagePart::tokens, shard);
  for (uint64_t step = 0; step < steps; ++step) {
    const uint64_t first = step * width;
    const uint64_t last = step + 1 == steps ? kLast : first + width - 1;
    LK_CHECK(access([&](const Index& index) {
      index.tokens_for_image().copy(shard, first, last, writer.gathered());
    }));
    LK_CHECK(writer.give(false));
  }
  LK_CHECK(writer.give(true));
  return writer.count();
}

// The `count` values that `read` gives by number.
template <class T, class Read>
Result<void> take_numbered(const IndexAccess& access, BlockWriter<T>& writer, uint64_t count,
                           const Read& read) {
  for (uint64_t first = 0; first < count; first += kStepEntries) {
    LK_CHECK(access([&](const Index& index) {
      const uint64_t end = std::min(count, first + kStepEntries);
      for (uint64_t i = first; i < end; ++i) writer.gathered().push_back(read(index, i));
    }));
    LK_CHECK(writer.give(false));
  }
  return writer.give(true);
}

// Each as the length of the name, two bytes, the name and the id.
Result<uint64_t> take_names(const IndexAccess& access, const ImageSink& sink) {
  std::vector<OrganizationItem> names;
  LK_CHECK(access([&](const Index& index) { names = index.names(); }));
  std::vector<uint8_t> bytes;
  for (const OrganizationItem& item : names) {
    const auto size = static_cast<uint16_t>(item.name_key.size());
    const size_t needed = kNameLengthBytes + size + sizeof item.organization;
    if (bytes.size() + needed > kImageBlockBytesMax) {
      LK_CHECK(sink({ImagePart::names, 0, bytes}));
      bytes.clear();
    }
    const auto* const size_bytes = reinterpret_cast<const uint8_t*>(&size);
    bytes.insert(bytes.end(), size_bytes, size_bytes + kNameLengthBytes);
    bytes.insert(bytes.end(), item.name_key.begin(), item.name_key.end());
    const auto& id = item.organization.uuid.bytes;
    bytes.insert(bytes.end(), id.begin(), id.end());
  }
  if (!bytes.empty()) LK_CHECK(sink({ImagePart::names, 0, bytes}));
  return names.size();
}

// Puts blocks into an index.
class Restoration {
 public:
  Restoration(const ImageTotals& totals, Index& index) : totals_(totals), index_(index) {
    bounds_ = {static_cast<uint32_t>(totals.memberships), static_cast<uint32_t>(totals.scope_sets)};
    for (size_t shard = 0; shard < TokenTable::kShards; ++shard) {
      index.tokens_for_image().reserve(shard, totals.tokens[shard]);
    }
  }

  Result<void> add(const ImageBlock& block) {
    switch (block.part) {
      case ImagePart::tokens: return add_tokens(block);
      case ImagePart::scope_sets:
        return each<core::ScopeSet>(block.bytes, restored_.scope_sets, [&](const auto& scopes) {
          return index_.restore_scope_set(scopes);
        });
      case ImagePart::organizations:
        return each<core::OrganizationId>(
            block.bytes, restored_.organizations,
            [&](const auto& organization) { return index_.restore_organization(organization); });
      case ImagePart::memberships:
        return each<Index::MembershipNumbers>(block.bytes, restored_.memberships,
                                              [&](const auto& row) -> Result<void> {
                                                memberships_.push_back(row);
                                                return {};
                                              });
      case ImagePart::names: return add_names(block.bytes);
    }
    return broken("has a part that is none.");
  }

  Result<void> finish() {
    const bool is_whole =
        restored_.tokens == totals_.tokens && restored_.scope_sets == totals_.scope_sets &&
        restored_.organizations == totals_.organizations &&
        restored_.memberships == totals_.memberships && restored_.names == totals_.names;
    if (!is_whole) return broken("is not whole.");
    for (const auto& row : memberships_) LK_CHECK(index_.restore_membership(row));
    index_.publish_names();
    return {};
  }

 private:
  // Values lie at any address.
  template <class T, class Restore>
  static Result<void> each(std::span<const uint8_t> bytes, uint64_t& count,
                           const Restore& restore) {
    if (bytes.size() % sizeof(T) != 0) return broken("has a block of another size.");
    for (size_t i = 0; i < bytes.size(); i += sizeof(T)) {
      T value;
      std::memcpy(&value, bytes.data() + i, sizeof value);
      LK_CHECK(restore(value));
      ++count;
    }
    return {};
  }

  Result<void> add_tokens(const ImageBlock& block) {
    if (block.shard >= TokenTable::kShards) return broken("has a shard that is none.");
    TokenTable& tokens = index_.tokens_for_image();
    return each<TokenRecord>(
        block.bytes, restored_.tokens[block.shard],
        [&](const TokenRecord& record) { return tokens.put_record(block.shard, record, bounds_); });
  }

  Result<void> add_names(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      uint16_t size = 0;
      OrganizationItem item;
      if (bytes.size() < kNameLengthBytes) return broken("has half a name.");
      std::memcpy(&size, bytes.data(), kNameLengthBytes);
      const size_t needed = kNameLengthBytes + size + sizeof item.organization;
      if (bytes.size() < needed) return broken("has half a name.");
      item.name_key.assign(reinterpret_cast<const char*>(bytes.data()) + kNameLengthBytes, size);
      std::memcpy(&item.organization, bytes.data() + kNameLengthBytes + size,
                  sizeof item.organization);
      item.active = true;
      LK_CHECK(index_.apply(item, TokenTable::Growth::frugal));
      bytes = bytes.subspan(needed);
      ++restored_.names;
    }
    return {};
  }

  const ImageTotals& totals_;
  Index& index_;
  TokenTable::RecordBounds bounds_;
  ImageTotals restored_;
  std::vector<Index::MembershipNumbers> memberships_;  // until what they refer to is there
};

}  // namespace

// What entries refer to comes after them: it is there by then.
Result<ImageTotals> take_image(const IndexAccess& access, const ImageSink& sink) {
  ImageTotals totals;
  for (uint32_t shard = 0; shard < TokenTable::kShards; ++shard) {
    LK_TRY(totals.tokens[shard], take_shard(access, sink, shard));
  }
  LK_CHECK(access([&](const Index& index) { totals.memberships = index.published_memberships(); }));
  BlockWriter<Index::MembershipNumbers> memberships(sink, ImagePart::memberships);
  std::vector<Index::MembershipNumbers> rows;
  LK_CHECK(take_numbered(access, memberships, totals.memberships,
                         [](const Index& index, size_t i) { return index.membership(i); }));
  LK_CHECK(access([&](const Index& index) {
    totals.scope_sets = index.scope_sets();
    totals.organizations = index.organizations();
  }));
  BlockWriter<core::ScopeSet> scope_sets(sink, ImagePart::scope_sets);
  LK_CHECK(take_numbered(access, scope_sets, totals.scope_sets,
                         [](const Index& index, size_t i) { return index.scope_set(i); }));
  BlockWriter<core::OrganizationId> organizations(sink, ImagePart::organizations);
  LK_CHECK(take_numbered(access, organizations, totals.organizations,
                         [](const Index& index, size_t i) { return index.organization(i); }));
  LK_TRY(totals.names, take_names(access, sink));
  return totals;
}

Result<void> restore_image(const ImageTotals& totals, const ImageSource& source, Index& index) {
  Restoration restoration(totals, index);
  LK_CHECK(source([&](const ImageBlock& block) { return restoration.add(block); }));
  return restoration.finish();
}

}  // namespace latchkey::verify
