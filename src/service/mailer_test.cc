#include "service/mailer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "base/json.h"
#include "base/source_dir_for_test.h"
#include "base/text.h"

namespace latchkey::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// tests/support/smtp_server.py as a child: a real server, which reads our mails as others do.
class SmtpServer {
 public:
  explicit SmtpServer(std::vector<std::string> options = {}) {
    std::array<int, 2> in{}, out{};
    LK_ASSERT(pipe(in.data()) == 0 && pipe(out.data()) == 0);
    options.insert(options.begin(), {"/usr/bin/python3", "-W", "ignore",
                                     source_dir_for_test() + "/tests/support/smtp_server.py"});
    std::vector<char*> arguments;
    for (std::string& option : options) arguments.push_back(option.data());
    arguments.push_back(nullptr);
    child_ = fork();
    LK_ASSERT(child_ >= 0);
    if (child_ == 0) {
      dup2(in[0], 0);
      dup2(out[1], 1);
      for (const int end : {in[0], in[1], out[0], out[1]}) close(end);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    to_child_ = in[1];
    from_child_ = fdopen(out[0], "r");
    port_ = read_line();
    LK_ASSERT(parse_unsigned(port_));
  }
  ~SmtpServer() {
    close(to_child_);
    fclose(from_child_);
    waitpid(child_, nullptr, 0);
  }
  SmtpServer(const SmtpServer&) = delete;
  SmtpServer& operator=(const SmtpServer&) = delete;

  std::string url() const { return "smtp://127.0.0.1:" + port_; }
  // The next mail that the server took.
  json::object read_mail() {
    auto mail = parse_json(read_line());
    LK_ASSERT(mail && mail->is_object());
    return mail->get_object();
  }

 private:
  std::string read_line() {
    std::string line;
    for (int c = fgetc(from_child_); c != EOF && c != '\n'; c = fgetc(from_child_)) {
      line += static_cast<char>(c);
    }
    return line;
  }
  pid_t child_ = -1;
  int to_child_ = -1;
  FILE* from_child_ = nullptr;
  std::string port_;
};

Mail sample() {
  return {.message_id = "0f0e0d0c-1@tokens.example",
          .recipient = "ada@example.org",
          .subject = "Personal access token \"build\" was added",
          .body = "Hello Ada,\n\n.a dot begins this line\nand = stands here \n",
          .date = {1'772'366'400'000}};  // 2026-03-01T12:00:00Z
}

SmtpOptions options_of(const SmtpServer& server, MailTls tls) {
  SmtpOptions options;
  options.url = server.url();
  options.from = "latchkey@example.org";
  options.tls = tls;
  options.timeout = Milliseconds(10'000);
  return options;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "latchkey-XXXXXX").string();
    LK_ASSERT(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string text(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

TEST(MailFormat, HasTheHeadersOfAMailFromAProgram) {
  const std::string mail = format_mail(sample(), "latchkey@example.org");
  EXPECT_THAT(mail, StartsWith("Date: Sun, 01 Mar 2026 12:00:00 +0000\r\n"
                               "From: Latchkey <latchkey@example.org>\r\n"
                               "To: <ada@example.org>\r\n"
                               "Subject: Personal access token \"build\" was added\r\n"
                               "Message-ID: <0f0e0d0c-1@tokens.example>\r\n"
                               "MIME-Version: 1.0\r\n"));
  EXPECT_THAT(mail, HasSubstr("\r\nAuto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(mail, HasSubstr("and =3D stands here=20\r\n"));
}

TEST(MailFormat, NoHeaderIsSmuggledIn) {
  Mail mail = sample();
  mail.subject = "a\r\nBcc: eve@example.org\r\n\r\nbody";
  mail.recipient = "ada@example.org\r\nX-Evil: 1";
  mail.message_id = "id\nX-Evil: 2";
  const std::string text = format_mail(mail, "from@example.org\nX-Evil: 3");
  const std::string head = text.substr(0, text.find("\r\n\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("\nBcc")));
  EXPECT_THAT(head, Not(HasSubstr("\nX-Evil")));
  EXPECT_THAT(head, HasSubstr("\r\nAuto-Submitted"));
}

TEST(MailFormat, LinesAreShortAndAscii) {
  Mail mail = sample();
  mail.subject = std::string(300, 'x');
  mail.body.clear();
  for (int i = 0; i < 100; ++i) mail.body += "Zoë 🙂 and a tab\t ";
  const std::string text = format_mail(mail, "latchkey@example.org");
  for (const std::string_view line : split(text, '\n')) EXPECT_LE(line.size(), 77u) << line;
  for (const char c : text) EXPECT_LT(static_cast<unsigned char>(c), 0x7f);
}

TEST(SmtpMailer, ReaderSeesWhatWasWritten) {
  SmtpServer server;
  auto mailer = make_smtp_mailer(options_of(server, MailTls::when_offered));
  Mail mail = sample();
  mail.subject =
      "Das Zugriffstoken \"größer, länger und voller Überraschungen\" 🙂 von Zoë =?x?=";
  mail.body += std::string(500, 'y') + " Zoë 🙂\n.\nlast line without an end";
  ASSERT_TRUE(mailer->send(mail));
  const json::object seen = server.read_mail();
  EXPECT_EQ(text(seen, "from"), "latchkey@example.org");
  EXPECT_EQ(seen.at("to").as_array().size(), 1u);
  EXPECT_EQ(seen.at("to").as_array()[0].as_string(), "ada@example.org");
  EXPECT_EQ(text(seen, "subject"), mail.subject);
  EXPECT_EQ(text(seen, "message_id"), "<0f0e0d0c-1@tokens.example>");
  EXPECT_EQ(text(seen, "body"), mail.body + "\n");
  EXPECT_TRUE(seen.at("user").is_null());
}

TEST(SmtpMailer, InjectedHeadersReachNobody) {
  SmtpServer server;
  auto mailer = make_smtp_mailer(options_of(server, MailTls::when_offered));
  Mail mail = sample();
  mail.subject = "x\r\nBcc: eve@example.org";
  ASSERT_TRUE(mailer->send(mail));
  const json::object seen = server.read_mail();
  std::vector<std::string> names;
  for (const auto& name : seen.at("headers").as_array()) names.emplace_back(name.as_string());
  EXPECT_THAT(names, ElementsAre("Date", "From", "To", "Subject", "Message-ID", "MIME-Version",
                                 "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted"));
  EXPECT_EQ(text(seen, "subject"), "x  Bcc: eve@example.org");
  mail.recipient = "ada@example.org>\r\nRCPT TO:<eve@example.org";
  const auto refused = mailer->send(mail);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::mail_refused);
}

TEST(SmtpMailer, SignsInOverTls) {
  const TemporaryFolder folder;
  SmtpServer server({"--tls", folder.path(), "--auth", "mailer:open sesame"});
  SmtpOptions options = options_of(server, MailTls::required);
  options.ca_file = folder.path() + "/cert.pem";
  options.user = "mailer";
  options.password = SecretText("open sesame");
  ASSERT_TRUE(make_smtp_mailer(std::move(options))->send(sample()));
  const json::object seen = server.read_mail();
  EXPECT_EQ(text(seen, "user"), "mailer");
  EXPECT_TRUE(seen.at("tls").as_bool());

  options = options_of(server, MailTls::required);
  options.ca_file = folder.path() + "/cert.pem";
  options.user = "mailer";
  options.password = SecretText("wrong");
  const auto refused = make_smtp_mailer(std::move(options))->send(sample());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::mail_refused);
  EXPECT_THAT(refused.error().message, Not(HasSubstr("wrong")));
}

TEST(SmtpMailer, RefusesAServerThatItCannotTrust) {
  const TemporaryFolder folder;
  SmtpServer server({"--tls", folder.path()});
  const auto refused = make_smtp_mailer(options_of(server, MailTls::required))->send(sample());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::mail_refused);
}

TEST(SmtpMailer, DemandedTlsIsNotGivenUpAndNoPasswordGoesInTheClear) {
  SmtpServer server({"--auth", "mailer:open sesame"});
  EXPECT_FALSE(make_smtp_mailer(options_of(server, MailTls::required))->send(sample()));
  SmtpOptions options = options_of(server, MailTls::when_offered);
  options.user = "mailer";
  options.password = SecretText("open sesame");
  EXPECT_FALSE(make_smtp_mailer(std::move(options))->send(sample()));
}

TEST(SmtpMailer, RefusalNamesTheServersCode) {
  SmtpServer server({"--refuse", "1"});
  auto mailer = make_smtp_mailer(options_of(server, MailTls::when_offered));
  const auto refused = mailer->send(sample());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::mail_refused);
  EXPECT_THAT(refused.error().message, HasSubstr("450"));
  EXPECT_TRUE(mailer->send(sample()));
}

TEST(SmtpMailer, ASilentServerIsLeftInTime) {
  SmtpServer server({"--stall"});
  SmtpOptions options = options_of(server, MailTls::when_offered);
  options.timeout = Milliseconds(200);
  const auto refused = make_smtp_mailer(std::move(options))->send(sample());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::timed_out);
}

TEST(SmtpMailer, NobodyListening) {
  SmtpOptions options;
  options.url = "smtp://127.0.0.1:1";
  options.from = "latchkey@example.org";
  const auto refused = make_smtp_mailer(std::move(options))->send(sample());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::mail_refused);
}

}  // namespace
}  // namespace latchkey::service
