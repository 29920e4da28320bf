// The checks of `latchkey doctor` that go over the network, each bounded in time.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/doctor.h"
#include "app/smtp_options.h"
#include "app/tls_files.h"
#include "base/log.h"
#include "http/client.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kMailWait{10'000};
constexpr Milliseconds kPublicWait{10'000};
constexpr Milliseconds kCertificateLow{14LL * 24 * 3600 * 1000};

// errno of listening on address and port for a moment, as the server does; 0 if that works.
int try_to_listen(const std::string& address, uint16_t port) {
  struct sockaddr_in6 six = {};
  struct sockaddr_in four = {};
  const bool is_six = ::inet_pton(AF_INET6, address.c_str(), &six.sin6_addr) == 1;
  if (!is_six && ::inet_pton(AF_INET, address.c_str(), &four.sin_addr) != 1) return EINVAL;
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  const int listener = ::socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return errno;
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const auto* name =
      is_six ? reinterpret_cast<const sockaddr*>(&six) : reinterpret_cast<const sockaddr*>(&four);
  const socklen_t size = is_six ? sizeof six : sizeof four;
  const bool works = ::bind(listener, name, size) == 0 && ::listen(listener, 1) == 0;
  const int why = works ? 0 : errno;
  ::close(listener);
  return why;
}

struct Port {
  std::string key;  // "listen"
  std::string address;
  uint16_t number = 0;
  std::string held_url;  // of our own server; empty if it does not run
};

Check check_port(const Port& port) {
  const std::string place = port.address + " port " + std::to_string(port.number);
  if (!port.held_url.empty()) {
    // With TLS a server calls itself as its certificate does.
    if (port.number == 0 || port.held_url.starts_with("https://") ||
        port.held_url == local_url(port.address, port.number)) {
      return {"ports", Finding::ok, port.held_url + " is held by the running server", ""};
    }
    return {"ports", Finding::warning,
            "the running server is at " + port.held_url + ", and the configuration says " + place,
            "restart the server, or give this command the server's --config"};
  }
  if (port.number == 0) {
    return {"ports", Finding::ok, port.key + ": the system chooses a port at the start", ""};
  }
  const int why = try_to_listen(port.address, port.number);
  if (why == 0) return {"ports", Finding::ok, place + " is free", ""};
  std::string advice = "give another " + port.key + ".address or " + port.key + ".port";
  if (why == EADDRINUSE)
    advice = "end what uses it (`ss -ltnp`), or give another " + port.key + ".port";
  if (why == EACCES) {
    advice =
        "let the server have it (AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd), or "
        "give a port from 1024";
  }
  return {"ports", Finding::problem, "cannot listen at " + place + ": " + std::strerror(why),
          advice};
}

std::string lower_first(std::string text) {
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  while (text.ends_with('.')) text.pop_back();
  return text;
}

// What stands in `url` for the host: without scheme, port and brackets.
std::string host_of(std::string_view url) {
  std::string_view host = url.substr(url.find("://") + 3);
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find(':')));
}

Check unreachable(const Examined& examined, const std::string& url, const Error& error) {
  const std::string what = lower_first(error.message);
  if (!examined.running) {
    return {"public url", Finding::warning, what + " (and the server is not running)",
            "start the server, and type this again"};
  }
  return {"public url", Finding::problem, what,
          "see that its name leads to the proxy, and the proxy to " + examined.running->server_url +
              " (public_url is " + url + ")"};
}

Check wrong_answer(const Examined& examined, const http::ClientResponse& answer) {
  const std::string other = answer.header("latchkey-deployment");
  const std::string advice = examined.running
                                 ? "let the proxy pass all paths to " + examined.running->server_url
                                 : "start the server, and type this again";
  if (!other.empty()) {
    return {"public url", Finding::problem, "another installation answers there (" + other + ")",
            "correct public_url, or where its name leads to"};
  }
  return {"public url", Finding::problem,
          "what answers there is not Latchkey (status " + std::to_string(answer.status) + ")",
          advice};
}

}  // namespace

std::optional<Instant> parse_certificate_time(const std::string& text) {
  struct tm parts = {};
  // https://docs.openssl.org/3.0/man3/ASN1_TIME_set/: "MMM DD HH:MM:SS YYYY [GMT]"
  if (::strptime(text.c_str(), "%b %d %H:%M:%S %Y", &parts) == nullptr) return std::nullopt;
  return Instant{static_cast<int64_t>(::timegm(&parts)) * 1000};
}

