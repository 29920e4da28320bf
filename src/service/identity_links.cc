// One-time links: set-up, invitations, password resets.
#include <algorithm>

#include "service/access.h"
#include "service/identity.h"
#include "service/identity_parts.h"
#include "service/passwords.h"
#include "store/organization_rows.h"

namespace latchkey::service {
namespace {

using identity::SessionSeed;

// Open invitations of one organization.
constexpr size_t kInvitationsMax = 1000;

// A link's secret and id, made before the transaction that may run twice.
struct LinkSeed {
  core::LinkId id;
  SecretText code;
  Digest digest{};
};

Result<LinkSeed> make_link_seed(Entropy& entropy) {
  LK_TRY(const auto id, core::make_id<core::LinkId>(entropy));
  LK_TRY(auto code, identity::make_secret(entropy, identity::kLinkPrefix));
  const auto digest = identity::find_digest(code, identity::kLinkPrefix);
  LK_ASSERT(digest);
  return LinkSeed{.id = id, .code = std::move(code), .digest = *digest};
}

store::LinkRow make_link(const LinkSeed& seed, store::LinkKind kind, Instant now,
                         Milliseconds life) {
  store::LinkRow link;
  link.id = seed.id;
  link.kind = kind;
  link.digest = seed.digest;
  link.created_at = now;
  link.expires_at = now + life;
  return link;
}

// An open invitation and what it leads to.
struct Invitation {
  store::LinkRow link;
  core::Organization organization;
  std::optional<store::PersonRow> person;  // who has the invited address already
};

// Whether who made the invitation `link` could make it now: it ends with their right to (rule I21).
Result<bool> is_backed(store::ReadTx& tx, const store::LinkRow& link) {
  if (!link.person) return true;  // the console
  LK_TRY(const auto inviter, store::find_person(tx, *link.person));
  if (!inviter || inviter->person.state != core::PersonState::active) return false;
  LK_TRY(const auto member, store::find_membership(tx, *link.organization, *link.person));
  return member && core::role_allows(member->role, core::Permission::manage_members) &&
         decide_grant_role(member->role, *link.role).has_value();
}

Result<Invitation> load_invitation(store::ReadTx& tx, const Digest& digest, Instant now) {
  Invitation invitation;
  LK_TRY(invitation.link, identity::require_link(tx, digest, store::LinkKind::invitation, now));
  LK_ASSERT(invitation.link.organization && invitation.link.role);
  LK_TRY(auto organization, store::find_organization(tx, *invitation.link.organization));
  if (!organization || organization->state != core::OrganizationState::active) {
    return identity::link_unknown();
  }
  invitation.organization = *std::move(organization);
  LK_TRY(const bool backed, is_backed(tx, invitation.link));
  if (!backed) return identity::link_unknown();
  LK_TRY(invitation.person,
         store::find_person_by_email(tx, core::email_key(invitation.link.email)));
  return invitation;
}

// The invited person as they will be, or as they are.
struct Joining {
  core::Person person;
  std::string new_password_hash;  // empty for a known person
};

Result<void> insert_joining(store::WriteTx& tx, const Joining& joining,
                            const core::EventContext& context) {
  LK_CHECK(store::insert_person(tx, {.person = joining.person,
                                     .password_hash = joining.new_password_hash,
                                     .password_changed_at = tx.now()}));
  const core::EventDraft draft{.action = core::Action::person_created,
                               .organization = std::nullopt,
                               .actor = joining.person.id,
                               .subjects = {{core::SubjectKind::person, joining.person.id.uuid}}};
  LK_CHECK(tx.append(draft, context));
  return {};
}

Result<void> join(store::WriteTx& tx, const Invitation& invitation, const core::Person& person,
                  const core::EventContext& context) {
  const core::Membership membership{.organization = invitation.organization.id,
                                    .person = person.id,
                                    .role = *invitation.link.role,
                                    .created_at = tx.now()};
  LK_TRY(const auto existing, store::find_membership(tx, membership.organization, person.id));
  if (existing) {
    return Error(ErrorCode::conflict, "You are a member of this organization already.");
  }
  LK_CHECK(store::upsert_membership(tx, membership));
  LK_TRY([[maybe_unused]] const bool used, store::delete_link(tx, invitation.link.id));
  const core::EventDraft draft{
      .action = core::Action::member_added,
      .organization = membership.organization,
      .actor = person.id,
      .subjects = {{core::SubjectKind::membership, person.id.uuid}},
      .data = R"({"role":")" + std::string(core::role_name(membership.role)) + R"("})"};
  LK_CHECK(tx.append(draft, context));
  return {};
}

// Removes older invitations of the same address, so that one is open at most.
Result<void> replace_invitations(store::WriteTx& tx, core::OrganizationId organization,
                                 const std::string& email) {
  LK_TRY(const auto open, store::list_invitations(tx, organization));
  size_t live = 0;
  for (const auto& link : open) {
    const bool replaced = core::email_key(link.email) == core::email_key(email);
    if (replaced || tx.now() >= link.expires_at) {
      LK_TRY([[maybe_unused]] const bool gone, store::delete_link(tx, link.id));
    } else {
      ++live;
    }
  }
  if (live < kInvitationsMax) return {};
  return Error(ErrorCode::conflict, "This organization has too many open invitations.");
}

Result<void> decide_invite(store::ReadTx& tx, const Actor& actor, const store::LinkRow& link) {
  LK_TRY(const auto own, find_role(tx, actor, *link.organization));
  LK_ASSERT(own);
  LK_CHECK(decide_grant_role(*own, *link.role));
  LK_TRY(const auto known, store::find_person_by_email(tx, core::email_key(link.email)));
  if (!known) return {};
  LK_TRY(const auto member, store::find_membership(tx, *link.organization, known->person.id));
  if (!member) return {};
  return Error(ErrorCode::conflict, "This person is a member of the organization already.");
}

}  // namespace

Result<IssuedLink> Identity::issue_setup_link(const RequestOrigin& origin) {
  LK_TRY(LinkSeed seed, make_link_seed(dependencies_.entropy));
  store::LinkRow link;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const uint64_t people, store::count_people(tx));
    if (people != 0) {
      return Error(ErrorCode::conflict, "This installation has been set up already.");
    }
    link = make_link(seed, store::LinkKind::setup, tx.now(), options_.setup_link_life);
    LK_CHECK(store::delete_links(tx, store::LinkKind::setup, std::nullopt));
    LK_CHECK(store::insert_link(tx, link));
    const core::EventDraft draft{.action = core::Action::person_invited,
                                 .organization = std::nullopt,
                                 .actor = std::nullopt,
                                 .subjects = {{core::SubjectKind::link, link.id.uuid}},
                                 .data = R"({"kind":"setup"})"};
    LK_CHECK(tx.append(draft, identity::origin_context(origin, "setup", "{}")));
    return {};
  };
  LK_CHECK(dependencies_.store.write(change));
  return IssuedLink{link, std::move(seed.code)};
}

