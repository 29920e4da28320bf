// The rules of docs/spec/http.md about what is refused, each as bytes on a socket.
#include <gtest/gtest.h>

#include "http/tls_test_util.h"

namespace latchkey::http {
namespace {

struct Case {
  const char* name;
  std::string bytes;
  int status;
};

std::string with_headers(const std::string& lines) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

std::string chunked(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

std::string with_line(const std::string& line) { return line + "\r\nHost: h\r\n\r\n"; }

ServerOptions small_limits() {
  ServerOptions options;
  options.limits.head_bytes_max = 2048;
  options.limits.headers_max = 10;
  options.limits.target_bytes_max = 200;
  options.limits.body_bytes_max = 1000;
  options.limits.head_timeout = Milliseconds(60);
  options.limits.body_timeout = Milliseconds(60);
  options.limits.idle_timeout = Milliseconds(60);
  return options;
}

std::vector<Case> framing_cases() {
  return {
      {"ContentLengthWithTransferEncoding",
       with_headers("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
      {"TransferEncodingWithContentLength",
       with_headers("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") + "0\r\n\r\n", 400},
      {"UnknownTransferEncodingWithContentLength",
       with_headers("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n") + "abc", 400},
      {"TwoContentLengthsThatDiffer",
       with_headers("Content-Length: 3\r\nContent-Length: 4\r\n") + "abcd", 400},
      {"TwoContentLengthsAlike", with_headers("Content-Length: 3\r\nContent-Length: 3\r\n") + "abc",
       400},
      {"ContentLengthList", with_headers("Content-Length: 3, 3\r\n") + "abc", 400},
      {"ContentLengthSigned", with_headers("Content-Length: +3\r\n") + "abc", 400},
      {"ContentLengthNegative", with_headers("Content-Length: -3\r\n") + "abc", 400},
      {"ContentLengthHexadecimal", with_headers("Content-Length: 0x3\r\n") + "abc", 400},
      {"ContentLengthEmpty", with_headers("Content-Length: \r\n"), 400},
      {"ContentLengthOverflow", with_headers("Content-Length: 99999999999999999999\r\n"), 400},
      {"TransferEncodingUnknown", with_headers("Transfer-Encoding: gzip\r\n"), 501},
      {"TransferEncodingIdentity", with_headers("Transfer-Encoding: identity\r\n"), 501},
      {"TransferEncodingList", with_headers("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"TransferEncodingChunkedTwice", with_headers("Transfer-Encoding: chunked, chunked\r\n"),
       501},
      {"TransferEncodingQuoted", with_headers("Transfer-Encoding: \"chunked\"\r\n"), 501},
      {"TransferEncodingVerticalTab",
       with_headers("Transfer-Encoding: \x0b"
                    "chunked\r\n"),
       400},
      {"TwoTransferEncodings",
       with_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"TwoTransferEncodingsThatDiffer",
       with_headers("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"TransferEncodingInHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"TwoHosts", with_headers("Host: h\r\n"), 400},
      {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
      {"HostList", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"HostWithUser", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400},
      {"UnknownExpectation", with_headers("Expect: 200-ok\r\n"), 417},
  };
}

std::vector<Case> line_cases() {
  return {
      {"BareLineFeedInRequestLine", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
      {"BareLineFeedInHeader", "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
      {"BareLineFeedAtEndOfHead", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
      {"BareCarriageReturnInValue", with_headers("X: a\rb\r\n"), 400},
      {"BareCarriageReturnInRequestLine", with_line("GET /a\r HTTP/1.1"), 400},
      {"NulInValue", with_headers("X: a" + std::string(1, '\0') + "b\r\n"), 400},
      {"ControlCharacterInValue",
       with_headers("X: a\x01"
                    "b\r\n"),
       400},
      {"DeleteInValue", with_headers("X: a\x7f\r\n"), 400},
      {"FoldedHeaderWithSpace", with_headers("X: a\r\n b\r\n"), 400},
      {"FoldedHeaderWithTab", with_headers("X: a\r\n\tb\r\n"), 400},
      {"SpaceBeforeFirstHeader", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {"SpaceBeforeColon", with_headers("X : a\r\n"), 400},
      {"TabBeforeColon", with_headers("X\t: a\r\n"), 400},
      {"SpaceInName", with_headers("X Y: a\r\n"), 400},
      {"EmptyName", with_headers(": a\r\n"), 400},
      {"NoColon", with_headers("X\r\n"), 400},
      {"NameBeyondAscii", with_headers("X\xc3\xa4: a\r\n"), 400},
      {"NameWithBracket", with_headers("X[]: a\r\n"), 400},
      {"EmptyLineFirst", "\r\n" + kGet, 400},
      {"TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7), 400},
      {"LowerCaseMethod", with_line("get / HTTP/1.1"), 400},
      {"MethodWithSlash", with_line("GE/T / HTTP/1.1"), 400},
      {"MethodTooLong", with_line(std::string(33, 'A') + " / HTTP/1.1"), 400},
      {"TwoSpacesAfterMethod", with_line("GET  / HTTP/1.1"), 400},
      {"TabAfterMethod", with_line("GET\t/ HTTP/1.1"), 400},
      {"TwoSpacesBeforeVersion", with_line("GET /  HTTP/1.1"), 400},
      {"SpaceAfterVersion", with_line("GET / HTTP/1.1 "), 400},
      {"Http09", "GET /\r\n", 400},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"Http12", with_line("GET / HTTP/1.2"), 505},
      {"LowerCaseVersion", with_line("GET / http/1.1"), 400},
      {"LongVersion", with_line("GET / HTTP/1.10"), 400},
      {"AbsoluteForm", with_line("GET http://h/ HTTP/1.1"), 400},
      {"AuthorityForm", with_line("CONNECT h:443 HTTP/1.1"), 400},
      {"AsteriskForm", with_line("OPTIONS * HTTP/1.1"), 400},
      {"TargetBeyondAscii", with_line("GET /\xc3\xa4 HTTP/1.1"), 400},
      {"TargetWithControlCharacter", with_line("GET /\x01 HTTP/1.1"), 400},
      {"TargetWithNul", with_line("GET /" + std::string(1, '\0') + " HTTP/1.1"), 400},
      {"TargetWithDelete", with_line("GET /\x7f HTTP/1.1"), 400},
      {"TargetWithFragment", with_line("GET /#a HTTP/1.1"), 400},
  };
}

std::vector<Case> size_cases() {
  std::string many_headers;
  for (int i = 0; i < 10; ++i) many_headers += "X: y\r\n";
  return {
      {"TargetTooLong", with_line("GET /" + std::string(200, 'a') + " HTTP/1.1"), 414},
      {"TargetWithoutEnd", "GET /" + std::string(400, 'a'), 414},
      {"HeadTooLarge", with_headers("X: " + std::string(2048, 'a') + "\r\n"), 431},
      {"HeadWithoutEnd", "GET / HTTP/1.1\r\nX: " + std::string(2100, 'a'), 431},
      {"TooManyHeaders", with_headers(many_headers), 431},
      {"BodyTooLarge", with_headers("Content-Length: 1001\r\n") + std::string(1001, 'a'), 413},
      {"BodyTooLargeWhileExpectingContinue",
       with_headers("Expect: 100-continue\r\nContent-Length: 1001\r\n"), 413},
      {"ChunkTooLarge", chunked("3e9\r\n" + std::string(1001, 'a') + "\r\n0\r\n\r\n"), 413},
      {"ChunksTooLargeTogether",
       chunked("1f4\r\n" + std::string(500, 'a') + "\r\n1f5\r\n" + std::string(501, 'a')), 413},
  };
}

std::vector<Case> chunk_cases() {
  const std::string long_text(2'000, 'a');
  return {
      {"ChunkSizeOverflow", chunked("fffffffffffffffff\r\n"), 400},
      {"ChunkSizeNotHexadecimal", chunked("x\r\n"), 400},
      {"ChunkSizeWithPrefix", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeSigned", chunked("+3\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeEmpty", chunked("\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeWithSpace", chunked("3 \r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkLineWithBareLineFeed", chunked("3\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkExtensionWithBareLineFeed", chunked("3;a\nb\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkDataWithoutEnd", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400},
      {"ChunkDataWithBareLineFeed", chunked("3\r\nabc\n0\r\n\r\n"), 400},
      {"ChunkExtensionTooLong", chunked("3;a=" + long_text + "\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkExtensionWithoutEnd", chunked("3;a=" + std::string(20'000, 'a')), 400},
      {"TrailerThatFrames", chunked("0\r\nContent-Length: 7\r\n\r\n"), 400},
      {"TrailerFolded", chunked("0\r\nX: a\r\n b\r\n\r\n"), 400},
      {"TrailerWithBareLineFeed", chunked("0\r\nX: a\nY: b\r\n\r\n"), 400},
      {"TrailerWithNul", chunked("0\r\nX: " + std::string(1, '\0') + "\r\n\r\n"), 400},
      {"TrailersTooLong", chunked("0\r\nX: " + std::string(9'000, 'a') + "\r\n\r\n"), 400},
      {"TrailersWithoutEnd", chunked("0\r\nX: " + std::string(20'000, 'a')), 400},
  };
}

void refused(const Case& row, TestServer& server, RawSocket&& socket) {
  socket.send(row.bytes + kGet);  // a smuggled request would be answered after
  const RawAnswer answer = socket.receive();
  EXPECT_EQ(answer.status, row.status) << answer.body;
  EXPECT_NE(answer.head.find("Connection: close\r\n"), std::string::npos);
  EXPECT_NE(answer.head.find("ActivityId: "), std::string::npos);
  EXPECT_NE(answer.body.find(R"("typeKey":"VssRequestMalformedException")"), std::string::npos);
  EXPECT_TRUE(socket.is_closed_within(1'000));
  EXPECT_EQ(server.server->counters().malformed_total, 1u);
}

class RefusedRequest : public testing::TestWithParam<Case> {
 protected:
  static void sees_none(const Request& request, Reply reply) {
    ADD_FAILURE() << "a handler saw " << request.path();
    reply.send(make_response(200, "text/plain", ""));
  }
};

TEST_P(RefusedRequest, GetsItsStatusAndAClosedConnection) {
  TestServer server(sees_none, small_limits());
  refused(GetParam(), server, RawSocket(server.port()));
}

TEST_P(RefusedRequest, AlsoWithinTls) {
  ServerOptions options = small_limits();
  options.limits.head_timeout = Milliseconds(5'000);  // for the handshake
  TestServer server(sees_none, options, &any_publication());
  refused(GetParam(), server, TlsSocket(server.port()));
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Framing, RefusedRequest, testing::ValuesIn(framing_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Line, RefusedRequest, testing::ValuesIn(line_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Size, RefusedRequest, testing::ValuesIn(size_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Chunk, RefusedRequest, testing::ValuesIn(chunk_cases()), name_of);

// What looks like the above and is right.
class ServedRequest : public testing::TestWithParam<Case> {};

std::vector<Case> served_cases() {
  std::string most_headers;
  for (int i = 0; i < 9; ++i) most_headers += "X: y\r\n";
  std::string largest = with_headers("X: \r\n");
  largest.insert(largest.size() - 4, std::string(2048 - largest.size(), 'a'));
  return {
      {"LongestTarget", with_line("GET /" + std::string(199, 'a') + " HTTP/1.1"), 200},
      {"LargestHead", largest, 200},
      {"MostHeaders", with_headers(most_headers), 200},
      {"LargestBody", with_headers("Content-Length: 1000\r\n") + std::string(1000, 'a'), 200},
      {"LargestChunkedBody", chunked("3e8\r\n" + std::string(1000, 'a') + "\r\n0\r\n\r\n"), 200},
      {"ChunkExtension", chunked("3;a=\"b\"\r\nabc\r\n0\r\n\r\n"), 200},
      {"Trailer", chunked("0\r\nX: y\r\n\r\n"), 200},
      {"ContentLengthWithZeros", with_headers("Content-Length: 003\r\n") + "abc", 200},
      {"EncodingInCapitals", with_headers("Transfer-Encoding: CHUNKED\r\n") + "0\r\n\r\n", 200},
      {"HostWithPort", "GET / HTTP/1.1\r\nhost:[::1]:80\r\n\r\n", 200},
      {"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 200},
      {"ValueBeyondAscii", with_headers("X: \xc3\xa4\r\n"), 200},
      {"ValueWithTab", with_headers("X: a\tb\r\n"), 200},
  };
}

void served(const Case& row, RawSocket&& socket) {
  socket.send(row.bytes + kGet);
  EXPECT_EQ(socket.receive().status, 200);
  EXPECT_EQ(socket.receive().body, "GET /a?b=c|");
}

TEST_P(ServedRequest, LeavesTheNextRequestWhole) {
  TestServer server(echo, small_limits());
  served(GetParam(), RawSocket(server.port()));
}

TEST_P(ServedRequest, AlsoWithinTls) {
  ServerOptions options = small_limits();
  options.limits.head_timeout = Milliseconds(5'000);  // for the handshake
  TestServer server(echo, options, &any_publication());
  served(GetParam(), TlsSocket(server.port()));
}

INSTANTIATE_TEST_SUITE_P(Edge, ServedRequest, testing::ValuesIn(served_cases()), name_of);

TEST(ServerTimeout, SlowHeadIs408) {
  TestServer server(echo, small_limits());
  RawSocket socket(server.port());
  socket.send("GET / HT");
  EXPECT_EQ(socket.receive().status, 408);
  EXPECT_TRUE(socket.is_closed_within(1'000));
}

TEST(ServerTimeout, DrippedHeadIs408) {
  TestServer server(echo, small_limits());
  RawSocket socket(server.port());
  socket.send("GET / HTTP/1.1\r\nX: ");
  for (int i = 0; i < 100 && !socket.is_readable(); ++i) {  // each byte in time, the head not
    usleep(5'000);
    socket.send("a");
  }
  EXPECT_EQ(socket.receive().status, 408);
}

TEST(ServerTimeout, SlowBodyIs408) {
  TestServer server(echo, small_limits());
  RawSocket socket(server.port());
  socket.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(socket.receive().status, 408);
  EXPECT_TRUE(socket.is_closed_within(1'000));
}

TEST(ServerTimeout, SlowChunkIs408) {
  TestServer server(echo, small_limits());
  RawSocket socket(server.port());
  socket.send(chunked("5\r\nab"));
  EXPECT_EQ(socket.receive().status, 408);
}

TEST(ServerTimeout, SilentConnectionIsClosed) {
  TestServer server(echo, small_limits());
  RawSocket socket(server.port());
  EXPECT_TRUE(socket.is_closed_within(1'000));
}

TEST(ServerTimeout, IdleKeptConnectionIsClosed) {
  TestServer server(echo, small_limits());
  RawSocket socket(server.port());
  socket.send(kGet);
  EXPECT_EQ(socket.receive().status, 200);
  EXPECT_TRUE(socket.is_closed_within(1'000));
}

TEST(ServerTimeout, PeerThatTakesNoAnswerIsClosed) {
  ServerOptions options = small_limits();
  options.limits.write_timeout = Milliseconds(60);
  TestServer server(
      [](const Request&, Reply reply) {
        reply.send(make_response(200, "text/plain", std::string(16 * 1024 * 1024, 'x')));
      },
      options);
  RawSocket socket(server.port());
  socket.send(kGet);
  const auto is_over = [&server] {
    const ServerCounters counters = server.server->counters();
    return counters.requests_total == 1 && counters.connections_open == 0;
  };
  for (int i = 0; i < 300 && !is_over(); ++i) usleep(5'000);
  EXPECT_TRUE(is_over());
}

}  // namespace
}  // namespace latchkey::http
