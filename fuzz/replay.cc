// Runs a fuzz target without libFuzzer: once for each file of the kept corpus, and then for a while
// on changed copies of them.
//
// usage: NAME_replay SECONDS FOLDER [DICTIONARY]
//
// The seed is printed; LATCHKEY_SEED repeats a run: the n-th input depends on the seed and on n
// only. A failing input is left in NAME_replay-find.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "target.h"

// Called by a sanitizer that stops the process; absent in a build without one.
extern "C" void __attribute__((weak)) __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr size_t kInputBytesMax = 4096;

// What keep_input() writes; it runs in a signal handler, so that this cannot be passed to it.
std::string current_input;
std::string find_path;

void keep_input() {
  const int file = open(find_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return;
  if (write(file, current_input.data(), current_input.size()) < 0) return;
  close(file);
}

void on_abort(int) { keep_input(); }

void run(std::string input) {
  current_input = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(current_input.data()),
                         current_input.size());
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> read_corpus(const char* folder) {
  std::vector<std::filesystem::path> paths;  // sorted, so that a seed means the same everywhere
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const auto& path : paths) inputs.push_back(read_file(path));
  return inputs;
}

// The words of a libFuzzer dictionary: one a line, in quotes, with \xNN.
std::vector<std::string> read_dictionary(const char* path) {
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.size() < 3 || line.front() != '"') continue;
    std::string word;
    for (size_t i = 1; i + 1 < line.size(); ++i) {
      if (line[i] == '\\' && i + 4 < line.size() && line[i + 1] == 'x') {
        word += static_cast<char>(std::stoi(line.substr(i + 2, 2), nullptr, 16));
        i += 3;
      } else {
        word += line[i];
      }
    }
    words.push_back(word);
  }
  return words;
}

class Mutator {
 public:
  Mutator(uint64_t seed, const std::vector<std::string>& corpus,
          const std::vector<std::string>& words)
      : seed_(seed), corpus_(corpus), words_(words) {}

  // The `number`-th input: a file of the corpus with one to six changes.
  std::string make(uint64_t number) {
    // Neighbours must not begin alike.
    random_.seed(static_cast<uint32_t>((seed_ + number) * 0x9e3779b97f4a7c15ull >> 32));
    std::string input = corpus_[below(corpus_.size())];
    for (size_t changes = 1 + below(6); changes > 0; --changes) change(input);
    if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
    return input;
  }

 private:
  size_t below(size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void change(std::string& input) {
    const size_t at = below(input.size() + 1);
    const size_t length = 1 + below(std::min<size_t>(input.size() - at + 1, 16));
    switch (below(8)) {
      case 0: flip(input, at); break;
      case 1: input.insert(at, 1, static_cast<char>(random_())); break;
      case 2: input.erase(at, length); break;
      case 3: input.insert(at, input.substr(at, length)); break;
      case 4: input.insert(at, input.substr(below(input.size() + 1), length)); break;
      case 5: splice(input, at); break;
      case 6: input.insert(at, word()); break;
      case 7: input.replace(at, length, word()); break;
    }
  }
  void flip(std::string& input, size_t at) {
    if (at < input.size()) input[at] = static_cast<char>(input[at] ^ 1 << below(8));
  }
  // The rest from another file.
  void splice(std::string& input, size_t at) {
    const std::string& other = corpus_[below(corpus_.size())];
    input.replace(at, std::string::npos, other.substr(below(other.size() + 1)));
  }
  std::string word() {
    return words_.empty() ? std::string(1, static_cast<char>(random_()))
                          : words_[below(words_.size())];
  }

  const uint64_t seed_;
  const std::vector<std::string>& corpus_;
  const std::vector<std::string>& words_;
  std::minstd_rand random_;  // seeded for each input, so it must be quick to seed
};

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count < 3) {
    std::fprintf(stderr, "usage: %s SECONDS FOLDER [DICTIONARY]\n", arguments[0]);
    return 2;
  }
  find_path = std::filesystem::path(arguments[0]).filename().string() + "-find";
  std::signal(SIGABRT, on_abort);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_input);

  const std::vector<std::string> corpus = read_corpus(arguments[2]);
  for (const std::string& input : corpus) run(input);
  std::fprintf(stderr, "%zu inputs of the kept corpus\n", corpus.size());
  if (corpus.empty()) return 1;

  const char* given = std::getenv("LATCHKEY_SEED");
  const uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device()();
  std::fprintf(stderr, "LATCHKEY_SEED=%llu\n", static_cast<unsigned long long>(seed));
  const std::vector<std::string> words =
      argument_count > 3 ? read_dictionary(arguments[3]) : std::vector<std::string>();
  Mutator mutator(seed, corpus, words);
  // Processor time: a busy machine must not make the test longer for others.
  const double end = cpu_seconds() + std::stod(arguments[1]);
  uint64_t made = 0;
  for (; cpu_seconds() < end; ++made) run(mutator.make(made));
  std::fprintf(stderr, "%llu changed inputs\n", static_cast<unsigned long long>(made));
  return 0;
}
