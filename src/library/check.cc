// The C interface: verifiers, requirements, checks.
#include "core/organization.h"
#include "library/handles.h"

namespace {

using namespace latchkey;  // the functions below are of the global namespace
using library::fail;
using library::guarded;
using library::is_whole;
using library::put;

constexpr const char* kVersion = LATCHKEY_LIBRARY_VERSION;
constexpr size_t kTokenBytesMax = 1024;

// Names of scopes separated by single spaces.
Result<core::ScopeSet> parse_alternative(const core::ScopeCatalog& catalog, std::string_view text) {
  core::ScopeSet set;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view name = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (name.empty()) continue;
    const core::Scope* const scope = catalog.find(name);
    if (scope == nullptr) {
      return Error(ErrorCode::invalid_argument,
                   "The server's catalog has no scope '" + std::string(name) + "'.");
    }
    set.add(scope->number);
  }
  return set;
}

Result<verify::ScopeRequirement> parse_requirement(const core::ScopeCatalog& catalog,
                                                   std::string_view text) {
  std::vector<core::ScopeSet> alternatives;
  while (true) {
    const size_t end = text.find('|');
    LK_TRY(alternatives.emplace_back(), parse_alternative(catalog, text.substr(0, end)));
    if (end == text.npos) return verify::ScopeRequirement(std::move(alternatives));
    text.remove_prefix(end + 1);
  }
}

void fill(lk_answer& answer, const verify::Grant& grant) {
  put(answer.token_id, core::format_id(grant.token()));
  put(answer.owner_id, core::format_id(grant.owner()));
  put(answer.organization_id, core::format_id(grant.organization()));
  answer.valid_to_ms = grant.valid_to().ms;
  std::copy(grant.scopes().words().begin(), grant.scopes().words().end(), answer.scopes);
}

void clear(lk_answer& answer, lk_result result) {
  const size_t size = answer.size;
  answer = lk_answer{};
  answer.size = size;
  answer.result = result;
}

const verify::ScopeRequirement& any_token() {
  static const verify::ScopeRequirement any = verify::ScopeRequirement::any_token();
  return any;
}

lk_result check(const lk_verifier& verifier, const lk_question& question, lk_answer& answer) {
  clear(answer, LK_INTERNAL);
  if (question.text == nullptr) return answer.result = LK_INVALID_ARGUMENT;
  const std::string_view text(question.text, std::min(question.length, kTokenBytesMax));
  const verify::Verifier& checker = verifier.remote->verifier();
  const auto& required = question.requirement ? question.requirement->scopes : any_token();
  std::optional<core::OrganizationId> organization;
  bool is_nowhere = false;
  if (question.organization != nullptr) {
    organization = checker.find_organization(core::organization_key(question.organization));
    is_nowhere = !organization;
  }
  // In an organization that does not exist no scope is looked at, since in a foreign one none is.
  const auto grant =
      checker.check(text, organization, is_nowhere ? any_token() : required, verifier.now());
  if (!grant) return answer.result = library::result_of(grant.error().code);
  if (is_nowhere) return answer.result = LK_TOKEN_WRONG_ORGANIZATION;
  fill(answer, *grant);
  return answer.result = LK_GRANTED;
}

Result<verify::RemoteOptions> read_options(const lk_options* given) {
  if (!is_whole(given) || given->server_url == nullptr || given->credential_file == nullptr) {
    return Error(ErrorCode::invalid_argument, "The options lack the server or the credential.");
  }
  verify::RemoteOptions options;
  options.server.url = given->server_url;
  options.server.credential_file = given->credential_file;
  if (given->ca_file != nullptr) options.server.ca_file = given->ca_file;
  options.staleness_max = Milliseconds(given->staleness_max_ms);
  return options;
}

}  // namespace

const char* lk_version(void) { return kVersion; }

lk_result lk_open(const lk_options* options, lk_verifier** verifier, lk_error* error) {
  return guarded(error, [&]() -> lk_result {
    if (verifier == nullptr) return fail(error, LK_INVALID_ARGUMENT, "`verifier` is null.");
    *verifier = nullptr;
    const auto read = read_options(options);
    if (!read) return fail(error, read.error());
    auto made = std::make_unique<lk_verifier>();
    auto remote = verify::RemoteVerifier::connect(*read, made->clock);
    if (!remote) return fail(error, remote.error());
    made->remote = *std::move(remote);
    if (const auto loaded = made->remote->load(); !loaded) return fail(error, loaded.error());
    made->follower = std::jthread([remote = made->remote.get()](std::stop_token stop) {
      (void)remote->follow(stop);  // ends early only where the index must not go on: it grows stale
    });
    *verifier = made.release();
    return LK_GRANTED;
  });
}