Result<IssuedLink> Identity::invite(const Actor& actor, core::OrganizationId organization,
                                    const std::string& email, core::Role role) {
  LK_CHECK(identity::refuse_token(actor));
  LK_CHECK(core::check_email(email));
  LK_TRY(LinkSeed seed, make_link_seed(dependencies_.entropy));
  store::LinkRow link;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto found,
           require_permission(tx, actor, organization, core::Permission::manage_members));
    link = make_link(seed, store::LinkKind::invitation, tx.now(), options_.invitation_life);
    link.person = actor.person();
    link.organization = organization;
    link.role = role;
    link.email = email;
    LK_CHECK(decide_invite(tx, actor, link));
    LK_CHECK(replace_invitations(tx, organization, email));
    LK_CHECK(store::insert_link(tx, link));
    const core::EventDraft draft{
        .action = core::Action::person_invited,
        .organization = organization,
        .actor = actor.person(),
        .subjects = {{core::SubjectKind::link, link.id.uuid}},
        .data = R"({"kind":"invitation","role":")" + std::string(core::role_name(role)) + R"("})"};
    LK_CHECK(tx.append(draft, actor.event_context(identity::names_json(
                                  {{"Email", email}, {"OrganizationName", found.name}}))));
    return {};
  };
  LK_CHECK(dependencies_.store.write(change));
  return IssuedLink{link, std::move(seed.code)};
}

