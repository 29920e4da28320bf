#include "cutting_proxy.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/assert.h"

namespace latchkey {
namespace {

constexpr const char* kSocket = "/.s.PGSQL.5432";
constexpr int kPollMs = 50;

sockaddr_un address_of(const std::string& folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = folder + kSocket;
  LK_ASSERT(path.size() < sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  return address;
}

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string receive(int from) {
  std::array<char, 65536> buffer{};
  const ssize_t count = ::recv(from, buffer.data(), buffer.size(), 0);
  return count <= 0 ? std::string() : std::string(buffer.data(), static_cast<size_t>(count));
}

}  // namespace

CuttingProxy::CuttingProxy(std::string server) : server_(std::move(server)) {
  folder_ = std::filesystem::temp_directory_path() / "latchkey-cut-XXXXXX";
  LK_ASSERT(::mkdtemp(folder_.data()) != nullptr);
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(folder_);
  LK_ASSERT(::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  LK_ASSERT(::listen(listener_, 16) == 0);
  accepting_ = std::jthread([this] { accept(); });
}

CuttingProxy::~CuttingProxy() {
  stopping_ = true;
  accepting_.join();
  sessions_.clear();
  ::close(listener_);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void CuttingProxy::cut_next_commit(Cut cut, std::function<void()> meanwhile) {
  const std::lock_guard lock(mutex_);
  next_ = cut;
  meanwhile_ = std::move(meanwhile);
}

void CuttingProxy::accept() {
  while (!stopping_) {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, kPollMs) <= 0) continue;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(server_);
    (void)::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    sessions_.emplace_back([this, client, server] { serve(client, server); });
  }
}

void CuttingProxy::serve(int client, int server) {
  bool goes_on = true;
  while (goes_on && !stopping_) {
    pollfd both[] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
    if (::poll(both, 2, kPollMs) <= 0) continue;
    if (both[0].revents != 0) goes_on = pass_to_server(client, server);
    if (goes_on && both[1].revents != 0) goes_on = pass(server, client);
  }
  ::close(server);
  ::close(client);
}

bool CuttingProxy::pass_to_server(int client, int server) {
  const std::string bytes = receive(client);
  if (bytes.empty()) return false;
  Cut cut = Cut::none;
  std::function<void()> meanwhile;
  // Not that of "READ COMMITTED".
  if (bytes.find(std::string_view("COMMIT\0", 7)) != bytes.npos) {
    const std::lock_guard lock(mutex_);
    cut = std::exchange(next_, Cut::none);
    meanwhile = std::exchange(meanwhile_, nullptr);
  }
  if (cut == Cut::none) return send_all(server, bytes);
  ++cuts_;
  if (cut == Cut::after) {
    (void)send_all(server, bytes);
    (void)receive(server);  // it was carried out
  }
  ::shutdown(server, SHUT_RDWR);
  if (meanwhile) meanwhile();
  return false;
}

bool CuttingProxy::pass(int from, int to) {
  const std::string bytes = receive(from);
  return !bytes.empty() && send_all(to, bytes);
}

}  // namespace latchkey
