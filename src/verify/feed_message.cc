#include "verify/feed_message.h"

#include <algorithm>
#include <span>
#include <unordered_map>

#include "base/assert.h"
#include "base/text.h"

namespace latchkey::verify {
namespace {

constexpr std::string_view kMagic = "LKFD";
constexpr uint8_t kHasKeys = 1;
constexpr uint8_t kHasNext = 2;
constexpr uint8_t kHasMore = 4;
constexpr size_t kIdBytes = 16;
constexpr size_t kDigestBytes = 32;
constexpr size_t kScopeBytes = 32;
// After magic, version, installation, epoch, revision and mark.
constexpr size_t kCurrentAfterAt = 4 + 1 + 2 * kIdBytes + 2 * 8;

enum class ItemKind : uint8_t { token = 1, retired = 2, membership = 3, organization = 4 };

Error broken(const char* rule) {
  return Error(ErrorCode::request_malformed, std::string("A message of the feed ") + rule + ".");
}

int32_t clamp_to_message(Milliseconds time) {
  return static_cast<int32_t>(std::clamp<int64_t>(time.count(), INT32_MIN, INT32_MAX));
}

class Writer {
 public:
  void number(uint64_t value, size_t size_bytes) {
    for (size_t i = size_bytes; i-- > 0;) text_ += static_cast<char>(value >> (8 * i));
  }
  void byte(uint8_t value) { number(value, 1); }
  void count(size_t value) { number(value, 4); }
  void bytes(std::span<const uint8_t> value) {
    text_.append(reinterpret_cast<const char*>(value.data()), value.size());
  }
  void text(std::string_view value) { text_ += value; }
  void reserve(size_t size_bytes) { text_.reserve(size_bytes); }
  template <class Tag>
  void id(const core::Id<Tag>& value) {
    bytes(value.uuid.bytes);
  }
  void scopes(const core::ScopeSet& value) {
    for (const uint64_t word : value.words()) number(word, 8);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

// Values that stand once in a message, in the order in which they first came.
template <class T>
class Table {
 public:
  uint32_t index_of(const T& value) {
    const auto [found, is_new] = indexes_.try_emplace(value, static_cast<uint32_t>(values_.size()));
    if (is_new) values_.push_back(value);
    return found->second;
  }
  const std::vector<T>& values() const { return values_; }

 private:
  std::unordered_map<T, uint32_t> indexes_;
  std::vector<T> values_;
};

class Encoder {
 public:
  std::string encode(const FeedMessage& message) {
    LK_ASSERT(message.items.size() <= kFeedMessageItemsMax);
    LK_ASSERT(message.next.size() <= kFeedCursorMax);
    for (const FeedItem& item : message.items) {
      std::visit([this](const auto& value) { add(value); }, item);
    }
    const std::string items = items_.take();
    Writer out;
    // So that keys are never left behind in a shorter buffer.
    out.reserve(1024 + kFeedKeysMax * 34 + organizations_.values().size() * kIdBytes +
                scope_sets_.values().size() * kScopeBytes + items.size());
    out.text(kMagic);
    out.byte(kFeedMessageVersion);
    out.bytes(message.deployment.bytes);
    out.id(message.position.epoch);
    out.number(message.position.revision.number, 8);
    out.number(message.mark, 8);
    out.number(static_cast<uint32_t>(clamp_to_message(message.current_after)), 4);
    out.byte(static_cast<uint8_t>((message.keys ? kHasKeys : 0) |
                                  (message.next.empty() ? 0 : kHasNext) |
                                  (message.more ? kHasMore : 0)));
    if (message.keys) write_keys(out, *message.keys);
    if (!message.next.empty()) {
      out.byte(static_cast<uint8_t>(message.next.size()));
      out.text(message.next);
    }
    out.count(organizations_.values().size());
    for (const auto& organization : organizations_.values()) out.id(organization);
    out.count(scope_sets_.values().size());
    for (const auto& scopes : scope_sets_.values()) out.scopes(scopes);
    out.count(message.items.size());
    out.text(items);
    return out.take();
  }

 private:
  static void write_keys(Writer& out, const FeedKeys& keys) {
    LK_ASSERT(!keys.keys.empty() && keys.keys.size() <= kFeedKeysMax);
    out.text(keys.provider.text());
    out.number(static_cast<uint64_t>(keys.staleness_max.count()), 4);
    out.text(keys.current.view());
    out.byte(static_cast<uint8_t>(keys.keys.size()));
    for (const auto& [id, key] : keys.keys) {
      out.text(id.view());
      out.bytes(key.reveal(RevealSecret{}));
    }
  }
  void kind(ItemKind kind) { items_.byte(static_cast<uint8_t>(kind)); }
  void add(const TokenItem& item) {
    kind(ItemKind::token);
    items_.id(item.id);
    items_.count(organizations_.index_of(item.organization));
    items_.id(item.owner);
    items_.bytes(item.digest);
    items_.count(scope_sets_.index_of(item.scopes));
    items_.number(static_cast<uint64_t>(item.valid_to.ms), 8);
    items_.byte(item.state == core::TokenState::live ? 1 : 2);
  }
  void add(const RetiredDigestItem& item) {
    kind(ItemKind::retired);
    items_.id(item.token);
    items_.count(organizations_.index_of(item.organization));
    items_.id(item.owner);
    items_.bytes(item.digest);
  }
  void add(const MembershipItem& item) {
    kind(ItemKind::membership);
    items_.count(organizations_.index_of(item.organization));
    items_.id(item.person);
    items_.byte(item.active ? 1 : 0);
    items_.count(scope_sets_.index_of(item.mask));
  }
  void add(const OrganizationItem& item) {
    LK_ASSERT(item.name_key.size() <= kFeedNameKeyMax);
    kind(ItemKind::organization);
    items_.count(organizations_.index_of(item.organization));
    items_.byte(item.active ? 1 : 0);
    items_.byte(static_cast<uint8_t>(item.name_key.size()));
    items_.text(item.name_key);
  }

  Writer items_;
  Table<core::OrganizationId> organizations_;
  Table<core::ScopeSet> scope_sets_;
};

// Reads what is there; once something was not, everything is empty and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view text(size_t size_bytes) {
    if (rest_.size() < size_bytes) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view read = rest_.substr(0, size_bytes);
    rest_.remove_prefix(size_bytes);
    return read;
  }
  uint64_t number(size_t size_bytes) {
    uint64_t value = 0;
    for (const char c : text(size_bytes)) value = value << 8 | static_cast<uint8_t>(c);
    return value;
  }
  uint8_t byte() { return static_cast<uint8_t>(number(1)); }
  // A boolean is 0 or 1.
  bool flag() {
    const uint8_t value = byte();
    if (value > 1) ok_ = false;
    return value == 1;
  }
  // The count of a list whose entries have at least `least_bytes` each, so that no more is taken
  // for it than was sent.
  size_t count(size_t least_bytes, size_t most) {
    const uint64_t value = number(4);
    if (value > most || value * least_bytes > rest_.size()) {
      ok_ = false;
      return 0;
    }
    return value;
  }
  template <size_t n>
  std::array<uint8_t, n> bytes() {
    std::array<uint8_t, n> value{};
    const std::string_view read = text(n);
    std::copy(read.begin(), read.end(), value.begin());
    return value;
  }
  template <class AnyId>
  AnyId id() {
    return AnyId{Uuid{bytes<kIdBytes>()}};
  }
  core::ScopeSet scopes() {
    core::ScopeSet set;
    for (int word = 0; word < 4; ++word) {
      const uint64_t bits = number(8);
      for (int bit = 0; bit < 64; ++bit) {
        if (bits >> bit & 1) set.add({static_cast<uint8_t>(word * 64 + bit)});
      }
    }
    return set;
  }
  // The value that a number stands for.
  template <class T>
  const T& one_of(const std::vector<T>& values) {
    static const T none{};
    const uint64_t index = number(4);
    if (index < values.size()) return values[index];
    ok_ = false;
    return none;
  }
  void refuse() { ok_ = false; }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes) : in_(bytes) {}

