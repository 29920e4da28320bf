"""The ways in which tools/mutate.py breaks the code: each must make a test fail.

A mutant is one small change that a hasty hand could make. `before` stands exactly once in its file
(the test `mutants_match` asks for that), so that a mutant does not rot when the code moves on.
"""
from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str  # below src/
    before: str
    after: str
    harm: str  # what the broken code would let happen


CORE_AND_VERIFY = [
    # src/core: what is granted, and for how long
    Mutant("create_in_the_past", "core/lifecycle.cc", "if (valid_to <= now) return invalid",
           "if (valid_to < now) return invalid", "a token is made that ends as it begins"),
    Mutant("latest_expiry_refused", "core/lifecycle.cc", "if (valid_to > latest) {",
           "if (valid_to >= latest) {", "the longest lifetime is refused"),
    Mutant("name_one_too_long", "core/lifecycle.cc", "count_code_points(name) > kTokenNameMax",
           "count_code_points(name) > kTokenNameMax + 1", "a name of 257 characters is kept"),
    Mutant("leap_day_spills_over", "core/lifecycle.cc",
           "day.year() / day.month() / std::chrono::last",
           "day.year() / (day.month() + std::chrono::months(1)) / 1",
           "a token made on 29 February lives a day too long"),
    Mutant("end_of_day_late", "core/lifecycle.cc", "  return end_of_day(day);",
           "  return {end_of_day(day).ms + 1};", "the longest lifetime reaches into the next day"),
    Mutant("thirty_one_days", "core/lifecycle.cc", "kDefaultDays = 30;", "kDefaultDays = 31;",
           "a token without an end lives longer than was said"),
    Mutant("expired_too_late", "core/lifecycle.cc", "now >= token.valid_to ? ",
           "now > token.valid_to ? ", "a token counts as active at the moment of its end"),
    Mutant("all_organizations", "core/lifecycle.cc",
           "  LK_CHECK(check_all_organizations(request.all_organizations));\n  token.scope",
           "  token.scope", "a token for all organizations is made"),
    Mutant("revoked_regenerated", "core/lifecycle.cc",
           "  LK_CHECK(check_changeable(token, now));\n  Token changed = token;\n  if (valid_to) {",
           "  Token changed = token;\n  if (valid_to) {", "a revoked token gets a new text"),
    Mutant("implication_dropped", "core/scope_catalog.cc",
           "      scope.closure |= scopes_[found->second].closure;\n", "",
           "a scope no longer brings what it implies"),
    Mutant("grantable_ignored", "core/scope_catalog.cc", "if (!scope.grantable) {",
           "if (!scope.grantable && scope.shown) {", "a token gets a scope that none may have"),
    Mutant("full_access_mixed", "core/scope_catalog.cc", "requested.full_access && position > 1",
           "requested.full_access && position > 2", "full access hides beside a small scope"),
    Mutant("reader_reads_secrets", "core/role.cc",
           'scope.level == "Read" && !scope.high_privilege', 'scope.level == "Read"',
           "a reader's token has scopes of high privilege"),
    Mutant("member_administers_tokens", "core/role.cc", '"vso.tokenadministration",', '"",',
           "a member's token administers tokens"),
    Mutant("member_manages_members", "core/role.cc",
           "    case Permission::manage_projects:\n    case Permission::manage_members:\n",
           "    case Permission::manage_members: return role >= Role::member;\n"
           "    case Permission::manage_projects:\n", "a member changes roles"),
    Mutant("mac_without_expiry", "core/token.cc", "  canonical.add(token.valid_to);\n", "",
           "whoever writes the database makes a token live longer"),
    Mutant("chain_without_link", "core/event.cc", "  canonical.bytes(event.previous_hash);\n", "",
           "an event can be taken out of the log"),
    Mutant("checksum_in_part", "core/token_text.cc",
           "text.substr(kChecksumOffset) != std::string_view(checksum.data(), checksum.size())",
           "text.substr(kChecksumOffset, 3) != std::string_view(checksum.data(), 3)",
           "a mistyped token costs a search"),
    # src/verify: what a check says
    Mutant("check_at_expiry", "verify/verifier.cc",
           "state.not_before_seen(moment.now) >= entry->valid_to",
           "state.not_before_seen(moment.now) > entry->valid_to",
           "a token works at the moment of its end"),
    Mutant("clock_put_back", "verify/verifier.cc", "return is_back ? latest : now;",
           "return is_back ? now : now;", "a clock that is put back revives expired tokens"),
    Mutant("staleness_at_limit", "verify/verifier.cc",
           "ticks - Ticks{confirmed} > options.staleness_max",
           "ticks - Ticks{confirmed} >= options.staleness_max",
           "checks fail although the index is as current as was asked for"),
    Mutant("age_from_the_answer", "verify/verifier.cc", "confirmed_ticks_ms.store(sent.ms,",
           "confirmed_ticks_ms.store(std::max(sent, clock.ticks()).ms,",
           "a slow poll makes an old index look new"),
    Mutant("revoked_state_ignored", "verify/verifier.cc", "if (entry->state != EntryState::live)",
           "if (entry->state == EntryState::retired)", "a revoked token is not called revoked"),
    Mutant("inactive_member", "verify/verifier.cc",
           "  if (!membership.active) return Error(ErrorCode::token_owner_disabled);\n", "",
           "the tokens of a disabled person work"),
    Mutant("wrong_organization", "verify/verifier.cc",
           "if (organization && *organization != membership.organization) {",
           "if (organization && *organization == core::OrganizationId()) {",
           "a token of one organization opens another"),
    Mutant("role_mask_ignored", "verify/verifier.cc",
           "index.scopes_of(*entry) & *membership.mask", "index.scopes_of(*entry)",
           "a token can do what its owner's role cannot"),
    Mutant("feed_goes_back", "verify/verifier.cc", "reached->revision < after.revision",
           "reached->revision < core::Revision{0}", "an older database passes for the present one"),
    Mutant("growth_loses_a_bucket", "verify/token_table.cc",
           "for (uint64_t b = 0; b < shard.owned->count; ++b) {",
           "for (uint64_t b = 1; b < shard.owned->count; ++b) {",
           "tokens are forgotten when the index grows"),
    Mutant("overflow_not_searched", "verify/token_table.cc",
           "if ((load_acquire(bucket->flags) & kOverflowed) == 0) return {};",
           "return {};",
           "tokens are not found when a bucket is full"),
    # src/verify: what a gate hears
    Mutant("part_taken_for_all", "verify/http_feed.cc", "if (!message.more) return position;",
           "return position;", "a gate lets a revoked token through that stood in the rest"),
    Mutant("keys_after_items", "verify/http_feed.cc",
           "    if (message.keys) take_keys(*message.keys);\n"
           "    for (const FeedItem& item : message.items) sink(item);\n    position",
           "    for (const FeedItem& item : message.items) sink(item);\n"
           "    if (message.keys) take_keys(*message.keys);\n    position",
           "tokens of a new key are refused"),
    Mutant("message_goes_on", "verify/feed_message.cc",
           'if (!in_.at_end()) return broken("goes on after its end");', "",
           "two readers take one message for two"),
    Mutant("any_http_server", "verify/server_connection.cc", "return host == \"localhost\" ||",
           "return !host.empty() ||", "digest keys go over a network in the clear"),
    Mutant("credential_of_all", "verify/server_connection.cc", "(facts.st_mode & 077) != 0",
           "(facts.st_mode & 007) != 0", "a group reads the credential of a gate"),
    Mutant("no_grace_for_readers", "verify/read_protection.cc", "round < 2", "round < 0",
           "memory is freed while a check reads it"),
]

