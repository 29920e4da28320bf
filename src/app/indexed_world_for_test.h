// A world whose tokens are checked by an index that is fed from its store, as in a running server.
//
// For tests of what feeds an index. Thread safety: one thread.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "app/store_feed.h"
#include "service/organizations.h"
#include "service/tokens.h"
#include "service/world_for_test.h"
#include "verify/verifier.h"

namespace latchkey::app {

struct IndexedWorld {
  using World = service::World;

  // An index that knows nothing yet, and its feed.
  void make_index(const core::ScopeCatalog& scopes) {
    feed = std::make_unique<StoreFeed>(
        StoreFeedDependencies{world.store(), scopes, *log, world.clock});
    verifier = std::make_unique<verify::Verifier>(world.digest_keys, world.provider, world.clock,
                                                  verify::VerifierOptions());
  }
  void follow() { World::check(verifier->follow_once(*feed, Milliseconds(0))); }

  service::IssuedToken make_token(const std::string& scope = "vso.project") {
    const core::CreateToken request{
        .display_name = "build", .scope = scope, .valid_to = std::nullopt};
    return std::move(World::must(tokens.create(owner, organization, request)).value);
  }
  // "granted", or the name of the refusal.
  std::string outcome(const SecretText& text, const std::string& scope = "vso.project") {
    core::ScopeSet needed;
    needed.add(world.catalog.find(scope)->number);
    const auto checked = verifier->check(text.reveal(RevealSecret{}), organization,
                                         verify::ScopeRequirement({needed}),
                                         {world.clock.now(), world.clock.ticks()});
    return checked ? "granted" : std::string(error_name(checked.error().code));
  }
  // Changes the database as somebody does who can write its file and has no key.
  void tamper(const std::string& sql) {
    World::check(world.store().write_aside([&](store::WriteTx& tx) -> Result<void> {
      LK_CHECK(tx.connection().run(sql));
      return {};
    }));
  }

  World world;
  const std::unique_ptr<Log> log = make_null_log();
  const core::OrganizationId organization = world.add_organization("Fabrikam");
  const service::Actor owner = world.member(organization, "ada", core::Role::owner);
  service::Tokens tokens{world.dependencies()};
  service::Organizations organizations{world.dependencies()};
  std::unique_ptr<StoreFeed> feed;
  std::unique_ptr<verify::Verifier> verifier;
};

}  // namespace latchkey::app