Result<std::vector<store::LinkRow>> Identity::invitations(const Actor& actor,
                                                          core::OrganizationId organization) {
  const Instant now = dependencies_.clock.now();
  std::vector<store::LinkRow> open;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    open.clear();
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::manage_members));
    LK_TRY(auto links, store::list_invitations(tx, organization));
    for (store::LinkRow& link : links) {
      if (now >= link.expires_at) continue;
      LK_TRY(const bool backed, is_backed(tx, link));
      if (backed) open.push_back(std::move(link));
    }
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  return open;
}

Result<void> Identity::withdraw_invitation(const Actor& actor, core::OrganizationId organization,
                                           core::LinkId id) {
  LK_CHECK(identity::refuse_token(actor));
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_permission(tx, actor, organization, core::Permission::manage_members));
    LK_TRY(const auto open, store::list_invitations(tx, organization));
    const bool is_here = std::any_of(open.begin(), open.end(),
                                     [&](const store::LinkRow& link) { return link.id == id; });
    if (!is_here) {
      return Error(ErrorCode::link_unknown, "This organization has no such invitation.");
    }
    LK_TRY([[maybe_unused]] const bool gone, store::delete_link(tx, id));
    const core::EventDraft draft{.action = core::Action::person_invited,
                                 .organization = organization,
                                 .actor = actor.person(),
                                 .subjects = {{core::SubjectKind::link, id.uuid}},
                                 .data = R"({"kind":"invitation","withdrawn":true})"};
    LK_CHECK(tx.append(draft, actor.event_context("{}")));
    return {};
  };
  LK_CHECK(dependencies_.store.write(change));
  return {};
}

Result<Changed<IssuedSession>> Identity::accept_invitation(const Acceptance& request,
                                                           const RequestOrigin& origin) {
  LK_CHECK(per_address_.take(identity::source_key(origin.address)));
  const auto digest = identity::find_digest(request.code, identity::kLinkPrefix);
  if (!digest) return identity::link_unknown();
  Invitation before;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(before, load_invitation(tx, *digest, dependencies_.clock.now()));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));

  Joining joining;
  if (before.person) {
    const std::string bucket = "accept " + core::format_id(before.person->person.id);
    LK_CHECK(per_account_.take(bucket));
    const bool right = verify_password(before.person->password_hash, request.password);
    if (!right || before.person->person.state != core::PersonState::active) {
      return identity::sign_in_refused();
    }
    per_account_.forgive(bucket);
    joining.person = before.person->person;
  } else {
    LK_CHECK(core::check_display_name(request.display_name));
    LK_CHECK(core::check_password(request.password, before.link.email));
    LK_TRY(joining.person.id, core::make_id<core::PersonId>(dependencies_.entropy));
    LK_TRY(joining.new_password_hash, hash_password(request.password));
    joining.person.email = before.link.email;
    joining.person.display_name = request.display_name;
  }
  LK_TRY(SessionSeed seed, identity::make_session_seed(dependencies_.entropy));

  store::SessionRow session;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(const auto now, load_invitation(tx, *digest, tx.now()));
    const bool same = before.person.has_value() == now.person.has_value() &&
                      (!now.person || (now.person->person.id == joining.person.id &&
                                       now.person->password_hash == before.person->password_hash &&
                                       now.person->person.state == core::PersonState::active));
    if (!same) return Error(ErrorCode::conflict, "This account has just changed. Try again.");
    const auto context =
        identity::origin_context(origin, "link", identity::person_names(joining.person));
    if (!now.person) {
      joining.person.created_at = tx.now();
      LK_CHECK(insert_joining(tx, joining, context));
    }
    LK_CHECK(join(tx, now, joining.person, context));
    joining.person.last_sign_in_at = tx.now();
    LK_TRY(session, identity::start_session(
                        tx, {joining.person, seed, origin, "link", options_.session_absolute_max}));
    return {};
  };
  LK_TRY(const auto committed, dependencies_.store.write(change));
  return Changed<IssuedSession>{{session, joining.person, std::move(seed.text)},
                                committed.revision};
}

