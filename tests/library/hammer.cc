// Many threads over one verifier of the installed library, while tokens come and go.
//
// `hammer SERVER CREDENTIAL_FILE SECONDS` reads tokens that are good for ever from stdin, one a
// line, and checks them from eight threads in every way that there is, beside threads that parse
// requirements, load routes and open verifiers of their own. Prints how many checks there were, and
// fails when one was not as it must be. Thread safety: one thread.
#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <latchkey/latchkey.hpp>

namespace {

constexpr char kDocument[] =
    R"({"openapi":"3.1.0","info":{"title":"t","version":"1"},)"
    R"("components":{"securitySchemes":{"pat":{"type":"oauth2","flows":{}}}},)"
    R"("paths":{"/projects/{id}":{"get":{"operationId":"getProject","responses":{},)"
    R"("parameters":[{"name":"id","in":"path","required":true}],)"
    R"("security":[{"pat":["vso.project"]}]}}}})";

std::atomic<uint64_t> checks{0};
std::atomic<bool> failed{false};

void expect(bool is_right, const char* what) {
  if (is_right || failed.exchange(true)) return;
  std::cerr << what << "\n";
}

void check_all(const lk::Verifier& verifier, const lk::Routes& routes, const lk::Requirement& reads,
               const std::vector<std::string>& tokens) {
  std::vector<lk_question> questions;
  for (const std::string& token : tokens) {
    questions.push_back({token.data(), token.size(), nullptr, reads.raw()});
    const lk::Answer answer = verifier.check(token, {}, reads);
    expect(static_cast<bool>(answer), "a good token was refused");
    expect(verifier.scopes(answer).find("vso.project") != std::string::npos, "scopes are wrong");
    expect(static_cast<bool>(routes.check("GET", "/projects/7", token)), "a route was refused");
    expect(routes.check("GET", "/nothing", token).result() == LK_ROUTE_UNKNOWN, "unknown route");
    std::string wrong = token;
    wrong[10] = wrong[10] == 'A' ? 'B' : 'A';
    expect(verifier.check(wrong).result() == LK_TOKEN_MALFORMED, "a wrong text was read");
    checks += 4;
  }
  std::vector<lk_answer> answers(questions.size());
  answers[0].size = sizeof(lk_answer);
  expect(lk_check_many(verifier.raw(), questions.data(), questions.size(), answers.data()) ==
             LK_GRANTED,
         "many were not checked");
  for (const lk_answer& answer : answers) expect(answer.result == LK_GRANTED, "one of many");
  checks += questions.size();
}

void refuse_what_is_wrong(const lk::Verifier& verifier) {
  lk_error error{};
  error.size = sizeof error;
  lk_requirement* requirement = nullptr;
  expect(lk_requirement_parse(verifier.raw(), "vso.nothing", &requirement, &error) ==
             LK_INVALID_ARGUMENT,
         "an unknown scope was taken");
  expect(std::string(error.message).find("vso.nothing") != std::string::npos, "no words");
  lk_routes* routes = nullptr;
  expect(lk_routes_load(verifier.raw(), "{]", 2, nullptr, &routes, &error) == LK_INVALID_ARGUMENT,
         "a broken document was taken");
  lk_answer answer{};
  expect(lk_check(verifier.raw(), "x", 1, nullptr, nullptr, &answer) == LK_INVALID_ARGUMENT,
         "an answer without a size was taken");
  answer.size = sizeof answer;
  expect(lk_check(nullptr, "x", 1, nullptr, nullptr, &answer) == LK_INVALID_ARGUMENT, "null");
  expect(lk_check(verifier.raw(), nullptr, 0, nullptr, nullptr, &answer) == LK_INVALID_ARGUMENT,
         "a null text was taken");
  expect(lk_open(nullptr, nullptr, &error) == LK_INVALID_ARGUMENT, "no options were taken");
  lk_close(nullptr);
  lk_requirement_free(nullptr);
  lk_routes_free(nullptr);
}

int run(const lk::Options& options, int seconds) {
  std::vector<std::string> tokens;
  for (std::string line; std::getline(std::cin, line);) tokens.push_back(line);
  const lk::Verifier verifier(options);
  const lk::Requirement reads = verifier.requirement("vso.project|vso.code vso.build");
  const lk::Routes routes(verifier, kDocument);
  refuse_what_is_wrong(verifier);
  std::cout << "begun" << std::endl;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&](std::stop_token stop) {
        while (!stop.stop_requested()) check_all(verifier, routes, reads, tokens);
      });
    }
    threads.emplace_back([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        const lk::Requirement parsed = verifier.requirement("vso.code");
        const lk::Routes loaded(verifier, kDocument);
        expect(loaded.explain("GET", "/projects/1").operation == "getProject", "not explained");
        refuse_what_is_wrong(verifier);
        expect(verifier.status().tokens >= tokens.size(), "too few tokens");
      }
    });
    threads.emplace_back([&](std::stop_token stop) {
      while (!stop.stop_requested()) {
        const lk::Verifier another(options);
        expect(static_cast<bool>(another.check(tokens[0])), "another verifier refused");
      }
    });
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
  }
  std::cout << checks.load() << " checks" << std::endl;
  return failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  try {
    lk::Options options;
    options.server_url = argv[1];
    options.credential_file = argv[2];
    options.staleness_max_ms = 60'000;  // a busy machine of tests
    return run(options, std::stoi(argv[3]));
  } catch (const lk::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
