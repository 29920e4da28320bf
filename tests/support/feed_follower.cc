// A gate without routes: follows a server's feed and answers on stdin what it would decide.
//
// `feed_follower URL CREDENTIAL_FILE [CA_FILE]` prints "loaded", and then for each line of stdin a
// line: "check TEXT" the decision; "hammer TEXT" checks it without pause in a thread from then on;
// "last" when a hammered check was last granted, in Unix milliseconds; "reach REVISION" whether it
// got there within five seconds; "status" revision, age and count of tokens. For tests/e2e.
// Thread safety: one thread.
#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "verify/remote_verifier.h"

namespace latchkey {
namespace {

std::string decide(const verify::RemoteVerifier& remote, Clock& clock, const std::string& text) {
  const auto checked = remote.verifier().check(
      text, std::nullopt, verify::ScopeRequirement::any_token(), {clock.now(), clock.ticks()});
  return checked ? "granted" : std::string(error_name(checked.error().code));
}

// What is checked without pause, and when it was last let through.
class Hammer {
 public:
  Hammer(const verify::RemoteVerifier& remote, Clock& clock, std::string text)
      : thread_([this, &remote, &clock, text = std::move(text)](std::stop_token stop) {
          while (!stop.stop_requested()) {
            const Instant before = clock.now();
            if (decide(remote, clock, text) == "granted") last_ms_ = before.ms;
            std::this_thread::sleep_for(Milliseconds(1));
          }
        }) {}
  int64_t last_ms() const { return last_ms_.load(); }

 private:
  std::atomic<int64_t> last_ms_{0};
  std::jthread thread_;
};

int run(const verify::RemoteOptions& options) {
  SystemClock clock;
  auto remote = verify::RemoteVerifier::connect(options, clock);
  if (!remote) {
    std::cout << "refused: " << remote.error().message << std::endl;
    return 1;
  }
  if (const auto loaded = (*remote)->load(); !loaded) {
    std::cout << "refused: " << loaded.error().message << std::endl;
    return 1;
  }
  std::jthread follower([&](std::stop_token stop) { (void)(*remote)->follow(stop); });
  std::unique_ptr<Hammer> hammer;
  std::cout << "loaded" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::string word = line.substr(0, line.find(' '));
    const std::string rest = line.size() > word.size() ? line.substr(word.size() + 1) : "";
    if (word == "check") {
      std::cout << decide(**remote, clock, rest) << std::endl;
    } else if (word == "hammer") {
      hammer = std::make_unique<Hammer>(**remote, clock, rest);
      std::cout << "begun" << std::endl;
    } else if (word == "last") {
      std::cout << (hammer ? hammer->last_ms() : 0) << std::endl;
    } else if (word == "reach") {
      const core::Revision revision{std::stoull(rest)};
      std::cout << ((*remote)->verifier().wait_for(revision, Milliseconds(5000)) ? "reached"
                                                                                 : "not reached")
                << std::endl;
    } else if (word == "status") {
      const auto status = (*remote)->verifier().status();
      std::cout << status.revision.number << ' ' << status.age.count() << ' ' << status.tokens
                << ' ' << (*remote)->keys().ids().size() << std::endl;
    }
  }
  return 0;
}

}  // namespace
}  // namespace latchkey

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  latchkey::verify::RemoteOptions options;
  options.server.url = argv[1];
  options.server.credential_file = argv[2];
  if (argc > 3) options.server.ca_file = argv[3];
  return latchkey::run(options);
}