void lk_close(lk_verifier* verifier) {
  (void)guarded(nullptr, [&] {
    const std::unique_ptr<lk_verifier> owned(verifier);
    return LK_GRANTED;
  });
}

lk_result lk_get_status(const lk_verifier* verifier, lk_status* status) {
  return guarded(nullptr, [&] {
    if (verifier == nullptr || !is_whole(status)) return LK_INVALID_ARGUMENT;
    const auto now = verifier->remote->verifier().status();
    status->revision = now.revision.number;
    put(status->epoch, core::format_id(now.epoch));
    status->age_ms = static_cast<uint64_t>(now.age.count());
    status->staleness_max_ms = static_cast<uint64_t>(verifier->remote->staleness_max().count());
    status->tokens = now.tokens;
    status->memory_bytes = now.memory_bytes;
    put(status->problem, verifier->remote->problem());
    return LK_GRANTED;
  });
}

lk_result lk_wait_for(const lk_verifier* verifier, uint64_t revision, uint32_t timeout_ms) {
  return guarded(nullptr, [&] {
    if (verifier == nullptr) return LK_INVALID_ARGUMENT;
    const auto& checker = verifier->remote->verifier();
    return checker.wait_for({revision}, Milliseconds(timeout_ms)) ? LK_GRANTED : LK_INDEX_STALE;
  });
}

lk_result lk_requirement_parse(const lk_verifier* verifier, const char* text,
                               lk_requirement** requirement, lk_error* error) {
  return guarded(error, [&]() -> lk_result {
    if (verifier == nullptr || text == nullptr || requirement == nullptr) {
      return fail(error, LK_INVALID_ARGUMENT, "An argument is null.");
    }
    *requirement = nullptr;
    auto parsed = parse_requirement(verifier->remote->catalog(), text);
    if (!parsed) return fail(error, parsed.error());
    *requirement = std::make_unique<lk_requirement>(lk_requirement{*std::move(parsed)}).release();
    return LK_GRANTED;
  });
}

void lk_requirement_free(lk_requirement* requirement) {
  const std::unique_ptr<lk_requirement> owned(requirement);
}

lk_result lk_check(const lk_verifier* verifier, const char* text, size_t length,
                   const char* organization, const lk_requirement* requirement, lk_answer* answer) {
  return guarded(nullptr, [&] {
    if (verifier == nullptr || !is_whole(answer)) return LK_INVALID_ARGUMENT;
    return check(*verifier, {text, length, organization, requirement}, *answer);
  });
}

lk_result lk_check_many(const lk_verifier* verifier, const lk_question* questions, size_t count,
                        lk_answer* answers) {
  return guarded(nullptr, [&] {
    if (count == 0) return LK_GRANTED;
    if (verifier == nullptr || questions == nullptr || !is_whole(answers)) {
      return LK_INVALID_ARGUMENT;
    }
    const size_t size = answers[0].size;
    if (size != sizeof(lk_answer)) return LK_INVALID_ARGUMENT;  // the next ones stand elsewhere
    for (size_t i = 0; i < count; ++i) {
      answers[i].size = size;
      check(*verifier, questions[i], answers[i]);
    }
    return LK_GRANTED;
  });
}

size_t lk_format_scopes(const lk_verifier* verifier, const lk_answer* answer, char* out,
                        size_t size) {
  size_t length = 0;
  (void)guarded(nullptr, [&] {
    if (verifier == nullptr || !is_whole(answer)) return LK_INVALID_ARGUMENT;
    core::ScopeSet set;
    for (int number = 0; number < 256; ++number) {
      if (answer->scopes[number / 64] >> (number % 64) & 1) {
        set.add({static_cast<uint8_t>(number)});
      }
    }
    const std::string text = verifier->remote->catalog().format(set);
    length = text.size();
    if (out == nullptr || size == 0) return LK_GRANTED;
    const size_t fits = std::min(size - 1, text.size());
    std::memcpy(out, text.data(), fits);
    out[fits] = '\0';
    return LK_GRANTED;
  });
  return length;
}