Result<Identity::LinkInfo> Identity::inspect_link(const SecretText& code,
                                                  const RequestOrigin& origin) {
  LK_CHECK(per_address_.take(identity::source_key(origin.address)));
  const auto digest = identity::find_digest(code, identity::kLinkPrefix);
  if (!digest) return identity::link_unknown();
  const Instant now = dependencies_.clock.now();
  LinkInfo info;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(const auto link, store::find_link_by_digest(tx, *digest));
    if (!link || now >= link->expires_at) return identity::link_unknown();
    info = LinkInfo{.kind = link->kind,
                    .email = link->email,
                    .organization = "",
                    .expires_at = link->expires_at};
    switch (link->kind) {
      case store::LinkKind::setup: return {};
      case store::LinkKind::invitation: {
        LK_TRY(const auto invitation, load_invitation(tx, *digest, now));
        info.organization = invitation.organization.name;
        info.person_exists = invitation.person.has_value();
        return {};
      }
      case store::LinkKind::password_reset: {
        LK_ASSERT(link->person);
        LK_TRY(const auto row, store::find_person(tx, *link->person));
        if (!row) return identity::link_unknown();
        info.email = row->person.email;
        info.person_exists = true;
        return {};
      }
    }
    return identity::link_unknown();
  };
  LK_CHECK(dependencies_.store.read(load));
  return info;
}

Result<IssuedLink> Identity::issue_reset_link(const Actor& actor, core::PersonId person) {
  LK_TRY(LinkSeed seed, make_link_seed(dependencies_.entropy));
  store::LinkRow link;
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_CHECK(require_operator(tx, actor));
    LK_TRY(const auto row, store::find_person(tx, person));
    if (!row) return Error(ErrorCode::person_unknown, "There is no such person.");
    link = make_link(seed, store::LinkKind::password_reset, tx.now(), options_.reset_link_life);
    link.person = person;
    LK_CHECK(store::delete_links(tx, store::LinkKind::password_reset, person));
    LK_CHECK(store::insert_link(tx, link));
    const core::EventDraft draft{.action = core::Action::person_password_reset_asked,
                                 .organization = std::nullopt,
                                 .actor = actor.person(),
                                 .subjects = {{core::SubjectKind::person, person.uuid},
                                              {core::SubjectKind::link, link.id.uuid}}};
    LK_CHECK(tx.append(draft, actor.event_context(identity::person_names(row->person))));
    return {};
  };
  LK_CHECK(dependencies_.store.write(change));
  return IssuedLink{link, std::move(seed.code)};
}

Result<void> Identity::reset_password(const SecretText& code, const SecretText& new_password,
                                      const RequestOrigin& origin) {
  LK_CHECK(per_address_.take(identity::source_key(origin.address)));
  const auto digest = identity::find_digest(code, identity::kLinkPrefix);
  if (!digest) return identity::link_unknown();
  const auto find_row = [&](store::ReadTx& tx, Instant now) -> Result<store::PersonRow> {
    LK_TRY(const auto link,
           identity::require_link(tx, *digest, store::LinkKind::password_reset, now));
    LK_ASSERT(link.person);
    LK_TRY(auto row, store::find_person(tx, *link.person));
    if (!row) return identity::link_unknown();
    return *std::move(row);
  };
  store::PersonRow person;
  const auto load = [&](store::ReadTx& tx) -> Result<void> {
    LK_TRY(person, find_row(tx, dependencies_.clock.now()));
    return {};
  };
  LK_CHECK(dependencies_.store.read(load));
  LK_CHECK(core::check_password(new_password, person.person.email));
  LK_TRY(const std::string hash, hash_password(new_password));
  const auto change = [&](store::WriteTx& tx) -> Result<void> {
    LK_TRY(auto row, find_row(tx, tx.now()));
    row.password_hash = hash;
    row.password_changed_at = tx.now();
    LK_CHECK(store::update_person(tx, row));
    const auto context =
        identity::origin_context(origin, "link", identity::person_names(row.person));
    const core::EventDraft draft{.action = core::Action::person_password_changed,
                                 .organization = std::nullopt,
                                 .actor = row.person.id,
                                 .subjects = {{core::SubjectKind::person, row.person.id.uuid}}};
    LK_CHECK(tx.append(draft, context));
    return identity::end_all_sessions(tx, row.person.id, row.person.id, context);
  };
  LK_CHECK(dependencies_.store.write(change));
  per_account_.forgive(
      identity::account_key(dependencies_.digest_keys, core::email_key(person.person.email)));
  return {};
}

}  // namespace latchkey::service
