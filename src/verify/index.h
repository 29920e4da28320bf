// What a verifier knows: tokens, who may use theirs and how far, and what organizations are called.
//
// Large tables hold numbers, not values: a token's entry names its scope set and its membership, a
// membership its mask and its organization. The values stand in arrays that never move.
// Thread safety: the finders from any thread within a Guard; all else from one writer.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "core/ids.h"
#include "core/scope.h"
#include "verify/chunked_array.h"
#include "verify/feed.h"
#include "verify/read_protection.h"
#include "verify/token_table.h"

namespace latchkey::verify {

class Index {
 public:
  struct Membership {
    core::OrganizationId organization;
    core::PersonId person;
    bool active = false;
    const core::ScopeSet* mask = nullptr;  // lives as long as the index
  };

  explicit Index(ReadProtection& protection);
  ~Index();

  std::optional<TokenEntry> find_token(const Digest& digest) const { return tokens_.find(digest); }
  // REQUIRES: `entry` came from this index's find_token() and is live.
  const core::ScopeSet& scopes_of(const TokenEntry& entry) const {
    return scope_sets_[entry.scope_set];
  }
  Membership membership_of(const TokenEntry& entry) const;
  std::optional<core::OrganizationId> find_organization(std::string_view name_key) const;

  // Errors: overloaded (more distinct scope sets, memberships or organizations than there are
  // numbers
  //         for), integrity_violated.
  Result<void> apply(const FeedItem& item, TokenTable::Growth growth);
  // Shows readers the names that apply() changed.
  void publish_names();
  // Gives back what loading took in advance.
  void fit() { tokens_.fit(); }

  // For images of an index (index_image.h): what it holds by number, of an index that others
  // follow, and the same put into an empty one, in the order of the numbers.
  struct MembershipNumbers {
    core::PersonId person;
    uint32_t organization = 0;
    uint32_t mask = 0;  // scope set number, and whether it is active above it
  };
  const TokenTable& tokens_for_image() const { return tokens_; }
  TokenTable& tokens_for_image() { return tokens_; }
  size_t scope_sets() const { return scope_sets_.published(); }
  size_t organizations() const { return organizations_.published(); }
  size_t published_memberships() const { return memberships_.published(); }
  const core::ScopeSet& scope_set(size_t number) const { return scope_sets_[number]; }
  core::OrganizationId organization(size_t number) const { return organizations_[number]; }
  MembershipNumbers membership(size_t number) const;
  // REQUIRES: within a Guard.
  std::vector<OrganizationItem> names() const;
  // Errors: integrity_violated (one that is there, or refers to a number that is not).
  Result<void> restore_scope_set(const core::ScopeSet& scopes);
  Result<void> restore_organization(core::OrganizationId organization);
  Result<void> restore_membership(const MembershipNumbers& row);

  uint64_t tokens() const { return tokens_.size(); }
  uint64_t memberships() const { return memberships_.size(); }
  uint64_t memory_bytes() const;

 private:
  // 24 bytes, so that the memberships of 100,000 people fit into a cache.
  struct MembershipRow {
    core::PersonId person;
    uint32_t organization = 0;
    uint32_t mask = 0;  // scope set number, kActive above it; read and written atomically
  };
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct MembershipKey {
    core::OrganizationId organization;
    core::PersonId person;
    friend bool operator==(const MembershipKey&, const MembershipKey&) = default;
  };
  struct MembershipHash {
    size_t operator()(const MembershipKey& key) const;
  };
  using Names = std::unordered_map<std::string, core::OrganizationId, TextHash, std::equal_to<>>;
  static constexpr uint32_t kActive = 1u << 31;

  Result<void> apply_token(const TokenItem& item, TokenTable::Growth growth);
  Result<void> apply_retired(const RetiredDigestItem& item, TokenTable::Growth growth);
  Result<void> apply_membership(const MembershipItem& item);
  void apply_organization(const OrganizationItem& item);
  Result<uint32_t> number_of(const core::ScopeSet& scopes);
  Result<uint32_t> number_of(core::OrganizationId organization);
  Result<uint32_t> number_of(core::OrganizationId organization, core::PersonId person);

  ReadProtection& protection_;
  TokenTable tokens_;
  ChunkedArray<core::ScopeSet, 1024, 4096> scope_sets_;
  ChunkedArray<MembershipRow, 131'072, 128> memberships_;
  ChunkedArray<core::OrganizationId, 1024, 1024> organizations_;
  std::atomic<const Names*> published_names_{nullptr};

  // The writer's own: which value has which number, and the names as they will be published.
  std::unordered_map<core::ScopeSet, uint32_t> scope_set_numbers_;
  std::unordered_map<core::OrganizationId, uint32_t> organization_numbers_;
  std::unordered_map<MembershipKey, uint32_t, MembershipHash> membership_numbers_;
  Names names_;
  bool names_changed_ = false;
  std::unique_ptr<const Names> owned_names_;
};

}  // namespace latchkey::verify