# What stands around them; each of these must fail a test too.
AROUND = [
    Mutant("row_mac_skipped", "store/row_mac.cc",
           "first_ = name();\n  return false;", "first_ = name();\n  return true;",
           "a changed row counts as ours"),
    Mutant("role_outside_the_mac", "store/row_mac.cc",
           "  canonical.add(number_of(membership.role));\n", "",
           "whoever writes the database makes themselves an owner"),
    Mutant("chain_not_walked", "store/audit.cc", "if (event.previous_hash != last_.hash) {",
           "if (event.previous_hash.size() != last_.hash.size()) {",
           "the audit passes over an event that was put in"),
    Mutant("row_put_back", "store/audit.cc", "if (row->revision < revision) return violated",
           "if (row->revision == core::Revision{0}) return violated",
           "the audit passes over a token row of an earlier day"),
    Mutant("organizations_outside_the_mac", "store/row_mac.cc",
           "  canonical.add(std::span<const uint8_t>(organizations));\n", "",
           "whoever writes the database lets a client hear of all organizations"),
    Mutant("second_credential", "gate/credential.cc", "    if (value) {\n",
           "    if (value && value->empty()) {\n", "two readers take two credentials"),
    Mutant("encoded_slash", "gate/path.cc", '"%2f")) return true;', '"%2f%")) return true;',
           "two readers see two paths"),
]
