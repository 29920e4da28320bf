#include "service/mailer.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <ctime>

#include "base/bytes.h"
#include "base/text.h"

namespace latchkey::service {
namespace {

// RFC 5322 section 2.1.1 and RFC 2045 section 6.7: lines stay well below 78 characters.
constexpr size_t kQuotedLineMax = 76;
// RFC 2047 section 2: a line with an encoded word has at most 76 characters; the first begins with
// "Subject: ", so that 55 are left for base64 beside "=?UTF-8?B?" and "?=".
constexpr size_t kEncodedWordBytesMax = 39;
constexpr size_t kPlainHeaderMax = 67;

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

// Takes out what could end a header line; nothing that a person writes there needs it.
std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return line;
}

// An address as it stands in a header or an SMTP command: printable ASCII without what delimits it.
// Addresses with other letters would need SMTPUTF8 (RFC 6531).
bool is_mail_address(std::string_view address) {
  return !address.empty() && is_plain(address) &&
         address.find_first_of(" <>()[],;:\\\"") == std::string_view::npos &&
         std::count(address.begin(), address.end(), '@') == 1;
}

// `text` as a header's value: itself, or encoded words of whole characters (RFC 2047).
std::string header_text(std::string_view text) {
  const std::string line = one_line(text);
  if (is_plain(line) && line.size() <= kPlainHeaderMax && line.find("=?") == std::string::npos) {
    return line;
  }
  std::string words;
  std::string_view rest = line;
  while (!rest.empty()) {
    size_t size = std::min(rest.size(), kEncodedWordBytesMax);
    while (size < rest.size() && size > 1 && (static_cast<uint8_t>(rest[size]) & 0xc0) == 0x80) {
      --size;
    }
    if (!words.empty()) words += "\r\n ";
    words += "=?UTF-8?B?" + format_base64(as_bytes(rest.substr(0, size))) + "?=";
    rest.remove_prefix(size);
  }
  return words;
}

// RFC 2045 section 6.7.
std::string quoted_printable(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string body;
  size_t column = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_last_of_line = i + 1 == text.size() || text[i + 1] == '\n';
    if (c == '\n') {
      body += "\r\n";
      column = 0;
      continue;
    }
    const bool is_blank = c == ' ' || c == '\t';
    const bool is_literal = (c > 0x20 && c < 0x7f && c != '=') || (is_blank && !is_last_of_line);
    const size_t width = is_literal ? 1 : 3;
    if (column + width > kQuotedLineMax - 1) {
      body += "=\r\n";
      column = 0;
    }
    if (is_literal) {
      body += c;
    } else {
      const auto byte = static_cast<uint8_t>(c);
      body += '=';
      body += kDigits[byte >> 4];
      body += kDigits[byte & 15];
    }
    column += width;
  }
  if (column != 0) body += "\r\n";
  return body;
}

