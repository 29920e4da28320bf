// liblatchkey for C++: owners and texts over the C interface of latchkey.h, and nothing more.
//
// Errors of calls are exceptions of type lk::Error, thrown here, in the caller's own code; a check
// that refuses is an answer. Header-only, so nothing but the C interface crosses the library's
// border. Thread safety: as latchkey.h says; an owner is moved by one thread at a time.
#ifndef LATCHKEY_LATCHKEY_HPP
#define LATCHKEY_LATCHKEY_HPP

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "latchkey/latchkey.h"

namespace lk {

class Error : public std::runtime_error {
 public:
  Error(lk_result result, const std::string& message)
      : std::runtime_error(message), result_(result) {}
  lk_result result() const noexcept { return result_; }

 private:
  lk_result result_;
};

namespace detail {

inline void must(lk_result result, const lk_error& error) {
  if (result == LK_GRANTED) return;
  throw Error(result, error.message[0] != '\0' ? error.message : lk_result_name(result));
}
inline lk_error no_error() {
  lk_error error{};
  error.size = sizeof error;
  return error;
}
struct Closer {
  void operator()(lk_verifier* verifier) const noexcept { lk_close(verifier); }
  void operator()(lk_requirement* requirement) const noexcept { lk_requirement_free(requirement); }
  void operator()(lk_routes* routes) const noexcept { lk_routes_free(routes); }
};

}  // namespace detail

struct Options {
  std::string server_url;
  std::string credential_file;
  std::string ca_file{};          // empty: the system's roots
  uint32_t staleness_max_ms = 0;  // 0: as the server goes by
};

class Answer {
 public:
  Answer() noexcept { value_.size = sizeof value_; }
  explicit operator bool() const noexcept { return value_.result == LK_GRANTED; }
  lk_result result() const noexcept { return value_.result; }
  std::string_view reason() const noexcept { return lk_result_name(value_.result); }
  std::string_view token_id() const noexcept { return value_.token_id; }
  std::string_view owner_id() const noexcept { return value_.owner_id; }
  std::string_view organization_id() const noexcept { return value_.organization_id; }
  int64_t valid_to_ms() const noexcept { return value_.valid_to_ms; }
  lk_answer& raw() noexcept { return value_; }
  const lk_answer& raw() const noexcept { return value_; }

 private:
  lk_answer value_{};
};

// What is asked of a token; see lk_requirement_parse.
class Requirement {
 public:
  const lk_requirement* raw() const noexcept { return owned_.get(); }

 private:
  friend class Verifier;
  explicit Requirement(lk_requirement* owned) noexcept : owned_(owned) {}
  std::unique_ptr<lk_requirement, detail::Closer> owned_;
};

class Verifier {
 public:
  // Connects, loads and begins to follow. Throws Error.
  explicit Verifier(const Options& options) {
    lk_options given{};
    given.size = sizeof given;
    given.server_url = options.server_url.c_str();
    given.credential_file = options.credential_file.c_str();
    given.ca_file = options.ca_file.empty() ? nullptr : options.ca_file.c_str();
    given.staleness_max_ms = options.staleness_max_ms;
    lk_error error = detail::no_error();
    lk_verifier* opened = nullptr;
    detail::must(lk_open(&given, &opened, &error), error);
    owned_.reset(opened);
  }

  // Throws Error for a scope that the server's catalog does not have.
  Requirement requirement(const std::string& text) const {
    lk_error error = detail::no_error();
    lk_requirement* parsed = nullptr;
    detail::must(lk_requirement_parse(raw(), text.c_str(), &parsed, &error), error);
    return Requirement(parsed);
  }

  // `organization` empty: whichever the token is for.
  Answer check(std::string_view token, const std::string& organization = {}) const {
    return check_raw(token, organization, nullptr);
  }
  Answer check(std::string_view token, const std::string& organization,
               const Requirement& requirement) const {
    return check_raw(token, organization, requirement.raw());
  }

  std::string scopes(const Answer& answer) const {
    std::string text(lk_format_scopes(raw(), &answer.raw(), nullptr, 0), '\0');
    lk_format_scopes(raw(), &answer.raw(), text.data(), text.size() + 1);
    return text;
  }
  lk_status status() const noexcept {
    lk_status status{};
    status.size = sizeof status;
    lk_get_status(raw(), &status);
    return status;
  }
  bool wait_for(uint64_t revision, uint32_t timeout_ms) const noexcept {
    return lk_wait_for(raw(), revision, timeout_ms) == LK_GRANTED;
  }
  const lk_verifier* raw() const noexcept { return owned_.get(); }

 private:
  Answer check_raw(std::string_view token, const std::string& organization,
                   const lk_requirement* requirement) const {
    Answer answer;
    lk_check(raw(), token.data(), token.size(),
             organization.empty() ? nullptr : organization.c_str(), requirement, &answer.raw());
    return answer;
  }
  std::unique_ptr<lk_verifier, detail::Closer> owned_;
};

// The routes of an API's description. Must not outlive the verifier.
class Routes {
 public:
  Routes(const Verifier& verifier, std::string_view document, bool any_scope = false)
      : verifier_(verifier.raw()) {
    lk_routes_options options{};
    options.size = sizeof options;
    options.any_scope = any_scope ? 1 : 0;
    lk_error error = detail::no_error();
    lk_routes* loaded = nullptr;
    detail::must(
        lk_routes_load(verifier_, document.data(), document.size(), &options, &loaded, &error),
        error);
    owned_.reset(loaded);
  }

  // What the match came to is in `result`; the rest only if that is LK_GRANTED.
  struct Match {
    lk_result result = LK_INTERNAL;
    std::string operation{};
    std::string scopes{};
  };
  Match explain(const std::string& method, const std::string& path) const {
    lk_match match{};
    match.size = sizeof match;
    const lk_result result = lk_explain(owned_.get(), method.c_str(), path.c_str(), &match);
    return {result, match.operation, match.scopes};
  }
  Answer check(const std::string& method, const std::string& path, std::string_view token,
               const std::string& organization = {}) const {
    Answer answer;
    lk_check_request(verifier_, owned_.get(), method.c_str(), path.c_str(), token.data(),
                     token.size(), organization.empty() ? nullptr : organization.c_str(),
                     &answer.raw());
    return answer;
  }

 private:
  const lk_verifier* verifier_;
  std::unique_ptr<lk_routes, detail::Closer> owned_;
};

}  // namespace lk

#endif
