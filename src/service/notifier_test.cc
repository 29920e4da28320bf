#include "service/notifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/tokens.h"
#include "service/world_for_test.h"
#include "store/event_rows.h"

namespace latchkey::service {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Takes mails, or refuses as many as it is told to.
class FakeMailer final : public Mailer {
 public:
  Result<void> send(const Mail& mail) override {
    tried.push_back(mail);
    if (meanwhile) meanwhile();
    if (refusals-- > 0) return Error(refusal, "450 Try again later");
    return {};
  }
  std::vector<Mail> tried;
  std::function<void()> meanwhile;
  int refusals = 0;
  ErrorCode refusal = ErrorCode::mail_refused;
};

class NotifierTest : public ::testing::Test {
 protected:
  core::TokenId add_token(const Actor& owner, const std::string& name) {
    core::CreateToken request;
    request.display_name = name;
    request.scope = "vso.code vso.project";
    auto created = tokens_.create(owner, organization_, request);
    LK_ASSERT(created);
    text_ = std::move(created->value.text);
    return created->value.token.id;
  }
  bool step(Notifier& notifier) { return World::must(notifier.step(Milliseconds(0))); }
  void drain(Notifier& notifier) {
    while (step(notifier)) {
    }
  }
  std::vector<store::MailRow> outbox(const Actor& actor) {
    return World::must(notifier_.outbox(actor));
  }

