#include "verify/index.h"

#include <atomic>

namespace latchkey::verify {
namespace {

// What a hash map of one-word values takes beside its own size; glibc's blocks, libstdc++'s nodes.
template <class Map>
uint64_t map_bytes(const Map& map) {
  constexpr uint64_t kNode = sizeof(typename Map::value_type) + 16;  // next, cached hash
  constexpr uint64_t kBlock = (kNode + 8 + 15) / 16 * 16;
  return map.size() * kBlock + map.bucket_count() * sizeof(void*);
}

Error too_many(const char* what) {
  return Error(ErrorCode::overloaded,
               std::string("The index has no number left for one more ") + what);
}

Error none_of_an_index() {
  return Error(ErrorCode::integrity_violated, "A part of the image is none of an index.");
}

}  // namespace

Index::Index(ReadProtection& protection)
    : protection_(protection), tokens_(protection), owned_names_(std::make_unique<const Names>()) {
  static_assert(sizeof(MembershipRow) == 24);
  published_names_.store(owned_names_.get(), std::memory_order_seq_cst);
}

Index::~Index() = default;

size_t Index::MembershipHash::operator()(const MembershipKey& key) const {
  const size_t first = std::hash<core::OrganizationId>()(key.organization);
  return first * 0x9e3779b97f4a7c15ull ^ std::hash<core::PersonId>()(key.person);
}

Index::Membership Index::membership_of(const TokenEntry& entry) const {
  MembershipRow& row = memberships_[entry.membership];
  const uint32_t mask = std::atomic_ref(row.mask).load(std::memory_order_acquire);
  return {organizations_[row.organization], row.person, (mask & kActive) != 0,
          &scope_sets_[mask & ~kActive]};
}

std::optional<core::OrganizationId> Index::find_organization(std::string_view name_key) const {
  const Names& names = *published_names_.load(std::memory_order_seq_cst);
  const auto found = names.find(name_key);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

Result<void> Index::apply(const FeedItem& item, TokenTable::Growth growth) {
  if (const auto* token = std::get_if<TokenItem>(&item)) return apply_token(*token, growth);
  if (const auto* retired = std::get_if<RetiredDigestItem>(&item)) {
    return apply_retired(*retired, growth);
  }
  if (const auto* membership = std::get_if<MembershipItem>(&item)) {
    return apply_membership(*membership);
  }
  apply_organization(std::get<OrganizationItem>(item));
  return {};
}

Result<void> Index::apply_token(const TokenItem& item, TokenTable::Growth growth) {
  TokenEntry entry;
  entry.id = item.id;
  LK_TRY(entry.membership, number_of(item.organization, item.owner));
  switch (item.state) {
    case core::TokenState::revoked: entry.state = EntryState::revoked; break;
    case core::TokenState::live:
      LK_TRY(entry.scope_set, number_of(item.scopes));
      entry.valid_to = item.valid_to;
      break;
  }
  return tokens_.put(item.digest, entry, growth);
}

Result<void> Index::apply_retired(const RetiredDigestItem& item, TokenTable::Growth growth) {
  TokenEntry entry;
  entry.id = item.token;
  entry.state = EntryState::retired;
  LK_TRY(entry.membership, number_of(item.organization, item.owner));
  return tokens_.put(item.digest, entry, growth);
}

Result<void> Index::apply_membership(const MembershipItem& item) {
  LK_TRY(const uint32_t membership, number_of(item.organization, item.person));
  LK_TRY(const uint32_t mask, number_of(item.mask));
  std::atomic_ref(memberships_[membership].mask)
      .store(mask | (item.active ? kActive : 0), std::memory_order_release);
  return {};
}

void Index::apply_organization(const OrganizationItem& item) {
  names_changed_ = true;
  if (item.active) {
    names_.insert_or_assign(item.name_key, item.organization);
    return;
  }
  // The name may have become another organization's since.
  const auto found = names_.find(item.name_key);
  if (found != names_.end() && found->second == item.organization) names_.erase(found);
}

void Index::publish_names() {
  if (!names_changed_) return;
  auto successor = std::make_unique<const Names>(names_);
  published_names_.store(successor.get(), std::memory_order_seq_cst);
  protection_.synchronize();
  owned_names_ = std::move(successor);
  names_changed_ = false;
}

Result<uint32_t> Index::number_of(const core::ScopeSet& scopes) {
  if (const auto found = scope_set_numbers_.find(scopes); found != scope_set_numbers_.end()) {
    return found->second;
  }
  if (scope_sets_.size() == TokenTable::kScopeSetsMax) return too_many("set of scopes");
  const auto number = static_cast<uint32_t>(scope_sets_.add());
  scope_sets_[number] = scopes;
  scope_sets_.publish();
  scope_set_numbers_.emplace(scopes, number);
  return number;
}

Result<uint32_t> Index::number_of(core::OrganizationId organization) {
  if (const auto found = organization_numbers_.find(organization);
      found != organization_numbers_.end()) {
    return found->second;
  }
  if (organizations_.size() == organizations_.kSizeMax) return too_many("organization");
  const auto number = static_cast<uint32_t>(organizations_.add());
  organizations_[number] = organization;
  organizations_.publish();
  organization_numbers_.emplace(organization, number);
  return number;
}

// A membership that is first heard of through a token is inactive until its own item says
// otherwise.
Result<uint32_t> Index::number_of(core::OrganizationId organization, core::PersonId person) {
  const MembershipKey key{organization, person};
  if (const auto found = membership_numbers_.find(key); found != membership_numbers_.end()) {
    return found->second;
  }
  if (memberships_.size() == memberships_.kSizeMax) return too_many("membership");
  LK_TRY(const uint32_t organization_number, number_of(organization));
  LK_TRY(const uint32_t mask, number_of(core::ScopeSet()));
  const auto number = static_cast<uint32_t>(memberships_.add());
  MembershipRow& row = memberships_[number];
  row.person = person;
  row.organization = organization_number;
  std::atomic_ref(row.mask).store(mask, std::memory_order_release);
  memberships_.publish();
  membership_numbers_.emplace(key, number);
  return number;
}

Index::MembershipNumbers Index::membership(size_t number) const {
  MembershipRow& row = memberships_[number];
  return {row.person, row.organization, std::atomic_ref(row.mask).load(std::memory_order_acquire)};
}

std::vector<OrganizationItem> Index::names() const {
  std::vector<OrganizationItem> items;
  for (const auto& [name, id] : *published_names_.load(std::memory_order_seq_cst)) {
    items.push_back({id, name, true});
  }
  return items;
}

Result<void> Index::restore_scope_set(const core::ScopeSet& scopes) {
  const size_t before = scope_sets_.size();
  LK_TRY(const uint32_t number, number_of(scopes));
  return number == before ? Result<void>() : Result<void>(none_of_an_index());
}

Result<void> Index::restore_organization(core::OrganizationId organization) {
  const size_t before = organizations_.size();
  LK_TRY(const uint32_t number, number_of(organization));
  return number == before ? Result<void>() : Result<void>(none_of_an_index());
}

Result<void> Index::restore_membership(const MembershipNumbers& row) {
  if (row.organization >= organizations_.size() || (row.mask & ~kActive) >= scope_sets_.size()) {
    return none_of_an_index();
  }
  const size_t before = memberships_.size();
  LK_TRY(const uint32_t number, number_of(organizations_[row.organization], row.person));
  if (number != before) return none_of_an_index();
  std::atomic_ref(memberships_[number].mask).store(row.mask, std::memory_order_release);
  return {};
}

uint64_t Index::memory_bytes() const {
  return sizeof *this + tokens_.memory_bytes() + scope_sets_.memory_bytes() +
         memberships_.memory_bytes() + organizations_.memory_bytes() +
         map_bytes(scope_set_numbers_) + map_bytes(organization_numbers_) +
         map_bytes(membership_numbers_) + map_bytes(names_) + map_bytes(*owned_names_);
}

}  // namespace latchkey::verify
