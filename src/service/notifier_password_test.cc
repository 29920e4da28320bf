// Mails about a password: a thief who has changed it cannot keep that from its owner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "service/identity_for_test.h"
#include "service/notifier.h"
#include "service/restoration.h"

namespace latchkey::service {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kNewPassword = "another battery staple";

class PasswordNoticeTest : public IdentityTest {
 protected:
  std::vector<store::MailRow> mails(core::PersonId person) {
    while (must(notifier_.step(Milliseconds(0)))) {
    }
    return must(notifier_.outbox(ActorForTests::session(person)));
  }
  Notifier notifier_{world_.dependencies(), {.public_url = "https://tokens.example"}, nullptr};
  core::PersonId ada_ = add_person("ada");
  core::PersonId operator_ = add_person("oscar", true);
};

TEST_F(PasswordNoticeTest, TellsOfAChange) {
  const Actor ada = signed_in("ada");
  World::check(identity_.change_password(ada, SecretText(kPassword), SecretText(kNewPassword)));
  const auto told = mails(ada_);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].recipient, "ada@example.org");
  EXPECT_EQ(told[0].subject, "Your password was changed");
  EXPECT_THAT(told[0].body, AllOf(HasSubstr("Hello ada,"), HasSubstr("who knew the old one"),
                                  HasSubstr("From:      192.0.2.1\n"),
                                  HasSubstr("When:      2026-03-01 12:00:00 UTC\n"),
                                  HasSubstr("https://tokens.example/\n")));
  EXPECT_THAT(told[0].body, Not(HasSubstr(std::string(kNewPassword))));
  EXPECT_THAT(mails(operator_), IsEmpty());
}

TEST_F(PasswordNoticeTest, TellsOfALinkAndOfItsUse) {
  const auto link = must(identity_.issue_reset_link(ActorForTests::session(operator_), ada_));
  World::check(identity_.reset_password(link.code, SecretText(kNewPassword), from("192.0.2.66")));
  const auto told = mails(ada_);
  ASSERT_THAT(told, SizeIs(2));
  EXPECT_EQ(told[1].subject, "A link to set your password was made");
  EXPECT_THAT(told[1].body, HasSubstr("was made by oscar.\n"));
  EXPECT_EQ(told[0].subject, "Your password was changed");
  EXPECT_THAT(told[0].body,
              AllOf(HasSubstr("with a one-time link"), HasSubstr("From:      192.0.2.66\n")));
  for (const auto& mail : told) EXPECT_THAT(mail.body, Not(HasSubstr("lkl_")));
}

TEST_F(PasswordNoticeTest, TheConsoleIsAnOperator) {
  must(identity_.issue_reset_link(ActorForTests::console(), ada_));
  EXPECT_THAT(mails(ada_).at(0).body, HasSubstr("was made by an operator of this installation."));
}

TEST_F(PasswordNoticeTest, TellsWhyARestoreRemovedIt) {
  must(restore_state({world_.store(), world_.entropy}, SinceBackup::revoke_all, {}));
  const auto told = mails(ada_);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].subject, "Your password was removed");
  EXPECT_THAT(told[0].body, AllOf(HasSubstr("restored from a backup"), HasSubstr("Ask an operator"),
                                  Not(HasSubstr("If you did this"))));
}

TEST_F(PasswordNoticeTest, NothingHappenedNothingIsTold) {
  const Actor ada = signed_in("ada");
  EXPECT_FALSE(identity_.change_password(ada, SecretText("wrong"), SecretText(kNewPassword)));
  EXPECT_THAT(mails(ada_), IsEmpty());
}

}  // namespace
}  // namespace latchkey::service
