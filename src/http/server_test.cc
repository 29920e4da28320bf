#include "http/server.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <deque>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "http/server_test_util.h"
#include "http/worker_pool.h"

namespace latchkey::http {
namespace {

Response text(std::string body) { return make_response(200, "text/plain", std::move(body)); }

// Holds the replies of all requests until they are taken.
class Parking {
 public:
  FunctionHandler::Function handler() {
    return [this](const Request& request, Reply reply) {
      MutexLock lock(mutex_);
      request_ = &request;
      parked_.push_back(std::move(reply));
      changed_.notify_all();
    };
  }
  Reply take() {
    MutexLock lock(mutex_);
    while (parked_.empty()) changed_.wait(mutex_);
    Reply reply = std::move(parked_.front());
    parked_.pop_front();
    return reply;
  }
  const Request& request() {
    MutexLock lock(mutex_);
    return *request_;
  }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  std::deque<Reply> parked_ LK_GUARDED_BY(mutex_);
  const Request* request_ LK_GUARDED_BY(mutex_) = nullptr;
};

std::string unix_path(const char* name) {
  return testing::TempDir() + "lk_" + name + std::to_string(getpid()) + ".sock";
}

TEST(Server, AnswersExactly) {
  TestServer server([](const Request&, Reply reply) { reply.send(text("hi")); });
  RawSocket socket(server.port());
  socket.send(kGet);
  const RawAnswer answer = socket.receive();
  EXPECT_EQ(answer.head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n");
  EXPECT_EQ(answer.body, "hi");
}

TEST(Server, ShowsTheRequest) {
  std::string seen;
  TestServer server([&seen](const Request& request, Reply reply) {
    seen = std::string(request.method()) + " " + std::string(request.path()) + " " +
           std::string(request.query()) + " " + std::string(*request.header("X-NAME")) + " " +
           std::string(request.body()) + " " + std::string(request.peer_address());
    EXPECT_EQ(request.count_headers("x-two"), 2u);
    EXPECT_EQ(request.header("x-two"), std::nullopt);
    EXPECT_EQ(request.request_id().size(), 36u);
    reply.send(text(""));
  });
  RawSocket socket(server.port());
  socket.send(
      "PUT /p%20q?a=b?c HTTP/1.1\r\nHost: h\r\nx-name:  v \r\nX-Two: 1\r\nx-two: 2\r\n"
      "Content-Length: 4\r\n\r\nbody");
  EXPECT_EQ(socket.receive().status, 200);
  EXPECT_EQ(seen, "PUT /p%20q a=b?c v body 127.0.0.1");
}

TEST(Server, KeepsTheConnection) {
  TestServer server;
  RawSocket socket(server.port());
  for (int i = 0; i < 3; ++i) {
    socket.send(kGet);
    EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
  }
  EXPECT_EQ(server.server->counters().connections_total, 1u);
  EXPECT_EQ(server.server->counters().requests_total, 3u);
  EXPECT_EQ(server.server->counters().responses_by_class[2], 3u);
}

TEST(Server, ClosesWhenAsked) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n" + kGet);
  const RawAnswer answer = socket.receive();
  EXPECT_NE(answer.head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(socket.is_closed_within(1'000));
  EXPECT_EQ(server.server->counters().requests_total, 1u);
}

TEST(Server, ServesHttp10AndCloses) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(socket.receive().body, "GET /x|");
  EXPECT_TRUE(socket.is_closed_within(1'000));
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  Parking parking;
  TestServer server(parking.handler());
  RawSocket socket(server.port());
  socket.send(kGet + "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + kGet);
  for (const char* body : {"one", "two", "three"}) {
    Reply reply = parking.take();
    reply.send(text(body));
    EXPECT_EQ(socket.receive().body, body);
  }
}

TEST(Server, TakesRequestsByteByByte) {
  TestServer server;
  RawSocket socket(server.port());
  const std::string requests =
      "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n" +
      kGet;
  for (const char c : requests) {
    socket.send(std::string_view(&c, 1));
    usleep(50);
  }
  EXPECT_EQ(socket.receive().body, "POST /1|abc");
  EXPECT_EQ(socket.receive().body, "POST /2|abcde");
  EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
}

TEST(Server, KeepsViewsWhileTheBufferGrows) {
  TestServer server([](const Request& request, Reply reply) {
    EXPECT_EQ(request.method(), "POST");
    EXPECT_EQ(request.query(), "q");
    EXPECT_EQ(request.header("x-mark"), "mark");
    reply.send(text(std::string(request.body())));
  });
  RawSocket socket(server.port());
  const std::string body(900'000, 'b');
  for (int i = 0; i < 2; ++i) {
    socket.send("POST /p?q HTTP/1.1\r\nHost: h\r\nX-Mark: mark\r\nContent-Length: 900000\r\n\r\n");
    socket.send(body);
    EXPECT_EQ(socket.receive().body, body);
  }
}

TEST(Server, SendsLargeAnswers) {
  const std::string body(5'000'000, 'x');
  TestServer server([&body](const Request&, Reply reply) { reply.send(text(body)); });
  RawSocket socket(server.port());
  socket.send(kGet + kGet);
  usleep(20'000);  // so that the socket's buffer fills
  EXPECT_EQ(socket.receive().body, body);
  EXPECT_EQ(socket.receive().body, body);
}

TEST(Server, AnswersExpectContinue) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(socket.receive().head, "HTTP/1.1 100 Continue\r\n");
  socket.send("ab");
  EXPECT_EQ(socket.receive().body, "POST /|ab");
}

TEST(Server, HeadHasLengthAndNoBody) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n" + kGet);
  EXPECT_NE(socket.receive(true).head.find("Content-Length: 8\r\n"), std::string::npos);
  EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
}

TEST(Server, NoContentHasNoLength) {
  TestServer server([](const Request&, Reply reply) {
    Response response;
    response.status = 204;
    reply.send(std::move(response));
  });
  RawSocket socket(server.port());
  socket.send(kGet);
  EXPECT_EQ(socket.receive().head, "HTTP/1.1 204 No Content\r\n");
}

TEST(Server, SendsNoHeaderThatWouldSplitTheAnswer) {
  for (const auto& header :
       std::vector<std::pair<std::string, std::string>>{{"X", "a\r\nSet-Cookie: b"},
                                                        {"X Y", "a"},
                                                        {"Content-Length", "5"},
                                                        {"transfer-encoding", "chunked"},
                                                        {"X", "a\nb"}}) {
    TestServer server([&](const Request&, Reply reply) {
      reply.send(text("body").add_header(header.first, header.second));
    });
    RawSocket socket(server.port());
    socket.send(kGet);
    const RawAnswer answer = socket.receive();
    EXPECT_EQ(answer.status, 500) << header.first;
    EXPECT_TRUE(is_of_type(answer, "InternalException")) << answer.body;
    EXPECT_EQ(answer.head.find("Set-Cookie"), std::string::npos);
    EXPECT_NE(server.log.text().find("http.response_invalid"), std::string::npos);
  }
}

TEST(Server, SendsAnAnswerFromAnotherThread) {
  WorkerPool pool(2, 100);
  TestServer server([&pool](const Request& request, Reply reply) {
    pool.post([&request, reply = std::move(reply)]() mutable { echo(request, std::move(reply)); });
  });
  RawSocket socket(server.port());
  for (int i = 0; i < 20; ++i) socket.send(kGet);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
}

TEST(Server, DroppedReplyIs500) {
  TestServer server([](const Request&, Reply) {});
  RawSocket socket(server.port());
  socket.send(kGet + kGet);
  const RawAnswer answer = socket.receive();
  EXPECT_EQ(answer.status, 500);
  EXPECT_TRUE(is_of_type(answer, "InternalException")) << answer.body;
  EXPECT_EQ(socket.receive().status, 500);
}

TEST(Server, ReplyDroppedLaterIs500) {
  Parking parking;
  TestServer server(parking.handler());
  RawSocket socket(server.port());
  socket.send(kGet);
  { const Reply dropped = parking.take(); }
  EXPECT_EQ(socket.receive().status, 500);
}

TEST(Server, HandlerThatThrowsIs500) {
  TestServer server([](const Request&, Reply reply) {
    const Reply mine = std::move(reply);
    throw std::runtime_error("of a library");
  });
  RawSocket socket(server.port());
  socket.send(kGet);
  EXPECT_EQ(socket.receive().status, 500);
  EXPECT_NE(server.log.text().find("http.handler_threw reason=of a library"), std::string::npos);
}

TEST(Server, PeerGoneBeforeALateReply) {
  Parking parking;
  TestServer server(parking.handler());
  {
    RawSocket socket(server.port());
    socket.reset_on_close();
    socket.send("GET /gone HTTP/1.1\r\nHost: h\r\n\r\n");
    Reply reply = parking.take();
    socket.close();
    usleep(10'000);
    EXPECT_EQ(parking.request().path(), "/gone");
    reply.send(text("late"));
  }
  wait_until([&] { return server.server->counters().connections_open == 0; });
}

TEST(Server, ReplyOutlivesTheServer) {
  Parking parking;
  auto server = std::make_unique<TestServer>(parking.handler());
  RawSocket socket(server->port());
  socket.send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
  Reply reply = parking.take();
  server.reset();
  EXPECT_EQ(parking.request().path(), "/late");  // its views are still good
  reply.send(text("into the void"));
  EXPECT_EQ(socket.receive().status, 0);
}

TEST(ServerStop, LetsARequestInProgressEnd) {
  Parking parking;
  TestServer server(parking.handler());
  RawSocket idle(server.port());
  RawSocket kept(server.port());
  RawSocket busy(server.port());
  kept.send(kGet);
  parking.take().send(text("kept"));
  EXPECT_EQ(kept.receive().body, "kept");
  busy.send(kGet);
  Reply reply = parking.take();
  wait_until([&] { return server.server->counters().connections_open == 3; });

  std::jthread stopping([&] { server.server->stop(Milliseconds(3'000)); });
  EXPECT_TRUE(idle.is_closed_within(1'000));
  EXPECT_TRUE(kept.is_closed_within(1'000));
  EXPECT_FALSE(RawSocket(server.port()).connected());
  reply.send(text("done"));
  const RawAnswer answer = busy.receive();
  EXPECT_EQ(answer.body, "done");
  EXPECT_NE(answer.head.find("Connection: close\r\n"), std::string::npos);
  busy.close();
  stopping.join();
  EXPECT_EQ(server.server->counters().connections_open, 0u);
  server.server->stop(Milliseconds(3'000));  // does nothing
}

TEST(ServerStop, EndsAfterItsGrace) {
  Parking parking;
  TestServer server(parking.handler());
  RawSocket socket(server.port());
  socket.send(kGet);
  Reply reply = parking.take();
  const auto before = std::chrono::steady_clock::now();
  server.server->stop(Milliseconds(50));
  EXPECT_LT(std::chrono::steady_clock::now() - before, Milliseconds(1'000));
  EXPECT_TRUE(socket.is_closed_within(1'000));
  reply.send(text("late"));
}

TEST(ServerLog, AccessLineHasNoQueryAndNoHeader) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("GET /" + std::string(84, 'p') +
              "?token=secret HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer secret\r\n\r\n");
  EXPECT_EQ(socket.receive().status, 200);
  wait_until([&] { return !server.log.text().empty(); });
  const std::string line = server.log.text();
  EXPECT_TRUE(line.starts_with("http.request id="));
  EXPECT_NE(line.find(" method=GET path=/[84 bytes] status=200 bytes="), std::string::npos);
  EXPECT_NE(line.find(" duration_us="), std::string::npos);
  EXPECT_NE(line.find(" peer=127.0.0.1"), std::string::npos);
  EXPECT_EQ(line.find("secret"), std::string::npos);
}

TEST(ServerLog, RefusalIsLogged) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("GET / HTTP/3.0\r\n\r\n");
  const RawAnswer answer = socket.receive();
  const size_t id_at = answer.head.find("ActivityId: ") + 12;
  const std::string id = answer.head.substr(id_at, 36);
  wait_until([&] { return server.log.text().find("id=" + id) != std::string::npos; });
  EXPECT_NE(server.log.text().find("status=505"), std::string::npos);
}

TEST(ServerEndpoint, UnixSocketIsForItsOwnerOnly) {
  ServerOptions options;
  options.endpoint.unix_path = unix_path("mode");
  options.threads = 2;
  {
    TestServer server([](const Request& request,
                         Reply reply) { reply.send(text(std::string(request.peer_address()))); },
                      options);
    struct stat status {};
    ASSERT_EQ(stat(options.endpoint.unix_path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(server.port(), 0);
    for (int i = 0; i < 4; ++i) {
      RawSocket socket(options.endpoint.unix_path);
      socket.send(kGet);
      EXPECT_EQ(socket.receive().body, "unix");
    }
  }
  EXPECT_NE(access(options.endpoint.unix_path.c_str(), F_OK), 0);
}

TEST(ServerEndpoint, RefusesWhatIsTakenOrMalformed) {
  SystemClock clock;
  SystemEntropy entropy;
  FunctionHandler handler(echo);
  const auto log = make_null_log();
  const ServerDependencies dependencies{clock, entropy, *log, handler};
  const auto error_of = [&](const ServerOptions& options) {
    auto server = start_server(options, dependencies);
    return server ? std::string("started") : server.error().field;
  };
  ServerOptions options;
  options.endpoint.unix_path = unix_path("taken");
  options.endpoint.address = "127.0.0.1";
  TestServer on_unix(echo, options);
  EXPECT_EQ(error_of(options), "unix_path");
  options.endpoint.unix_path = unix_path("file");
  fclose(fopen(options.endpoint.unix_path.c_str(), "w"));
  EXPECT_EQ(error_of(options), "unix_path");
  unlink(options.endpoint.unix_path.c_str());
  options.endpoint.unix_path = "/" + std::string(120, 'x');
  EXPECT_EQ(error_of(options), "unix_path");
  options.endpoint.unix_path.clear();
  const TestServer on_port(echo, options);
  options.endpoint.port = on_port.port();
  EXPECT_EQ(error_of(options), "port");
  options.endpoint.address = "localhost";
  EXPECT_EQ(error_of(options), "address");
}

TEST(ServerEndpoint, ReplacesAStaleSocketFile) {
  ServerOptions options;
  options.endpoint.unix_path = unix_path("stale");
  {
    const int stale = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, options.endpoint.unix_path.c_str());
    ASSERT_EQ(::bind(stale, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(stale);
  }
  TestServer server(echo, options);
  RawSocket socket(options.endpoint.unix_path);
  socket.send(kGet);
  EXPECT_EQ(socket.receive().status, 200);
}

TEST(ServerEndpoint, SpreadsConnectionsOverThreads) {
  ServerOptions options;
  options.threads = 4;
  Mutex mutex;
  std::vector<std::thread::id> seen;
  TestServer server(
      [&](const Request& request, Reply reply) {
        {
          MutexLock lock(mutex);
          seen.push_back(std::this_thread::get_id());
        }
        echo(request, std::move(reply));
      },
      options);
  for (int i = 0; i < 40; ++i) {
    RawSocket socket(server.port());
    socket.send(kGet);
    EXPECT_EQ(socket.receive().status, 200);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_GT(std::unique(seen.begin(), seen.end()) - seen.begin(), 1);
  EXPECT_EQ(server.server->counters().requests_total, 40u);
}

}  // namespace
}  // namespace latchkey::http
