// What the tests of the server share: a server with a handler made of a function, and its log.
//
// Thread safety: a RecordingLog from any thread.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/mutex.h"
#include "base/text.h"
#include "http/raw_socket_test_util.h"
#include "http/server.h"

namespace latchkey::http {

// A log that keeps its lines as "event name=value ...".
class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields) {
      line.append(" ").append(field.name).append("=").append(field.value);
    }
    MutexLock lock(mutex_);
    text_ += line + "\n";
  }
  std::string text() {
    MutexLock lock(mutex_);
    return text_;
  }

 private:
  Mutex mutex_;
  std::string text_ LK_GUARDED_BY(mutex_);
};

class FunctionHandler final : public Handler {
 public:
  using Function = std::function<void(const Request&, Reply)>;
  explicit FunctionHandler(Function function) : function_(std::move(function)) {}
  void handle(const Request& request, Reply reply) override {
    function_(request, std::move(reply));
  }

 private:
  Function function_;
};

// Answers with what it saw: "METHOD path?query|body".
inline void echo(const Request& request, Reply reply) {
  std::string text(request.method());
  text.append(" ").append(request.path());
  if (!request.query().empty()) text.append("?").append(request.query());
  text.append("|").append(request.body());
  reply.send(make_response(200, "text/plain", std::move(text)));
}

// A running server on a port of 127.0.0.1, or where `options` says.
class TestServer {
 public:
  explicit TestServer(FunctionHandler::Function function = echo, ServerOptions options = {},
                      const TlsPublication* tls = nullptr)
      : handler(std::move(function)) {
    const bool is_chosen = !options.endpoint.unix_path.empty() || !options.endpoint.address.empty();
    if (!is_chosen) options.endpoint.address = "127.0.0.1";
    auto started = start_server(options, {clock, entropy, log, handler, tls});
    LK_ASSERT(started.has_value());
    server = *std::move(started);
  }
  uint16_t port() const { return server->port(); }

  RecordingLog log;
  SystemClock clock;
  SystemEntropy entropy;
  FunctionHandler handler;
  std::unique_ptr<Server> server;  // ends first: it uses all of the above
};

// Waits four seconds at most.
inline void wait_until(const std::function<bool()>& is_true) {
  for (int i = 0; i < 2'000 && !is_true(); ++i) usleep(2'000);
  EXPECT_TRUE(is_true());
}

// Whether a refusal has the typeKey that clients branch on.
inline bool is_of_type(const RawAnswer& answer, std::string_view type_key) {
  return answer.body.find("\"typeKey\":\"" + std::string(type_key) + '"') != std::string::npos;
}

inline const std::string kGet = "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace latchkey::http