Check decide_certificate(std::string_view name, const CertificateLife& life) {
  if (!life.until) {
    return {name, Finding::warning, "the certificate does not say until when it is valid",
            "look at it with openssl s_client"};
  }
  if (*life.until <= life.now) {
    return {name, Finding::problem, "the certificate is not valid any more: clients refuse it",
            "renew it"};
  }
  const int64_t days = (*life.until - life.now).count() / (24LL * 3600 * 1000);
  const std::string what = "the certificate is valid for " + std::to_string(days) + " days";
  if (*life.until - life.now < kCertificateLow) return {name, Finding::warning, what, "renew it"};
  return {name, Finding::ok, what, ""};
}

Checks check_certificate(const Config& config) {
  constexpr std::string_view kName = "certificate";
  if (!has_tls(config)) return {};
  SystemClock clock;
  const auto log = make_log(LogFormat::text, LogLevel::error);  // what it warns of is said below
  TlsFiles files({config.tls_certificate_file, config.tls_key_file, config.tls_minimum_version, ""},
                 clock, *log);
  if (auto taken = files.load(); !taken) {
    return {{kName, Finding::problem, taken.error().message,
             "give a certificate with its chain, and its key, for the server's user alone"}};
  }
  const auto context = files.publication().current();
  const auto& facts = context->certificate();
  if (facts.not_before > clock.now()) {
    return {{kName, Finding::problem, "the certificate is not valid yet", "see to the clock, too"}};
  }
  Checks checks{decide_certificate(kName, {clock.now(), facts.not_after})};
  if (config.public_url.empty()) return checks;
  if (const std::string host = host_of(config.public_url); !context->covers(host)) {
    checks.push_back({kName, Finding::problem, "the certificate is not for " + host,
                      "get one for the host of public_url"});
  }
  return checks;
}

Checks check_ports(const Examined& examined) {
  const Config& config = examined.config;
  Port listen{"listen", config.listen_address, config.listen_port, ""};
  Port operations{"operations", config.operations_address, config.operations_port, ""};
  if (examined.running) {
    listen.held_url = examined.running->server_url;
    operations.held_url = examined.running->operations_url;
  }
  return {check_port(listen), check_port(operations)};
}

Checks check_mail(const Config& config) {
  if (config.smtp_url.empty()) {
    return {{"mail", Finding::warning, "no mail is sent: people are not told of new tokens",
             "set smtp.url and smtp.from, or let people read `latchkey outbox`"}};
  }
  auto options = load_smtp_options(config);
  if (!options) {
    return {{"mail", Finding::problem, options.error().message,
             "let the server's user read the file that smtp.password_file names"}};
  }
  options->timeout = kMailWait;
  const std::string server = config.smtp_url;
  if (auto held = service::probe_smtp(std::move(*options)); !held) {
    return {{"mail", Finding::problem, server + ": " + lower_first(held.error().message),
             "see to smtp.url, smtp.tls, smtp.ca_file, smtp.user and smtp.from"}};
  }
  return {{"mail", Finding::ok, server + " takes mails from " + config.smtp_from, ""}};
}

Checks check_public_url(const Examined& examined) {
  const Config& config = examined.config;
  const std::string url = examined.running ? examined.running->public_url
                          : config.listen_port == 0 && config.public_url.empty()
                              ? ""
                              : effective_public_url(config, config.listen_port);
  if (url.empty()) {
    return {{"public url", Finding::ok, "made of the port that the system will choose", ""}};
  }
  Checks checks;
  if (examined.running && !config.public_url.empty() && config.public_url != url) {
    checks.push_back({"public url", Finding::warning,
                      "the running server has " + url + ", the configuration " + config.public_url,
                      "restart the server, or give this command the server's --config"});
  }
  const std::string host = host_of(url);
  const bool is_local = host == "localhost" || is_loopback(host);
  if (url.starts_with("http://") && !is_local) {
    checks.push_back({"public url", Finding::warning, url + " is plain HTTP: tokens can be read",
                      "give the server a certificate, or put a TLS proxy before it, and set "
                      "public_url to the https:// URL"});
  }
  http::ClientOptions options;
  options.base_url = url;
  options.timeout = kPublicWait;
  options.asks_certificate = true;
  options.ca_file = examined.ca_file;
  const auto answer = http::Client(options).send({"GET", "/openapi.json", {}, "", {}});
  if (!answer) {
    checks.push_back(unreachable(examined, url, answer.error()));
    return checks;
  }
  const std::string deployment = answer->header("latchkey-deployment");
  const bool is_ours = examined.deployment_id && deployment == format_uuid(*examined.deployment_id);
  if (!is_ours && (deployment.empty() || examined.deployment_id)) {
    checks.push_back(wrong_answer(examined, *answer));
    return checks;
  }
  checks.push_back({"public url", Finding::ok,
                    url + (is_ours ? " is this installation" : " is a Latchkey"), ""});
  if (url.starts_with("https://")) {
    const auto until = parse_certificate_time(answer->certificate_until);
    checks.push_back(decide_certificate("public url", {SystemClock().now(), until}));
  }
  return checks;
}

}  // namespace latchkey::app
