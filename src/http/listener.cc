#include "http/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace latchkey::http {
namespace {

constexpr int kBacklog = 4096;

// An address of any of the families, as the system calls take it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size_bytes = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

std::string last_error() { return std::generic_category().message(errno); }

Error configuration_error(const char* field, std::string message) {
  return Error(ErrorCode::configuration, std::move(message), field);
}

void set_option(int socket, int level, int option, int value) {
  setsockopt(socket, level, option, &value, sizeof value);
}

Result<SocketAddress> parse_address(const std::string& text, uint16_t port) {
  SocketAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size_bytes = sizeof *v4;
  } else if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size_bytes = sizeof *v6;
  } else {
    return configuration_error("address", "'" + text + "' is not an IP address");
  }
  return address;
}

enum class PortUse { alone, shared };

constexpr int kUnsentBytesMax = 128 * 1024;  // of a connection, in the kernel

Result<FileDescriptor> bind_tcp(const std::string& ip, uint16_t port, PortUse use) {
  LK_TRY(const auto address, parse_address(ip, port));
  const int family = address.storage.ss_family;
  FileDescriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.number() < 0) return configuration_error("address", "no socket: " + last_error());
  set_option(socket.number(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (use == PortUse::shared) set_option(socket.number(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (family == AF_INET6) set_option(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  set_option(socket.number(), IPPROTO_TCP, TCP_NODELAY, 1);  // accepted sockets inherit these
  // The kernel would take megabytes for a peer that reads nothing, outside our budget, and we would
  // be busy with giving them.
  set_option(socket.number(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentBytesMax);
  if (::bind(socket.number(), address.get(), address.size_bytes) != 0) {
    const std::string why = last_error();
    return configuration_error(
        "port", "cannot listen on " + ip + ", port " + std::to_string(port) + ": " + why);
  }
  return socket;
}

Result<uint16_t> port_of(const FileDescriptor& socket) {
  SocketAddress bound;
  bound.size_bytes = sizeof bound.storage;
  if (getsockname(socket.number(), bound.get(), &bound.size_bytes) != 0) {
    return configuration_error("port", "no port: " + last_error());
  }
  // The port stands at the same place in both families.
  return ntohs(reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port);
}

Result<Listeners> open_tcp(const Endpoint& endpoint, int threads) {
  Listeners listeners;
  listeners.port = endpoint.port;
  {
    // With SO_REUSEPORT a second server of the same user would quietly take half of the
    // connections. A socket without it finds out whether somebody is there already.
    LK_TRY(const FileDescriptor probe, bind_tcp(endpoint.address, endpoint.port, PortUse::alone));
  }
  for (int i = 0; i < threads; ++i) {
    LK_TRY(FileDescriptor socket, bind_tcp(endpoint.address, listeners.port, PortUse::shared));
    if (::listen(socket.number(), kBacklog) != 0) {
      return configuration_error("port", "cannot listen: " + last_error());
    }
    if (listeners.port == 0) {
      LK_TRY(listeners.port, port_of(socket));
    }
    listeners.sockets.push_back(std::move(socket));
  }
  return listeners;
}

Result<SocketAddress> unix_address(const std::string& path) {
  SocketAddress address;
  auto* local = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof local->sun_path) {
    return configuration_error("unix_path", "the path of a Unix socket has at most 107 bytes");
  }
  local->sun_family = AF_UNIX;
  std::memcpy(local->sun_path, path.c_str(), path.size() + 1);
  address.size_bytes = sizeof *local;
  return address;
}

// Removes a socket file that nobody listens on any more.
Result<void> remove_stale_socket(const std::string& path, const SocketAddress& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) {
    return configuration_error("unix_path", "'" + path + "' is there and is not a socket");
  }
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int connected = ::connect(probe.number(), address.get(), address.size_bytes);
  if (connected == 0 || errno != ECONNREFUSED) {
    return configuration_error("unix_path", "'" + path + "' is in use");
  }
  ::unlink(path.c_str());
  return {};
}

Result<Listeners> open_unix(const std::string& path, int threads) {
  LK_TRY(const auto address, unix_address(path));
  LK_CHECK(remove_stale_socket(path, address));
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (socket.number() < 0) return configuration_error("unix_path", "no socket: " + last_error());
  // On Linux the file takes its mode from the socket, so it is never wider, not even for a moment.
  fchmod(socket.number(), 0600);
  if (::bind(socket.number(), address.get(), address.size_bytes) != 0) {
    return configuration_error("unix_path", "cannot bind '" + path + "': " + last_error());
  }
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(socket.number(), kBacklog) != 0) {
    return configuration_error("unix_path", "cannot listen on '" + path + "': " + last_error());
  }
  Listeners listeners;
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) listeners.socket_inode = status.st_ino;
  listeners.sockets.push_back(std::move(socket));
  for (int i = 1; i < threads; ++i) {
    const int copy = fcntl(listeners.sockets[0].number(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return configuration_error("unix_path", "no socket: " + last_error());
    listeners.sockets.emplace_back(copy);
  }
  return listeners;
}

std::string format_peer(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  } else if (address.storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {  // an IPv4 peer of a socket on "::"
      inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], text, sizeof text);
    } else {
      inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    }
  } else {
    return "unix";
  }
  return text;
}

}  // namespace

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (number_ >= 0) ::close(number_);
}

int FileDescriptor::release() { return std::exchange(number_, -1); }

Result<Listeners> open_listeners(const Endpoint& endpoint, int threads) {
  if (!endpoint.unix_path.empty()) return open_unix(endpoint.unix_path, threads);
  return open_tcp(endpoint, threads);
}

void remove_socket_file(const std::string& path, uint64_t inode) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && status.st_ino == inode) ::unlink(path.c_str());
}

Accepted accept_one(int listener) {
  SocketAddress peer;
  peer.size_bytes = sizeof peer.storage;
  FileDescriptor socket(
      ::accept4(listener, peer.get(), &peer.size_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.number() >= 0) {
    const int family = peer.size_bytes == 0 ? AF_UNIX : peer.storage.ss_family;
    return {AcceptOutcome::accepted, std::move(socket), family, format_peer(peer)};
  }
  if (errno == EAGAIN) return {AcceptOutcome::none_waiting, {}, 0, {}};
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    return {AcceptOutcome::out_of_resources, {}, 0, {}};
  }
  return {AcceptOutcome::try_next, {}, 0, {}};  // that one connection failed
}

std::optional<Milliseconds> find_wait(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return Milliseconds(info.tcpi_last_data_recv);
}

}  // namespace latchkey::http
