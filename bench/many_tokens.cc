// Two statements of docs/security.md that need numbers: of ten million tokens no two are alike
// (check 1), and wrong tokens of each kind get one and the same refusal (check 6).
//
// The entropy is the system's. Texts are compared by 64 bits of their SHA-256, which two of 10^7
// different ones share with a probability below 10^-5.
// usage: many_tokens [TOKENS] [WRONG_ONES_OF_EACH_KIND]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "api/errors.h"
#include "base/text.h"
#include "core/token_text.h"
#include "gate/credential.h"
#include "verify/verifier.h"

namespace latchkey::bench {
namespace {

const Instant kNow{1'780'000'000'000};

std::string make_text(Entropy& entropy, const core::ProviderSignature& provider,
                      core::DigestKeyId key) {
  auto text = core::generate_token(provider, key, kNow, entropy);
  if (!text) std::abort();
  return std::string(text->reveal(RevealSecret{}));
}

bool none_repeats(size_t count) {
  SystemEntropy entropy;
  const auto provider = core::ProviderSignature::standard();
  std::vector<uint64_t> seen(count);
  for (uint64_t& mark : seen) {
    const std::string text = make_text(entropy, provider, {});
    const Digest digest = sha256(as_bytes(std::string_view(text).substr(0, 52)));
    std::memcpy(&mark, digest.data(), sizeof mark);
  }
  std::sort(seen.begin(), seen.end());
  const bool repeats = std::adjacent_find(seen.begin(), seen.end()) != seen.end();
  std::printf("%zu tokens: %s\n", count, repeats ? "FAILED: two are alike" : "no two are alike");
  return !repeats;
}

// An index in which nobody has a token.
class EmptyFeed final : public verify::Feed {
 public:
  Result<verify::Reached> load(const Sink&) override { return verify::Reached{{{}, {1}}}; }
  Result<verify::Reached> follow(const core::Position& after, Milliseconds, const Sink&) override {
    return verify::Reached{after};
  }
};

// What is wrong with a text, and a way to make one.
struct Kind {
  const char* name;
  std::string (*make)(std::string good, size_t number);
};

char other(char c, size_t number) {
  static constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const char next = kLetters[number % kLetters.size()];
  return next == c ? '-' : next;
}

constexpr Kind kKinds[] = {
    {"well-formed, issued by nobody", [](std::string good, size_t) { return good; }},
    {"one character off",
     [](std::string good, size_t number) {
       good[number % good.size()] = other(good[number % good.size()], number);
       return good;
     }},
    {"another checksum",
     [](std::string good, size_t number) {
       good[80 + number % 4] = other(good[80 + number % 4], number);
       return good;
     }},
    {"cut", [](std::string good, size_t number) { return good.substr(0, 1 + number % 83); }},
    {"longer",
     [](std::string good, size_t number) { return good + std::string(1 + number % 900, 'A'); }},
    {"in lower case", [](std::string good, size_t) { return ascii_lower(good); }},
    {"52 characters, the old form", [](std::string good, size_t) { return good.substr(0, 52); }},
    {"words", [](std::string, size_t number) { return "password-" + std::to_string(number); }},
    {"no ASCII", [](std::string good, size_t) { return "\xc3\xbc" + good.substr(2); }},
};

std::string refuse(const verify::Verifier& verifier, const std::string& text) {
  static const auto required = verify::ScopeRequirement::any_token();
  const auto grant = verifier.check(text, std::nullopt, required, {kNow, {}});
  if (grant) std::abort();
  const http::Response response = api::error_response(grant.error(), {"https://host", false});
  std::string all = std::to_string(response.status) + '\n';
  for (const auto& [name, value] : response.headers) all += name + ": " + value + '\n';
  return all + response.body;
}

bool all_look_alike(size_t count) {
  SystemEntropy entropy;
  FakeClock clock(kNow);
  EmptyFeed feed;
  std::vector<std::pair<core::DigestKeyId, Hmac>> ring;
  ring.emplace_back(core::DigestKeyId{}, Hmac(SecretKey({1, 2, 3})));
  const core::DigestKeys keys(std::move(ring), core::DigestKeyId{});
  const auto provider = core::ProviderSignature::standard();
  verify::Verifier verifier(keys, provider, clock, {});
  if (!verifier.load(feed)) std::abort();
  const std::string first = refuse(verifier, "x");
  bool good = first.starts_with("401\n");
  for (const Kind& kind : kKinds) {
    size_t different = 0;
    for (size_t i = 0; i < count; ++i) {
      const std::string text = make_text(entropy, provider, {});
      different += refuse(verifier, kind.make(text, i)) != first;
    }
    std::printf("%-32s %zu refused, %zu in another way\n", kind.name, count, different);
    good = good && different == 0;
  }
  return good;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const size_t tokens = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const size_t wrong = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000;
  const bool alike = latchkey::bench::all_look_alike(wrong);
  return latchkey::bench::none_repeats(tokens) && alike ? 0 : 1;
}