  Result<FeedMessage> decode() {
    if (in_.text(kMagic.size()) != kMagic) return broken("does not begin as one");
    if (in_.byte() != kFeedMessageVersion) {
      return broken("has another version: server and gate must be of one release");
    }
    message_.deployment = Uuid{in_.bytes<kIdBytes>()};
    message_.position.epoch = in_.id<core::Epoch>();
    message_.position.revision.number = in_.number(8);
    message_.mark = in_.number(8);
    message_.current_after = Milliseconds(static_cast<int32_t>(in_.number(4)));
    const uint8_t flags = in_.byte();
    if (flags > (kHasKeys | kHasNext | kHasMore)) return broken("has an unknown flag");
    if (flags & kHasKeys) LK_CHECK(read_keys());
    if (flags & kHasNext) LK_CHECK(read_next());
    message_.more = (flags & kHasMore) != 0;
    read_tables();
    LK_CHECK(read_items());
    if (!in_.ok()) return broken("is cut short or holds a value that is none");
    if (!in_.at_end()) return broken("goes on after its end");
    return std::move(message_);
  }

 private:
  Result<core::DigestKeyId> read_key_id() {
    auto id = core::parse_digest_key_id(in_.text(2));
    if (!id) return broken("has a key's id of another form");
    return *id;
  }
  Result<void> read_keys() {
    FeedKeys& keys = message_.keys.emplace();
    const auto provider = core::ProviderSignature::parse(in_.text(4));
    if (!provider) return broken("has a provider signature of another form");
    keys.provider = *provider;
    keys.staleness_max = Milliseconds(in_.number(4));
    LK_TRY(keys.current, read_key_id());
    const size_t count = in_.byte();
    if (count == 0 || count > kFeedKeysMax) return broken("has no keys, or too many");
    bool has_current = false;
    for (size_t i = 0; i < count; ++i) {
      LK_TRY(const auto id, read_key_id());
      for (const auto& before : keys.keys) {
        if (before.first == id) return broken("has a key twice");
      }
      auto bytes = in_.bytes<SecretKey::kSizeBytes>();
      keys.keys.emplace_back(id, SecretKey(bytes));
      wipe(bytes.data(), bytes.size());
      has_current |= id == keys.current;
    }
    return has_current ? Result<void>() : broken("lacks the current key");
  }
  Result<void> read_next() {
    const size_t size_bytes = in_.byte();
    if (size_bytes == 0 || size_bytes > kFeedCursorMax) return broken("has a cursor too long");
    message_.next = in_.text(size_bytes);
    const bool is_plain = std::all_of(message_.next.begin(), message_.next.end(), [](char c) {
      return is_ascii_letter(c) || is_ascii_digit(c) || c == '-' || c == '.';
    });
    return is_plain ? Result<void>() : broken("has a cursor of another form");
  }
  void read_tables() {
    organizations_.resize(in_.count(kIdBytes, kFeedMessageItemsMax));
    for (auto& organization : organizations_) organization = in_.id<core::OrganizationId>();
    scope_sets_.resize(in_.count(kScopeBytes, kFeedMessageItemsMax));
    for (auto& scopes : scope_sets_) scopes = in_.scopes();
  }
  Result<void> read_items() {
    constexpr size_t kLeastBytes = 7;
    const size_t count = in_.count(kLeastBytes, kFeedMessageItemsMax);
    message_.items.reserve(count);
    for (size_t i = 0; i < count && in_.ok(); ++i) LK_CHECK(read_item());
    return {};
  }
  Result<void> read_item() {
    switch (static_cast<ItemKind>(in_.byte())) {
      case ItemKind::token: message_.items.emplace_back(read_token()); return {};
      case ItemKind::retired: message_.items.emplace_back(read_retired()); return {};
      case ItemKind::membership: message_.items.emplace_back(read_membership()); return {};
      case ItemKind::organization: message_.items.emplace_back(read_organization()); return {};
    }
    return broken("has an item of an unknown kind");
  }
  TokenItem read_token() {
    TokenItem item;
    item.id = in_.id<core::TokenId>();
    item.organization = in_.one_of(organizations_);
    item.owner = in_.id<core::PersonId>();
    item.digest = in_.bytes<kDigestBytes>();
    item.scopes = in_.one_of(scope_sets_);
    item.valid_to.ms = static_cast<int64_t>(in_.number(8));
    const uint8_t state = in_.byte();
    if (state != 1 && state != 2) in_.refuse();
    item.state = state == 1 ? core::TokenState::live : core::TokenState::revoked;
    return item;
  }
  RetiredDigestItem read_retired() {
    RetiredDigestItem item;
    item.token = in_.id<core::TokenId>();
    item.organization = in_.one_of(organizations_);
    item.owner = in_.id<core::PersonId>();
    item.digest = in_.bytes<kDigestBytes>();
    return item;
  }
  MembershipItem read_membership() {
    MembershipItem item;
    item.organization = in_.one_of(organizations_);
    item.person = in_.id<core::PersonId>();
    item.active = in_.flag();
    item.mask = in_.one_of(scope_sets_);
    return item;
  }
  OrganizationItem read_organization() {
    OrganizationItem item;
    item.organization = in_.one_of(organizations_);
    item.active = in_.flag();
    item.name_key = in_.text(in_.byte());
    if (!is_utf8(item.name_key)) in_.refuse();
    return item;
  }

