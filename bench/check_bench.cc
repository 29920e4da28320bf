// P2 and P3: what a check costs and what a token takes, beside a keyed hash and one memory miss.
//
// Both loops run over the same texts in the same random order, in turns. In both, the next text
// depends on what was read for the one before, so that a miss cannot hide behind the next hash. The
// array of the reference is as large as the index and on the same kind of pages. Prints the lines
// of bench/README.md; with another number of tokens than ten million they are points of a curve.
// usage: check_bench [TOKENS] [ROUNDS]
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include "population.h"
#include "result.h"
#include "verify/page_array.h"
#include "verify/verifier.h"

namespace latchkey::bench {
namespace {

volatile uint64_t always_zero = 0;  // the compiler does not know, the processor must wait

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

constexpr uint64_t kGoalTokens = 10'000'000;
constexpr size_t kChecksMin = 1'000'000;  // a round, so that it is long enough to be timed

// Texts of one length, one after the other, in random order; those of few tokens again and again.
std::string shuffle_texts(const Population& population) {
  std::vector<size_t> order(population.samples().size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(4));
  std::string texts;
  while (texts.size() < kChecksMin * core::kTokenLength) {
    for (const size_t i : order) texts += population.samples()[i].text;
  }
  return texts;
}

double time_checks(const verify::Verifier& verifier, const std::string& texts, Clock& clock) {
  const size_t count = texts.size() / core::kTokenLength;
  const auto required = verify::ScopeRequirement::any_token();
  const verify::Moment moment{clock.now(), clock.ticks()};
  const uint64_t zero = always_zero;
  uint64_t granted = 0, skew = 0;
  const double begin = thread_time();
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text(texts.data() + i * core::kTokenLength + skew, core::kTokenLength);
    const auto grant = verifier.check(text, std::nullopt, required, moment);
    if (!grant) continue;
    ++granted;
    skew = grant->token().uuid.bytes[15] & zero;
  }
  const double time = (thread_time() - begin) / static_cast<double>(count);
  if (granted != count)
    std::fprintf(stderr, "only %lu of %zu granted\n", granted, count), std::exit(1);
  return time;
}

// What reading the text alone costs, without a hash.
double time_parse(const Population& population, const std::string& texts) {
  const size_t count = texts.size() / core::kTokenLength;
  uint64_t good = 0;
  const double begin = thread_time();
  for (size_t i = 0; i < count; ++i) {
    const std::string_view text(texts.data() + i * core::kTokenLength, core::kTokenLength);
    good += core::parse_token(population.provider(), text).has_value();
  }
  const double time = (thread_time() - begin) / static_cast<double>(count);
  if (good != count) std::fprintf(stderr, "only %lu of %zu parsed\n", good, count), std::exit(1);
  return time;
}

struct ReferenceTimes {
  double hash = 0;
  double hash_and_miss = 0;
};

ReferenceTimes time_reference(const Hmac& key, const std::string& texts,
                              const verify::PageArray& array) {
  const size_t count = texts.size() / core::kTokenLength;
  const auto* lines = static_cast<const uint64_t*>(array.data());
  const uint64_t line_count = array.size_bytes() / 64;
  const uint64_t zero = always_zero;
  ReferenceTimes times;
  for (const bool with_miss : {false, true}) {
    uint64_t skew = 0;
    const double begin = thread_time();
    for (size_t i = 0; i < count; ++i) {
      const std::string_view text(texts.data() + i * core::kTokenLength + skew, core::kTokenLength);
      const Digest digest = core::token_digest(key, text);
      uint64_t word;
      std::memcpy(&word, digest.data(), sizeof word);
      skew = (with_miss ? lines[word % line_count * 8] : word) & zero;
    }
    const double time = (thread_time() - begin) / static_cast<double>(count);
    (with_miss ? times.hash_and_miss : times.hash) = time;
  }
  return times;
}

struct Times {
  std::vector<double> checks, parses, hashes, references, ratios;
};

void print_memory(uint64_t tokens, uint64_t counted, uint64_t resident) {
  const auto per_token = [&](uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(tokens);
  };
  std::fprintf(stderr, "bytes a token: %.2f counted, %.2f resident\n", per_token(counted),
               per_token(resident));
  if (tokens != kGoalTokens) return;  // a table of few tokens has room for more
  ResultLine("P3 index memory, counted", per_token(counted), "bytes/token")
      .goal_at_most(48)
      .print();
  ResultLine("P3 index memory, resident", per_token(resident), "bytes/token")
      .goal_at_most(48)
      .print();
}

void print_times(uint64_t tokens, const Times& times) {
  ResultLine point("check in process, by tokens stored", median(times.checks), "ns");
  point.reference("keyed hash and one memory miss", median(times.references))
      .ratios(times.ratios)
      .text("series", "check in process")
      .number("x", static_cast<double>(tokens))
      .print();
  if (tokens != kGoalTokens) return;
  ResultLine("P2 check in process", median(times.checks), "ns")
      .reference("keyed hash and one memory miss", median(times.references))
      .ratios(times.ratios)
      .goal_at_most(1.25)
      .print();
  ResultLine("part of P2: reading the text", median(times.parses), "ns").print();
  ResultLine("part of P2: keyed hash", median(times.hashes), "ns").print();
}

int run(uint64_t tokens, int rounds) {
  PopulationSize size;
  size.tokens = tokens;
  size.people = std::max<uint64_t>(1, tokens / 100);
  size.organizations = std::max<uint64_t>(1, tokens / 10'000);
  size.sampled = std::min<uint64_t>(tokens, 1'000'000);
  Population population(size);
  const std::string texts = shuffle_texts(population);
  SystemClock clock;

  const uint64_t resident_before = resident_bytes();
  verify::Verifier verifier(population.keys(), population.provider(), clock,
                            {Milliseconds(3'600'000), Milliseconds(250)});
  const double begin = thread_time();
  if (!verifier.load(population)) return 1;
  const double load_seconds = (thread_time() - begin) / 1e9;
  const uint64_t resident = resident_bytes() - resident_before;
  const auto status = verifier.status();
  std::fprintf(stderr, "tokens %lu, memberships %lu, loaded in %.2f s\n", status.tokens,
               status.memberships, load_seconds);
  print_memory(tokens, status.memory_bytes, resident);

  verify::PageArray array(status.memory_bytes);
  auto* bytes = static_cast<char*>(array.data());
  for (size_t i = 0; i < array.size_bytes(); i += 4096) bytes[i] = 1;
  const Hmac& key = population.key();
  Times times;
  for (int round = 0; round < rounds; ++round) {
    const ReferenceTimes reference = time_reference(key, texts, array);
    times.parses.push_back(time_parse(population, texts));
    times.checks.push_back(time_checks(verifier, texts, clock));
    times.hashes.push_back(reference.hash);
    times.references.push_back(reference.hash_and_miss);
    times.ratios.push_back(times.checks.back() / reference.hash_and_miss);
    std::fprintf(stderr, "round %d: check %.1f ns, hash and miss %.1f ns, ratio %.3f\n", round,
                 times.checks.back(), reference.hash_and_miss, times.ratios.back());
  }
  print_times(tokens, times);
  return 0;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const uint64_t tokens = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 9;
  if (tokens == 0 || rounds <= 0) return 2;
  return latchkey::bench::run(tokens, rounds);
}
