// A gate with a few tokens, people and APIs. For tests.
//
// contoso has ada, whose tokens have the scope that their name says; fabrikam has ben. Thread
// safety: one thread.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/digest_keys.h"
#include "core/token_text.h"
#include "gate/gate.h"
#include "gate/request_for_test.h"
#include "verify/feed_for_test.h"

namespace latchkey::gate {

class UsageForTest final : public UsageSink {
 public:
  void note(const Use& use) noexcept override {
    tokens.push_back(use.token);
    was_allowed.push_back(use.allowed);
  }
  std::vector<core::TokenId> tokens;
  std::vector<bool> was_allowed;
};

class GateFixture : public testing::Test {
 protected:
  static constexpr Instant kStart{1'780'000'000'000};

  static core::DigestKeys make_keys() {
    std::array<uint8_t, 32> bytes;
    bytes.fill(1);
    return core::DigestKeys({{core::DigestKeyId{{'A', 'A'}}, Hmac(SecretKey(bytes))}},
                            core::DigestKeyId{{'A', 'A'}});
  }

  const core::OrganizationId contoso_ = verify::id_for_test<core::OrganizationId>(1);
  const core::OrganizationId fabrikam_ = verify::id_for_test<core::OrganizationId>(2);
  const core::PersonId ada_ = verify::id_for_test<core::PersonId>(11);
  const core::PersonId ben_ = verify::id_for_test<core::PersonId>(12);
  const core::ScopeCatalog catalog_ = core::ScopeCatalog::built_in();
  const core::ProviderSignature provider_ = core::ProviderSignature::standard();
  const core::DigestKeys keys_ = make_keys();
  FakeClock clock_{kStart};
  SeededEntropy entropy_{7};
  verify::FeedForTest feed_;
  verify::Verifier verifier_{keys_, provider_, clock_, verify::VerifierOptions{}};
  UsageForTest usage_;
  Gate gate_{{verifier_, catalog_, usage_, clock_}, {}};
  int tokens_made_ = 0;

  std::string read_, write_, full_, foreign_, expired_, revoked_;

  std::string make_token(core::OrganizationId organization, core::PersonId owner,
                         std::string_view scope, core::TokenState state = core::TokenState::live,
                         Milliseconds lifetime = std::chrono::hours(1)) {
    const auto text = core::generate_token(provider_, {{'A', 'A'}}, clock_.now(), entropy_);
    std::string shown(text->reveal(RevealSecret{}));
    const auto parts = core::parse_token(provider_, shown);
    feed_.add(verify::TokenItem{verify::id_for_test<core::TokenId>(100 + ++tokens_made_),
                                organization, owner, *keys_.digest_of(parts->key_id, shown),
                                catalog_.parse_requested(scope)->closure, clock_.now() + lifetime,
                                state});
    return shown;
  }

  void SetUp() override {
    feed_.add(verify::MembershipItem{contoso_, ada_, true, core::ScopeSet::all()});
    feed_.add(verify::MembershipItem{fabrikam_, ben_, true, core::ScopeSet::all()});
    feed_.add(verify::OrganizationItem{contoso_, "contoso", true});
    feed_.add(verify::OrganizationItem{fabrikam_, "fabrikam", true});
    read_ = make_token(contoso_, ada_, "vso.code");
    write_ = make_token(contoso_, ada_, "vso.code_write");
    full_ = make_token(contoso_, ada_, "app_token");
    foreign_ = make_token(fabrikam_, ben_, "vso.code_write");
    expired_ =
        make_token(contoso_, ada_, "vso.code_write", core::TokenState::live, Milliseconds(-1));
    revoked_ = make_token(contoso_, ada_, "vso.code_write", core::TokenState::revoked);
    ASSERT_TRUE(verifier_.load(feed_));
  }

  void publish(std::vector<ApiSettings> apis) {
    auto table = ApiTable::build(catalog_, std::move(apis));
    ASSERT_TRUE(table) << table.error().message;
    gate_.publish(*std::move(table));
  }

  // An API on every host with these rules, of contoso.
  static ApiSettings api_of(std::vector<RouteRule> rules) {
    ApiSettings api;
    api.name = "things";
    api.organization = {OrganizationSource::fixed, "contoso"};
    api.rules = std::move(rules);
    return api;
  }
  static RouteRule rule(std::string method, std::string path, std::vector<std::string> scopes) {
    return {
        "", {std::move(method)}, "", std::move(path), "", std::move(scopes), RuleAccess::scopes};
  }

  // What becomes of a request: "allowed", "answered" or the error's name.
  std::string decide(const std::string& target_text, const std::string& token,
                     std::vector<http::Header> headers = {},
                     const std::string& host = "api.example.com") {
    const size_t space = target_text.find(' ');
    std::string target = target_text.substr(space + 1), query;
    if (const size_t mark = target.find('?'); mark != target.npos) {
      query = target.substr(mark + 1);
      target.resize(mark);
    }
    const std::string authorization = "Bearer " + token;
    if (!token.empty()) headers.push_back({"Authorization", authorization});
    const TestRequest request(target_text.substr(0, space), target, query, headers);
    last_ = gate_.decide(request, host);
    if (last_.is_allowed()) return "allowed";
    return last_.answer ? "answered" : std::string(refusal_name_of(last_.refusal->code));
  }
  static std::string_view refusal_name_of(ErrorCode code) { return error_name(code); }

  Decision last_;
};

}  // namespace latchkey::gate
