#include "app/seed.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/bytes.h"
#include "base/json.h"
#include "base/time_text.h"
#include "store/identity_rows.h"
#include "store/organization_rows.h"
#include "store/token_rows.h"

namespace latchkey::app {
namespace {

constexpr size_t kGroup = 1'000;  // changes of one transaction
constexpr size_t kScopeTexts = 400;
constexpr int kPersonSkew = 3;
constexpr int kOrganizationSkew = 2;
// Of a hundred tokens; something is done to the rest of them never.
constexpr uint64_t kRevoked = 8;
constexpr uint64_t kRegenerated = 4;
constexpr uint64_t kEdited = 5;

std::string role_data(core::Role role) {
  return R"({"role":")" + std::string(core::role_name(role)) + R"("})";
}

// How long a token was made for, from a number below 100.
unsigned lifetime_days(uint64_t percent) {
  if (percent < 5) return 7;
  if (percent < 20) return 30;
  if (percent < 50) return 90;
  return 364;
}

}  // namespace

Seeder::Seeder(const SeedDependencies& dependencies, const SeedSize& size)
    : dependencies_(dependencies),
      size_(size),
      clock_(dependencies.now),
      writer_(dependencies.driver,
              {clock_, dependencies.entropy, dependencies.log, dependencies.keys.row_keys()}),
      run_(std::to_string(dependencies.now.ms)) {}

// SplitMix64: which token gets what is no secret, and should be the same in each run.
uint64_t Seeder::below(uint64_t bound) {
  random_ += 0x9e3779b97f4a7c15ull;
  uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ull;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebull;
  return (mixed ^ (mixed >> 31)) % bound;
}

uint64_t Seeder::skewed_below(uint64_t bound, int skew) {
  const double unit = static_cast<double>(below(1u << 30)) / (1u << 30);
  const auto number = static_cast<uint64_t>(std::pow(unit, skew) * static_cast<double>(bound));
  return std::min(number, bound - 1);
}

void Seeder::make_scopes() {
  std::vector<std::string> grantable;
  for (const core::Scope& scope : dependencies_.catalog.scopes()) {
    const bool is_full = scope.identifier == core::ScopeCatalog::kFullAccess;
    if (scope.grantable && !is_full) grantable.push_back(scope.identifier);
  }
  scopes_.emplace_back(core::ScopeCatalog::kFullAccess);
  while (scopes_.size() < kScopeTexts) {
    const size_t first = below(grantable.size());
    std::string text = grantable[first];
    for (uint64_t more = below(4), i = 1; i <= more; ++i) {
      text += ' ' + grantable[(first + i * 7) % grantable.size()];
    }
    if (dependencies_.catalog.parse_requested(text)) scopes_.push_back(std::move(text));
  }
}

Result<void> Seeder::append(store::WriteTx& tx, core::EventDraft draft, std::string names) const {
  const core::EventContext context{"192.0.2." + std::to_string(draft.subjects.front().id.bytes[15]),
                                   "latchkey bench seed", "session",
                                   format_uuid(draft.subjects.front().id), std::move(names)};
  LK_CHECK(tx.append(draft, context));
  return {};
}

Result<void> Seeder::add_organizations() {
  for (uint64_t i = 0; i < size_.organizations; ++i) {
    LK_TRY(const auto id, core::make_id<core::OrganizationId>(dependencies_.entropy));
    organizations_.push_back({id, "seed-" + run_ + "-" + std::to_string(i)});
    store::WriteBody body = [this, i](store::WriteTx& tx) -> Result<void> {
      const Organization& made = organizations_[i];
      LK_CHECK(store::insert_organization(
          tx, {.id = made.id, .name = made.name, .created_at = tx.now(), .deleted_at = {}}));
      return append(tx,
                    {.action = core::Action::organization_created,
                     .organization = made.id,
                     .actor = people_.empty() ? std::nullopt : std::optional(people_[0].id),
                     .subjects = {{core::SubjectKind::organization, made.id.uuid}}},
                    R"({"OrganizationName":")" + made.name + R"("})");
    };
    LK_CHECK(add(std::move(body)));
  }
  return {};
}

// The first person of an empty log set it up, so it is its operator.
void Seeder::add_person(uint64_t number, core::Role role) {
  bodies_.emplace_back([this, number, role](store::WriteTx& tx) -> Result<void> {
    const Person& made = people_[number];
    const core::OrganizationId organization = organizations_[made.organization].id;
    const std::string name = "seed-" + run_ + "-" + std::to_string(number);
    LK_TRY(const uint64_t before, number == 0 ? store::count_people(tx) : Result<uint64_t>(1));
    store::PersonRow row;
    row.person = {.id = made.id,
                  .email = name + "@example.com",
                  .display_name = "Person " + std::to_string(number),
                  .is_operator = before == 0,
                  .created_at = tx.now(),
                  .last_sign_in_at = {}};
    LK_CHECK(store::insert_person(tx, row));
    const std::string names = R"({"DisplayName":")" + row.person.display_name + R"("})";
    LK_CHECK(append(tx,
                    {.action = core::Action::person_created,
                     .organization = std::nullopt,
                     .actor = made.id,
                     .subjects = {{core::SubjectKind::person, made.id.uuid}}},
                    names));
    LK_CHECK(store::upsert_membership(tx, {organization, made.id, role, tx.now()}));
    return append(tx,
                  {.action = core::Action::member_added,
                   .organization = organization,
                   .actor = made.id,
                   .subjects = {{core::SubjectKind::membership, made.id.uuid}},
                   .data = role_data(role)},
                  names);
  });
}

// The first person of each organization owns it.
Result<void> Seeder::add_people() {
  for (uint64_t i = 0; i < size_.people; ++i) {
    LK_TRY(const auto id, core::make_id<core::PersonId>(dependencies_.entropy));
    const uint64_t organization =
        i < size_.organizations ? i : skewed_below(size_.organizations, kOrganizationSkew);
    people_.push_back({id, static_cast<uint32_t>(organization)});
  }
  for (uint64_t i = 0; i < size_.people; ++i) {
    const uint64_t percent = below(100);
    core::Role role = percent < 5    ? core::Role::administrator
                      : percent < 80 ? core::Role::member
                                     : core::Role::reader;
    if (i < size_.organizations) role = core::Role::owner;
    add_person(i, role);
    if (bodies_.size() == kGroup) LK_CHECK(commit());
  }
  return {};
}

core::EventDraft Seeder::draft_of(core::Action action, const core::Token& token,
                                  json::object data) const {
  data["owner"] = core::format_id(token.owner);
  return {.action = action,
          .organization = token.organization,
          .actor = token.owner,
          .subjects = {{core::SubjectKind::token, token.id.uuid}},
          .data = format_json(data)};
}

Result<void> Seeder::add_token(uint64_t number, const Sample& on_sample) {
  const Person& owner = people_[skewed_below(people_.size(), kPersonSkew)];
  const Instant now = clock_.now();
  const auto& keys = dependencies_.keys.digest_keys();
  LK_TRY(const SecretText text, core::generate_token(dependencies_.provider, keys.current_id(), now,
                                                     dependencies_.entropy));
  LK_TRY(auto id, core::make_id<core::TokenId>(dependencies_.entropy));
  // Ascending ids make the table grow at its end. Their other bits are random as always.
  const auto part = static_cast<uint32_t>((number << 32) / size_.tokens);
  for (int i = 0; i < 4; ++i) id.uuid.bytes[i] = static_cast<uint8_t>(part >> (24 - 8 * i));
  const core::NewTokenFacts facts{
      .id = id,
      .organization = organizations_[owner.organization].id,
      .owner = owner.id,
      .key_id = keys.current_id(),
      .digest = *keys.digest_of(keys.current_id(), text.reveal(RevealSecret{}))};
  const core::CreateToken request{
      .display_name = "build " + std::to_string(number),
      .scope = scopes_[skewed_below(scopes_.size(), 2)],
      .valid_to = core::expiry_after_days(now, lifetime_days(below(100))),
      .all_organizations = false};
  LK_TRY(core::Token token, core::decide_create(dependencies_.catalog, request, facts, now));
  store::WriteBody body = [this, token](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(store::insert_token(tx, token, core::token_row_mac(tx.row_key(), token)));
    return append(tx,
                  draft_of(core::Action::token_created, token,
                           {{"scope", token.scope}, {"validTo", format_date_time(token.valid_to)}}),
                  R"({"DisplayName":")" + token.display_name + R"("})");
  };
  LK_CHECK(add(std::move(body)));
  const uint64_t fate = below(100);
  const bool is_expired = token.valid_to <= dependencies_.now;
  if (fate < kRevoked + kRegenerated + kEdited) {
    const core::Action action = fate < kRevoked                  ? core::Action::token_revoked
                                : fate < kRevoked + kRegenerated ? core::Action::token_regenerated
                                                                 : core::Action::token_updated;
    const uint64_t later = std::clamp<uint64_t>(size_.tokens / 50, 1, 20'000);
    report_.expired += is_expired && action != core::Action::token_revoked;
    pending_.push_back({number + later, action, std::move(token)});
    return {};
  }
  report_.expired += is_expired;
  if (is_expired || report_.made.sample == size_.sample) return {};
  // Evenly over all that are made.
  if (number < report_.made.sample * (size_.tokens / size_.sample)) return {};
  ++report_.made.sample;
  return on_sample(text, organizations_[owner.organization].name);
}

Result<void> Seeder::change_token(Pending pending) {
  const core::Token& before = pending.token;
  const Instant now = clock_.now();
  core::Token after;
  json::object data;
  if (pending.action == core::Action::token_revoked) {
    after = core::decide_revoke(before, now);
    ++report_.revoked;
  } else if (pending.action == core::Action::token_regenerated) {
    Digest digest{};
    LK_CHECK(dependencies_.entropy.fill(digest));
    LK_TRY(after, core::decide_regenerate(before, std::nullopt, {before.key_id, digest}, now));
    data = {{"retiredDigest", format_hex(before.digest)},
            {"validTo", format_date_time(after.valid_to)}};
    ++report_.regenerated;
  } else {
    core::UpdateToken request;
    request.scope = scopes_[below(scopes_.size())];
    LK_TRY(after, core::decide_update(dependencies_.catalog, before, request, now));
    data = {{"changed", {"scope"}}, {"scope", after.scope}};
    ++report_.edited;
  }
  return add([this, action = pending.action, after, data](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(store::update_token(tx, after, core::token_row_mac(tx.row_key(), after)));
    return append(tx, draft_of(action, after, data),
                  R"({"DisplayName":")" + after.display_name + R"("})");
  });
}

Result<void> Seeder::add(store::WriteBody body) {
  bodies_.push_back(std::move(body));
  if (bodies_.size() < kGroup) return {};
  return commit();
}

Result<void> Seeder::commit() {
  std::vector<store::WriteItem> items;
  std::vector<store::WriteItem*> group;
  items.reserve(bodies_.size());
  for (const store::WriteBody& body : bodies_) items.push_back({body, store::WriteKind::state});
  for (store::WriteItem& item : items) group.push_back(&item);
  const core::Revision before = head_.revision;
  head_ = writer_.write(group, head_);
  for (const store::WriteItem& item : items) LK_CHECK(*item.outcome);
  report_.events += head_.revision.number - before.number;
  bodies_.clear();
  return {};
}

Result<SeedReport> Seeder::run(const store::LogHead& head, const Progress& on_progress,
                               const Sample& on_sample) {
  head_ = head;
  clock_.set(dependencies_.begin);
  make_scopes();
  LK_CHECK(add_organizations());
  LK_CHECK(add_people());
  LK_CHECK(commit());
  const int64_t span = (dependencies_.now - dependencies_.begin).count();
  for (uint64_t number = 0; number < size_.tokens; ++number) {
    while (!pending_.empty() && pending_.front().due <= number) {
      Pending due = std::move(pending_.front());
      pending_.pop_front();
      LK_CHECK(change_token(std::move(due)));
    }
    const auto passed =
        static_cast<int64_t>(static_cast<double>(span) * static_cast<double>(number) /
                             static_cast<double>(size_.tokens));
    clock_.set(dependencies_.begin + Milliseconds(passed));
    LK_CHECK(add_token(number, on_sample));
    if (number % kGroup == 0) on_progress(number, size_.tokens);
  }
  clock_.set(dependencies_.now);
  for (; !pending_.empty(); pending_.pop_front()) LK_CHECK(change_token(pending_.front()));
  LK_CHECK(commit());
  report_.made.tokens = size_.tokens;
  report_.made.people = size_.people;
  report_.made.organizations = size_.organizations;
  return report_;
}

}  // namespace latchkey::app
