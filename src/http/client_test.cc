#include "http/client.h"

#include <gtest/gtest.h>

#include "http/server_test_util.h"

namespace latchkey::http {
namespace {

ClientOptions options_for(const TestServer& server) {
  ClientOptions options;
  options.base_url = "http://127.0.0.1:" + std::to_string(server.port());
  options.timeout = Milliseconds(2'000);
  return options;
}

// Answers with the head it saw.
void show_head(const Request& request, Reply reply) {
  std::string text = std::string(request.method()) + "\n";
  for (const Header& header : request.headers()) {
    text.append(header.name).append(": ").append(header.value).append("\n");
  }
  reply.send(make_response(200, "text/plain", std::move(text)));
}

TEST(Client, SendsOnlyWhatItIsGiven) {
  TestServer server(show_head);
  Client client(options_for(server));
  ClientRequest request;
  request.target = "/";
  request.headers = {{"X-Name", "v"}, {"X-Empty", ""}};
  request.authorization = SecretText("Bearer abc");
  const auto response = client.send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "GET\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                                "\nX-Name: v\nX-Empty: \nAuthorization: Bearer abc\n");
  EXPECT_EQ(response->header("content-type"), "text/plain");
  EXPECT_EQ(response->header("x-none"), "");

  const auto without = client.send(ClientRequest{"GET", "/", {}, "", {}});
  ASSERT_TRUE(without);
  EXPECT_EQ(without->body.find("Authorization"), std::string::npos);
}

TEST(Client, SendsMethodTargetAndBody) {
  TestServer server;
  Client client(options_for(server));
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE"}) {
    const auto response = client.send(ClientRequest{method, "/a/../b?c=%20", {}, "body", {}});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, std::string(method) + " /a/../b?c=%20|body");
  }
  const auto head = client.send(ClientRequest{"HEAD", "/", {}, "", {}});
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->status, 200);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(client.send(ClientRequest{"POST", "/", {}, "", {}})->body, "POST /|");
}

TEST(Client, FollowsNoRedirect) {
  TestServer server([](const Request&, Reply reply) {
    reply.send(make_response(302, "text/plain", "").add_header("Location", "/elsewhere"));
  });
  Client client(options_for(server));
  const auto response = client.send(ClientRequest{"GET", "/", {}, "", {}});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->header("location"), "/elsewhere");
  EXPECT_EQ(server.server->counters().requests_total, 1u);
}

TEST(Client, BoundsTheAnswer) {
  TestServer server([](const Request&, Reply reply) {
    reply.send(make_response(200, "text/plain", std::string(1'000, 'x')));
  });
  ClientOptions options = options_for(server);
  options.response_bytes_max = 1'000;
  EXPECT_EQ(Client(options).send(ClientRequest{"GET", "/", {}, "", {}})->body.size(), 1'000u);
  options.response_bytes_max = 999;
  const auto refused = Client(options).send(ClientRequest{"GET", "/", {}, "", {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::request_malformed);
}

TEST(Client, TimesOut) {
  std::vector<Reply> parked;
  TestServer server([&parked](const Request&, Reply reply) { parked.push_back(std::move(reply)); });
  ClientOptions options = options_for(server);
  options.timeout = Milliseconds(50);
  const auto late = Client(options).send(ClientRequest{"GET", "/", {}, "", {}});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::timed_out);
}

TEST(Client, SaysWhereItCannotConnectTo) {
  ClientOptions options;
  options.base_url = "http://localhost";
  options.unix_path = testing::TempDir() + "lk_nobody.sock";
  const auto refused = Client(options).send(ClientRequest{"GET", "/", {}, "", {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::store_unavailable);
  EXPECT_NE(refused.error().message.find(options.unix_path), std::string::npos);
}

TEST(Client, UsesAUnixSocket) {
  ServerOptions server_options;
  server_options.endpoint.unix_path =
      testing::TempDir() + "lk_client" + std::to_string(getpid()) + ".sock";
  TestServer server(echo, server_options);
  ClientOptions options;
  options.base_url = "http://localhost";
  options.unix_path = server_options.endpoint.unix_path;
  const auto response = Client(options).send(ClientRequest{"GET", "/u", {}, "", {}});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "GET /u|");
}

TEST(Client, RefusesWhatWouldBecomeAnotherRequest) {
  TestServer server;
  Client client(options_for(server));
  const auto code_of = [&client](ClientRequest request) {
    const auto response = client.send(request);
    return response ? ErrorCode::internal : response.error().code;
  };
  EXPECT_EQ(code_of({"GET", "@evil/", {}, "", {}}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({"GET", "/ HTTP/1.1", {}, "", {}}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({"G T", "/", {}, "", {}}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({"GET", "/", {{"X", "a\r\nY: b"}}, "", {}}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of({"GET", "/", {}, "", SecretText("a\nb")}), ErrorCode::invalid_argument);
  EXPECT_EQ(server.server->counters().requests_total, 0u);
}

}  // namespace
}  // namespace latchkey::http
