// The floor of every request: a server whose handler answers a small JSON text at once.
//
// Run it beside nginx `return 200` with the same text on the same core, load both with wrk, and
// compare user and system time per request (/proc/PID/stat): wrk saturates before either does. With
// a certificate it speaks TLS (http_tls.py). usage: http_hello PORT [THREADS [CERTIFICATE_FILE
// KEY_FILE]]
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "http/server.h"
#include "http/tls.h"

namespace {

class Hello final : public latchkey::http::Handler {
 public:
  void handle(const latchkey::http::Request&, latchkey::http::Reply reply) override {
    reply.send(latchkey::http::make_response(200, "application/json", R"({"status":"ok"})"));
  }
};

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: http_hello PORT [THREADS [CERTIFICATE_FILE KEY_FILE]]\n");
    return 2;
  }
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // before the threads, which inherit it

  latchkey::SystemClock clock;
  latchkey::SystemEntropy entropy;
  const auto log = latchkey::make_null_log();
  Hello hello;
  latchkey::http::ServerOptions options;
  options.endpoint = {"127.0.0.1", static_cast<uint16_t>(std::atoi(argv[1])), ""};
  options.threads = argc > 2 ? std::atoi(argv[2]) : 1;
  options.access_log = false;
  latchkey::http::TlsPublication publication;
  if (argc > 4) {
    auto context = latchkey::http::TlsContext::make(
        {read_file(argv[3]), latchkey::SecretText::take(read_file(argv[4]))});
    if (!context) {
      std::fprintf(stderr, "the %s %s\n", context.error().field.c_str(),
                   context.error().message.c_str());
      return 1;
    }
    publication.publish(*context);
  }
  auto server = latchkey::http::start_server(
      options, {clock, entropy, *log, hello, argc > 4 ? &publication : nullptr});
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().message.c_str());
    return 1;
  }
  int signal = 0;
  sigwait(&ends, &signal);
  (*server)->stop(latchkey::Milliseconds(1'000));
  return 0;
}