  Reader in_;
  FeedMessage message_;
  std::vector<core::OrganizationId> organizations_;
  std::vector<core::ScopeSet> scope_sets_;
};

}  // namespace

std::string name_keys(core::DigestKeyId current, const std::vector<core::DigestKeyId>& ids) {
  std::vector<core::DigestKeyId> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  std::string text(current.view());
  char separator = ':';
  for (const core::DigestKeyId id : sorted) {
    text += separator;
    text += id.view();
    separator = '.';
  }
  return text;
}

std::string name_keys(const FeedKeys& keys) {
  std::vector<core::DigestKeyId> ids;
  for (const auto& [id, key] : keys.keys) ids.push_back(id);
  return name_keys(keys.current, ids);
}

std::string with_current_after(std::string encoded, Milliseconds current_after) {
  Writer value;
  value.number(static_cast<uint32_t>(clamp_to_message(current_after)), 4);
  LK_ASSERT(encoded.size() > kCurrentAfterAt + 4);
  encoded.replace(kCurrentAfterAt, 4, value.take());
  return encoded;
}

std::string encode(const FeedMessage& message) { return Encoder().encode(message); }

Result<FeedMessage> decode_feed_message(std::string_view bytes) {
  if (bytes.size() > kFeedMessageBytesMax) return broken("is too long");
  return Decoder(bytes).decode();
}

}  // namespace latchkey::verify
