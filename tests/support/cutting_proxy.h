// A proxy before a PostgreSQL server on a Unix socket that cuts a session at its COMMIT.
//
// Thread safety: any thread.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace latchkey {

class CuttingProxy {
 public:
  // before: the server never gets the COMMIT. after: it carries it out, and nobody gets its answer.
  enum class Cut { none, before, after };

  // `server` is the folder of the server's socket.
  explicit CuttingProxy(std::string server);
  ~CuttingProxy();

  // The folder of the socket to connect to.
  const std::string& folder() const { return folder_; }
  // `meanwhile` runs after the server's side was cut and before the client's is.
  void cut_next_commit(Cut cut, std::function<void()> meanwhile = nullptr);
  int cuts() const { return cuts_; }

 private:
  void accept();
  void serve(int client, int server);
  // Whether the session goes on.
  bool pass_to_server(int client, int server);
  bool pass(int from, int to);

  const std::string server_;
  std::string folder_;
  int listener_ = -1;
  std::mutex mutex_;
  Cut next_ = Cut::none;
  std::function<void()> meanwhile_;
  std::atomic<int> cuts_{0};
  std::atomic<bool> stopping_{false};
  std::vector<std::jthread> sessions_;  // of the accepting thread
  std::jthread accepting_;
};

}  // namespace latchkey