  World world_;
  Tokens tokens_{world_.dependencies()};
  FakeMailer mailer_;
  NotifierOptions options_{.public_url = "https://tokens.example/latchkey"};
  Notifier notifier_{world_.dependencies(), options_, &mailer_};
  core::OrganizationId organization_ = world_.add_organization("fabrikam");
  Actor ada_ = world_.member(organization_, "ada", core::Role::member);
  Actor bob_ = world_.member(organization_, "bob", core::Role::administrator);
  SecretText text_;
};

TEST_F(NotifierTest, TellsOfANewTokenAllThatItsOwnerNeeds) {
  add_token(ada_, "night build");
  drain(notifier_);
  ASSERT_EQ(mailer_.tried.size(), 1u);
  const Mail& mail = mailer_.tried[0];
  EXPECT_EQ(mail.recipient, "ada@example.org");
  EXPECT_EQ(mail.subject, "Personal access token \"night build\" was added");
  EXPECT_THAT(mail.message_id, HasSubstr("@tokens.example"));
  EXPECT_EQ(mail.date, (Instant{1'772'366'400'000}));
  EXPECT_THAT(
      mail.body,
      AllOf(HasSubstr("Hello ada,"), HasSubstr("the organization \"fabrikam\""),
            HasSubstr("Name:      night build\n"), HasSubstr("(vso.code)\n"),
            HasSubstr("(vso.project)\n"), HasSubstr("Expires:   2026-03-31 12:00:00 UTC"),
            HasSubstr("When:      2026-03-01 12:00:00 UTC"), HasSubstr("From:      192.0.2.1\n")));
  EXPECT_THAT(mail.body,
              HasSubstr("\n     https://tokens.example/latchkey/fabrikam/_usersSettings/tokens\n"));
  EXPECT_THAT(mail.body, Not(HasSubstr(std::string(text_.reveal(RevealSecret{})))));
  EXPECT_TRUE(outbox(ada_)[0].sent_at);
  EXPECT_TRUE(outbox(bob_).empty());
}

TEST_F(NotifierTest, TellsOfRegenerationAndOfRevocationByOthersOnly) {
  const auto first = add_token(ada_, "first");
  const auto second = add_token(ada_, "second");
  ASSERT_TRUE(tokens_.regenerate(ada_, organization_, first, std::nullopt));
  ASSERT_TRUE(tokens_.revoke(ada_, organization_, first));
  ASSERT_TRUE(tokens_.revoke_as_administrator(bob_, organization_, second));
  drain(notifier_);
  ASSERT_EQ(mailer_.tried.size(), 4u);
  EXPECT_EQ(mailer_.tried[2].subject, "Personal access token \"first\" got a new secret");
  EXPECT_EQ(mailer_.tried[3].subject, "Personal access token \"second\" was revoked");
  EXPECT_THAT(mailer_.tried[3].body, HasSubstr("was revoked by bob."));
  EXPECT_EQ(mailer_.tried[3].recipient, "ada@example.org");
}

TEST_F(NotifierTest, TellsTheOwnerWhenSomebodyHadTheText) {
  add_token(ada_, "leaked");
  ASSERT_TRUE(World::must(tokens_.revoke_by_holder(text_, {"198.51.100.7", "", ""})));
  drain(notifier_);
  ASSERT_EQ(mailer_.tried.size(), 2u);
  EXPECT_EQ(mailer_.tried[1].recipient, "ada@example.org");
  EXPECT_EQ(mailer_.tried[1].subject, "Personal access token \"leaked\" was revoked");
  EXPECT_THAT(mailer_.tried[1].body,
              AllOf(HasSubstr("was revoked by somebody who presented the token itself.\n"),
                    HasSubstr("From:      198.51.100.7\n")));
}

TEST_F(NotifierTest, NamesAreThoseOfTheMomentAndAnErasedContextIsNoHindrance) {
  const auto id = add_token(ada_, "old name");
  const auto created = world_.events_after({0}).back().revision;
  core::UpdateToken update;
  update.display_name = "new name";
  ASSERT_TRUE(tokens_.update(ada_, organization_, id, update));
  Notifier readable(world_.dependencies(), options_, nullptr);
  add_token(ada_, "erased");
  const auto erased = world_.events_after({0}).back().revision;
  ASSERT_GT(erased, created);
  World::check(world_.store().write_aside(
      [&](store::WriteTx& tx) { return store::erase_event_context(tx, erased); }));
  drain(readable);
  const auto mails = outbox(ada_);
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_THAT(mails[1].subject, HasSubstr("\"old name\""));
  EXPECT_THAT(mails[0].subject, HasSubstr("\"erased\""));
  EXPECT_THAT(mails[0].body, HasSubstr("From:      not recorded\n"));
}

TEST_F(NotifierTest, WithoutAMailerTheMailWaitsWhereItsPersonReadsIt) {
  Notifier silent(world_.dependencies(), options_, nullptr);
  add_token(ada_, "build");
  drain(silent);
  ASSERT_EQ(outbox(ada_).size(), 1u);
  EXPECT_FALSE(outbox(ada_)[0].sent_at);
  EXPECT_EQ(outbox(ada_)[0].attempts, 0);
  drain(notifier_);
  EXPECT_EQ(mailer_.tried.size(), 1u);
  EXPECT_EQ(notifier_.outbox(ActorForTests::console()).error().code,
            ErrorCode::credential_kind_refused);
}

TEST_F(NotifierTest, ARefusedMailIsTriedLaterAndLaterUnderTheSameId) {
  mailer_.refusals = 3;
  add_token(ada_, "build");
  drain(notifier_);
  EXPECT_EQ(mailer_.tried.size(), 1u);
  EXPECT_EQ(outbox(ada_)[0].last_error, "450 Try again later");
  for (const int minutes : {1, 2, 4}) {
    const size_t before = mailer_.tried.size();
    world_.clock.advance(std::chrono::minutes(minutes) - Milliseconds(1));
    drain(notifier_);
    EXPECT_EQ(mailer_.tried.size(), before) << minutes;
    world_.clock.advance(Milliseconds(1));
    drain(notifier_);
    EXPECT_EQ(mailer_.tried.size(), before + 1) << minutes;
  }
  EXPECT_TRUE(outbox(ada_)[0].sent_at);
  EXPECT_EQ(outbox(ada_)[0].last_error, "");
  for (const Mail& mail : mailer_.tried) {
    EXPECT_EQ(mail.message_id, mailer_.tried[0].message_id);
  }
}

// Another node looks for mails while one is being sent.
TEST_F(NotifierTest, OfSeveralNodesOneSendsAMail) {
  FakeMailer others;
  Notifier other(world_.dependencies(), options_, &others);
  mailer_.meanwhile = [&] { (void)step(other); };
  add_token(ada_, "night build");
  drain(notifier_);
  drain(other);
  EXPECT_EQ(mailer_.tried.size() + others.tried.size(), 1u);
  // One that ended with the mail in its hands leaves it to the others.
  add_token(ada_, "another");
  mailer_.meanwhile = [&] { world_.fault().arm(1, 1'000'000); };
  EXPECT_FALSE(notifier_.step(Milliseconds(0)).has_value());
  world_.fault().disarm();
  drain(other);
  EXPECT_EQ(others.tried.size(), 0u);
  world_.clock.advance(std::chrono::minutes(2));
  drain(other);
  EXPECT_EQ(others.tried.size(), 1u);
}

TEST_F(NotifierTest, WaitsAreCappedAndAttemptsEnd) {
  mailer_.refusals = 1000;
  add_token(ada_, "build");
  drain(notifier_);
  for (int i = 0; i < 50; ++i) {
    world_.clock.advance(options_.last_retry);
    drain(notifier_);
  }
  EXPECT_EQ(mailer_.tried.size(), static_cast<size_t>(options_.attempts_max));
}

TEST_F(NotifierTest, ASilentServerIsAskedOnceARound) {
  mailer_.refusals = 1000;
  mailer_.refusal = ErrorCode::timed_out;
  for (int i = 0; i < 5; ++i) add_token(ada_, "build");
  EXPECT_TRUE(step(notifier_));
  EXPECT_EQ(mailer_.tried.size(), 1u);
}

// Whichever statement fails, and wherever the process stops: one mail in the outbox, sent at least
// once, and always under one message id.
TEST_F(NotifierTest, AFailureAtAnyStatementLosesNoMailAndWritesNoneTwice) {
  for (int failing = 1; failing < 60; ++failing) {
    const size_t rows = outbox(ada_).size();
    add_token(ada_, "build");
    mailer_.tried.clear();
    world_.fault().arm(failing, 1000);
    const auto stepped = notifier_.step(Milliseconds(0));
    world_.fault().disarm();
    world_.clock.advance(std::chrono::minutes(2));  // a mail that it had claimed is free again
    Notifier restarted(world_.dependencies(), options_, &mailer_);
    drain(restarted);
    const auto mails = outbox(ada_);
    ASSERT_EQ(mails.size(), rows + 1) << failing;
    ASSERT_TRUE(mails[0].sent_at) << failing;
    ASSERT_GE(mailer_.tried.size(), 1u) << failing;
    ASSERT_LE(mailer_.tried.size(), 2u) << failing;
    ASSERT_EQ(mailer_.tried[0].message_id, mailer_.tried.back().message_id) << failing;
    if (stepped) return;  // nothing was left to fail
    if (rows > 90) break;
  }
  FAIL() << "the loop never came to a step without a failure";
}

}  // namespace
}  // namespace latchkey::service
