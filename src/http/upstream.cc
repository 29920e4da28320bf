#include "http/upstream.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/text.h"
#include "http/client.h"
#include "http/client_address.h"
#include "http/head_check.h"
#include "http/tls_client.h"

namespace latchkey::http {
namespace {

constexpr size_t kUrlsMax = 16;
constexpr size_t kSocketsMax = 8;  // of one name
constexpr size_t kUnixPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

Error bad_url(const char* rule) { return Error(ErrorCode::configuration, rule, "url"); }

Error bad_option(const char* field, const char* rule) {
  return Error(ErrorCode::configuration, rule, field);
}

SocketName unix_name(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  return {AF_UNIX, std::string(reinterpret_cast<const char*>(&address), sizeof address)};
}

// The addresses that a name has now. Blocks.
std::vector<SocketName> look_up(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::vector<SocketName> sockets;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return sockets;
  for (const addrinfo* one = found; one && sockets.size() < kSocketsMax; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    sockets.push_back({one->ai_family,
                       std::string(reinterpret_cast<const char*>(one->ai_addr), one->ai_addrlen)});
  }
  freeaddrinfo(found);
  return sockets;
}

Result<void> check_options(const UpstreamOptions& options) {
  if (options.urls.empty() || options.urls.size() > kUrlsMax) {
    return bad_url("must have 1 to 16 addresses");
  }
  if (options.connections_max == 0) return bad_option("connections_max", "must be at least 1");
  if (options.failures_max == 0) return bad_option("failures_max", "must be at least 1");
  if (!options.health_path.empty() && !options.health_path.starts_with('/')) {
    return bad_option("health_path", "must begin with a slash");
  }
  return {};
}

}  // namespace

Result<UpstreamUrl> parse_upstream_url(std::string_view text) {
  UpstreamUrl url;
  if (text.starts_with("unix:")) {
    url.unix_path = text.substr(5);
    if (!url.unix_path.starts_with('/') || url.unix_path.size() > kUnixPathBytesMax ||
        url.unix_path.find('\0') != url.unix_path.npos) {
      return bad_url("must have an absolute path of at most 107 bytes after unix:");
    }
    url.authority = "localhost";
    return url;
  }
  url.is_tls = ascii_starts_with_ignoring_case(text, "https://");
  if (!url.is_tls && !ascii_starts_with_ignoring_case(text, "http://")) {
    return bad_url("must begin with http://, https:// or unix:");
  }
  std::string_view rest = text.substr(url.is_tls ? 8 : 7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty() || !is_host(rest)) {
    return bad_url("must be a host and maybe a port, without path, query or credentials");
  }
  std::string_view port;
  bool has_port = false;
  if (rest.starts_with('[')) {
    const size_t close = rest.find(']');
    const auto address = parse_ip_address(rest.substr(1, close == rest.npos ? 0 : close - 1));
    if (!address) return bad_url("must have an IPv6 address within its brackets");
    url.host = rest.substr(1, close - 1);
    has_port = close + 1 < rest.size();
    if (has_port && rest[close + 1] != ':') return bad_url("must have a colon before its port");
    if (has_port) port = rest.substr(close + 2);
  } else {
    const size_t colon = rest.find(':');
    url.host = rest.substr(0, colon);
    has_port = colon != rest.npos;
    if (has_port) port = rest.substr(colon + 1);
  }
  const auto number = has_port ? parse_unsigned(port) : (url.is_tls ? 443 : 80);
  if (url.host.empty() || !number || *number == 0 || *number > 65535) {
    return bad_url("must have a host, and a port from 1 to 65535 if any");
  }
  url.port = static_cast<uint16_t>(*number);
  url.authority = rest;
  return url;
}

Upstream::Upstream(UpstreamOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}
Upstream::~Upstream() = default;

Result<std::unique_ptr<Upstream>> Upstream::make(UpstreamOptions options, const Clock& clock) {
  LK_CHECK(check_options(options));
  std::unique_ptr<Upstream> upstream(new Upstream(std::move(options), clock));
  bool has_tls = false;
  for (const std::string& text : upstream->options_.urls) {
    auto address = std::make_unique<Address>();
    LK_TRY(address->url, parse_upstream_url(text));
    has_tls |= address->url.is_tls;
    upstream->resolve(*address);
    upstream->addresses_.push_back(std::move(address));
  }
  if (has_tls) {
    LK_TRY(upstream->tls_, TlsClientContext::make(upstream->options_.ca_file));
  }
  return upstream;
}

void Upstream::resolve(Address& address) {
  std::vector<SocketName> found;
  if (address.url.unix_path.empty()) {
    found = look_up(address.url.host, address.url.port);
  } else {
    found.push_back(unix_name(address.url.unix_path));
  }
  if (found.empty()) return;  // what was known is better than nothing
  MutexLock lock(address.mutex);
  address.sockets.swap(found);
}

bool Upstream::is_up(size_t index) const {
  const Address& address = *addresses_[index];
  if (address.fails_check.load(std::memory_order_relaxed)) return false;
  const int64_t down_until = address.down_until_ms.load(std::memory_order_relaxed);
  return down_until == 0 || clock_.ticks().ms >= down_until;
}

bool Upstream::is_up() const {
  for (size_t i = 0; i < size(); ++i) {
    if (is_up(i)) return true;
  }
  return false;
}

std::vector<SocketName> Upstream::sockets_of(size_t index) const {
  const Address& address = *addresses_[index];
  MutexLock lock(address.mutex);
  return address.sockets;
}

void Upstream::note_success(size_t index) {
  Address& address = *addresses_[index];
  if (address.failures.load(std::memory_order_relaxed) == 0) return;
  address.failures.store(0, std::memory_order_relaxed);
  address.down_until_ms.store(0, std::memory_order_relaxed);
}

// After down_time the address is tried again, and the next failure takes it away at once.
void Upstream::note_failure(size_t index) {
  Address& address = *addresses_[index];
  if (address.failures.fetch_add(1, std::memory_order_relaxed) + 1 < options_.failures_max) return;
  address.down_until_ms.store((clock_.ticks() + options_.down_time).ms, std::memory_order_relaxed);
}

UpstreamCounters Upstream::counters() const {
  UpstreamCounters seen;
  seen.requests_total = live.requests_total;
  seen.retries_total = live.retries_total;
  seen.connect_failed_total = live.connect_failed_total;
  seen.timed_out_total = live.timed_out_total;
  seen.malformed_total = live.malformed_total;
  seen.broken_total = live.broken_total;
  seen.down_total = live.down_total;
  seen.full_total = live.full_total;
  seen.tunnels_open = live.tunnels_open;
  seen.connections_open = live.connections_open;
  seen.connections_idle = live.connections_idle;
  seen.addresses = size();
  for (size_t i = 0; i < size(); ++i) seen.addresses_up += is_up(i);
  return seen;
}

bool Upstream::passes_check(const Address& address) const {
  ClientOptions options;
  const std::string authority = address.url.authority;
  options.base_url = (address.url.is_tls ? "https://" : "http://") + authority;
  options.unix_path = address.url.unix_path;
  options.ca_file = options_.ca_file;
  options.timeout = options_.health_timeout;
  Client client(options);
  ClientRequest request;
  request.target = options_.health_path;
  const auto answer = client.send(request);
  return answer && answer->status >= 200 && answer->status < 400;
}

void Upstream::refresh(Log& log) {
  for (const auto& address : addresses_) {
    if (address->url.unix_path.empty() && !parse_ip_address(address->url.host)) resolve(*address);
    if (options_.health_path.empty()) continue;
    const bool failed = !passes_check(*address);
    if (address->fails_check.exchange(failed) == failed) continue;
    log.write(failed ? LogLevel::warning : LogLevel::info,
              failed ? "proxy.upstream_down" : "proxy.upstream_up",
              {{"upstream", name()}, {"address", address->url.authority}});
  }
}

}  // namespace latchkey::http
