// Listening sockets, made with plain system calls.
//
// A TCP listener is opened once for each network thread on one port (SO_REUSEPORT), a Unix one once
// for all. Accepted sockets are non-blocking, closed on exec, and have TCP_NODELAY.
// Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/server.h"

namespace latchkey::http {

// A file descriptor that is closed at the end.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();

  int number() const { return number_; }
  int release();

 private:
  int number_ = -1;
};

// The listening sockets of one endpoint, one for each thread.
struct Listeners {
  std::vector<FileDescriptor> sockets;
  uint16_t port = 0;          // 0 for a Unix socket
  uint64_t socket_inode = 0;  // of the file of a Unix socket
};

// Errors: configuration (`field` is "address", "port" or "unix_path").
Result<Listeners> open_listeners(const Endpoint& endpoint, int threads);

// Removes the socket file at `path`, unless another has taken the place of the one with `inode`.
void remove_socket_file(const std::string& path, uint64_t inode);

// What one attempt to accept came to.
enum class AcceptOutcome { accepted, none_waiting, try_next, out_of_resources };
struct Accepted {
  AcceptOutcome outcome;
  FileDescriptor socket;
  int family = 0;            // AF_INET, AF_INET6 or AF_UNIX
  std::string peer_address;  // as Request::peer_address()
};
Accepted accept_one(int listener);

// How long ago the kernel took the last bytes that came in on `socket`, which is how long they
// waited for whoever has just read them. Nothing for a socket that is not TCP.
std::optional<Milliseconds> find_wait(int socket);

}  // namespace latchkey::http
