#include "verify/server_connection.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "core/client.h"
#include "verify/feed_message.h"

namespace latchkey::verify {
namespace {

constexpr size_t kCredentialBytesMax = 256;
constexpr std::string_view kHttps = "https://";
constexpr std::string_view kHttp = "http://";

Error wrong(std::string_view field, std::string message) {
  return Error(ErrorCode::configuration, std::move(message), std::string(field));
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

// A descriptor that closes itself.
class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  const int fd_;
};

// What a refusal says, for the log of the gate; the server's words hold no secret.
std::string words_of(const http::ClientResponse& response) {
  std::string text = "The server answered with status " + std::to_string(response.status);
  const auto body = parse_json(response.body);
  if (!body || !body->is_object()) return text + ".";
  const json::value* const message = body->as_object().if_contains("message");
  if (message == nullptr || !message->is_string()) return text + ".";
  const std::string_view words = message->as_string();
  return text + ": " + std::string(words.substr(0, 300));
}

}  // namespace

Result<void> check_server_url(std::string_view url) {
  const bool is_https = url.starts_with(kHttps);
  if (!is_https && !url.starts_with(kHttp)) {
    return wrong("server", "The server's URL must begin with https://.");
  }
  const std::string_view authority = url.substr(is_https ? kHttps.size() : kHttp.size());
  if (authority.empty() || authority.find_first_of("/?#@ ") != authority.npos) {
    return wrong("server",
                 "The server's URL must be a scheme, a host and perhaps a port, without a slash "
                 "at its end.");
  }
  const size_t port = authority.rfind(':');
  const bool has_port = port != authority.npos && authority.find(']', port) == authority.npos;
  if (is_https || is_loopback(authority.substr(0, has_port ? port : authority.npos))) return {};
  return wrong("server",
               "The server's URL must begin with https://: the feed holds keys. Plain http:// is "
               "taken to 127.0.0.1, [::1] and localhost only.");
}

Result<SecretText> load_credential(const std::string& path) {
  constexpr std::string_view kField = "credential_file";
  const File file(path);
  struct stat facts {};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0) {
    return wrong(kField,
                 "The credential file " + path + " cannot be read: " + std::strerror(errno) + ".");
  }
  if (!S_ISREG(facts.st_mode)) return wrong(kField, path + " is no file.");
  if ((facts.st_mode & 077) != 0) {
    return wrong(kField, "Others may read the credential file: chmod 600 " + path);
  }
  std::array<char, kCredentialBytesMax> buffer;
  const ssize_t size_bytes = ::read(file.get(), buffer.data(), buffer.size());
  std::string_view text(buffer.data(), size_bytes > 0 ? static_cast<size_t>(size_bytes) : 0);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const bool is_secret =
      text.starts_with(core::kClientSecretPrefix) && text.find_first_of(" \t\r\n") == text.npos;
  Result<SecretText> secret =
      is_secret ? Result<SecretText>(SecretText(text))
                : wrong(kField, path + " must hold the secret of a client alone (lkc_...).");
  wipe(buffer.data(), buffer.size());
  return secret;
}

Result<ServerConnection> ServerConnection::open(const ServerAddress& address,
                                                Milliseconds timeout) {
  LK_CHECK(check_server_url(address.url));
  LK_TRY(SecretText credential, load_credential(address.credential_file));
  return ServerConnection(address, timeout, std::move(credential));
}

ServerConnection::ServerConnection(ServerAddress address, Milliseconds timeout,
                                   SecretText credential)
    : address_(std::move(address)), credential_(std::move(credential)) {
  http::ClientOptions options;
  options.base_url = address_.url;
  options.ca_file = address_.ca_file;
  options.timeout = timeout;
  options.response_bytes_max = kFeedMessageBytesMax;
  client_ = std::make_unique<http::Client>(std::move(options));
}

Result<http::ClientResponse> ServerConnection::send(http::ClientRequest request) {
  std::string value = "Bearer ";
  value.reserve(value.size() + credential_.size());
  value += credential_.reveal(RevealSecret{});
  request.authorization = SecretText::take(std::move(value));
  auto answer = client_->send(request);
  if (!answer) {
    Error error = std::move(answer).error();
    const bool is_away =
        error.code == ErrorCode::timed_out || error.code == ErrorCode::request_malformed;
    if (is_away) error.code = ErrorCode::store_unavailable;
    return error;
  }
  if (answer->status == 200 || answer->status == 204) return answer;
  if (answer->status == 410) return Error(ErrorCode::feed_truncated);
  if (answer->status == 400) return Error(ErrorCode::invalid_argument, words_of(*answer));
  // Perhaps another one was put there since.
  if (answer->status == 401) {
    if (auto fresh = load_credential(address_.credential_file)) credential_ = *std::move(fresh);
  }
  return Error(ErrorCode::store_unavailable, words_of(*answer));
}

}  // namespace latchkey::verify