// RFC 5322 section 3.3, in UTC and English whatever the locale: "Mon, 23 Nov 2026 20:33:46 +0000".
std::string mail_date(Instant instant) {
  constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto seconds = static_cast<time_t>(instant.ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  const auto two = [](int number) {
    return std::string(number < 10 ? "0" : "") + std::to_string(number);
  };
  return std::string(kDays[static_cast<size_t>(parts.tm_wday)]) + ", " + two(parts.tm_mday) + ' ' +
         kMonths[static_cast<size_t>(parts.tm_mon)] + ' ' + std::to_string(parts.tm_year + 1900) +
         ' ' + two(parts.tm_hour) + ':' + two(parts.tm_min) + ':' + two(parts.tm_sec) + " +0000";
}

// What curl still has to read of a message.
struct Upload {
  std::string_view rest;
};

size_t read_upload(char* buffer, size_t size, size_t count, void* context) {
  auto& upload = *static_cast<Upload*>(context);
  const size_t taken = std::min(size * count, upload.rest.size());
  std::memcpy(buffer, upload.rest.data(), taken);
  upload.rest.remove_prefix(taken);
  return taken;
}

struct CurlEnd {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct CurlListEnd {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

class SmtpMailer final : public Mailer {
 public:
  explicit SmtpMailer(SmtpOptions options) : options_(std::move(options)) {}
  Result<void> send(const Mail& mail) override;
  Result<void> probe() const;

 private:
  Result<void> prepare(CURL* handle) const;

  SmtpOptions options_;
};

// Sets what is the same for every mail. The handle keeps copies of all texts.
Result<void> SmtpMailer::prepare(CURL* handle) const {
  bool good = true;
  const auto set = [&](CURLoption option, auto value) {
    good = good && curl_easy_setopt(handle, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, options_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  // Who can take STARTTLS out of the conversation must not get the password for it.
  const bool needs_tls = options_.tls == MailTls::required || !options_.user.empty();
  const long tls = needs_tls ? CURLUSESSL_ALL : CURLUSESSL_TRY;
  set(CURLOPT_USE_SSL, tls);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options_.ca_file.empty()) set(CURLOPT_CAINFO, options_.ca_file.c_str());
  if (!options_.user.empty()) {
    set(CURLOPT_USERNAME, options_.user.c_str());
    const std::string password(options_.password.reveal(RevealSecret{}));
    set(CURLOPT_PASSWORD, password.c_str());
    wipe(const_cast<char*>(password.data()), password.size());
  }
  if (good) return {};
  return Error(ErrorCode::configuration, "The mail library does not take these settings.", "smtp");
}

// How a conversation with the mail server ended; `reason` is curl's, and may be empty.
Result<void> explain(CURL* handle, CURLcode code, const char* reason) {
  if (code == CURLE_OK) return {};
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return Error(ErrorCode::timed_out, "The mail server did not answer in time.");
  }
  long answer = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer);
  std::string message = reason[0] != '\0' ? reason : curl_easy_strerror(code);
  if (answer != 0) message += " (the server's last answer was " + std::to_string(answer) + ")";
  return Error(ErrorCode::mail_refused, std::move(message));
}

Result<void> SmtpMailer::send(const Mail& mail) {
  if (!is_mail_address(options_.from) || !is_mail_address(mail.recipient)) {
    return Error(ErrorCode::mail_refused, "The sender's or recipient's address cannot be written.");
  }
  const std::unique_ptr<CURL, CurlEnd> handle(curl_easy_init());
  if (!handle) return Error(ErrorCode::internal, "The mail library does not start.");
  LK_CHECK(prepare(handle.get()));
  const std::string text = format_mail(mail, options_.from);
  Upload upload{text};
  const std::string from = '<' + options_.from + '>';
  const std::string recipient = '<' + mail.recipient + '>';
  const std::unique_ptr<curl_slist, CurlListEnd> recipients(
      curl_slist_append(nullptr, recipient.c_str()));
  std::array<char, CURL_ERROR_SIZE> reason{};
  CURL* const curl = handle.get();
  const bool is_set = recipients &&
                      curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str()) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get()) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_upload) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_READDATA, &upload) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data()) == CURLE_OK;
  if (!is_set) return Error(ErrorCode::internal, "The mail library refuses its options.");
  return explain(curl, curl_easy_perform(curl), reason.data());
}

Result<void> SmtpMailer::probe() const {
  if (!is_mail_address(options_.from)) {
    return Error(ErrorCode::mail_refused, "The sender's address cannot be written.");
  }
  const std::unique_ptr<CURL, CurlEnd> handle(curl_easy_init());
  if (!handle) return Error(ErrorCode::internal, "The mail library does not start.");
  LK_CHECK(prepare(handle.get()));
  CURL* const curl = handle.get();
  // Without recipients curl sends one command and wants a good answer; then it says QUIT.
  const std::string command = "MAIL FROM:<" + options_.from + ">";
  std::array<char, CURL_ERROR_SIZE> reason{};
  const bool is_set = curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, command.c_str()) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_NOBODY, 1L) == CURLE_OK &&
                      curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason.data()) == CURLE_OK;
  if (!is_set) return Error(ErrorCode::internal, "The mail library refuses its options.");
  LK_CHECK(explain(curl, curl_easy_perform(curl), reason.data()));
  long answer = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
  if (answer / 100 == 2) return {};
  return Error(ErrorCode::mail_refused,
               "The sender is refused with " + std::to_string(answer) + ".");
}

}  // namespace

std::string format_mail(const Mail& mail, const std::string& from) {
  std::string text;
  text += "Date: " + mail_date(mail.date) + "\r\n";
  text += "From: Latchkey <" + one_line(from) + ">\r\n";
  text += "To: <" + one_line(mail.recipient) + ">\r\n";
  text += "Subject: " + header_text(mail.subject) + "\r\n";
  text += "Message-ID: <" + one_line(mail.message_id) + ">\r\n";
  text += "MIME-Version: 1.0\r\n";
  text += "Content-Type: text/plain; charset=utf-8\r\n";
  text += "Content-Transfer-Encoding: quoted-printable\r\n";
  text += "Auto-Submitted: auto-generated\r\n";  // RFC 3834: no out-of-office answers
  text += "\r\n";
  return text + quoted_printable(mail.body);
}

std::unique_ptr<Mailer> make_smtp_mailer(SmtpOptions options) {
  return std::make_unique<SmtpMailer>(std::move(options));
}

Result<void> probe_smtp(SmtpOptions options) { return SmtpMailer(std::move(options)).probe(); }

}  // namespace latchkey::service
