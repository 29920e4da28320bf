// Hosts of requests, and the patterns that say which of them an API has.
//
// A host is compared in lower case, without its port and a dot at its end. A pattern is a host, a
// star for its first label ("*.example.com"), or a name in braces for it
// ("{organization}.example.com"); star and name stand for one label. Thread safety: pure functions
// and values. Spec: docs/spec/gate.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace latchkey::gate {

inline constexpr size_t kHostBytesMax = 255;

// "api.example.com" of "API.example.com.:8443", "[::1]" of "[::1]:80"; nothing if `authority` is no
// host with or without a port.
std::optional<std::string> parse_host(std::string_view authority);

class HostPattern {
 public:
  // Errors: configuration (message completes "The host ...").
  static Result<HostPattern> parse(std::string_view text);

  // Nothing if `host`, which parse_host() made, does not match; else what stands for the star or
  // the name, empty if the pattern has neither.
  std::optional<std::string_view> match(std::string_view host) const;

  bool is_exact() const { return is_exact_; }
  // The name in braces; empty if there is none.
  const std::string& name() const { return name_; }
  // What two patterns that match the same hosts have in common: "api.example.com", "*.example.com".
  std::string key() const { return is_exact_ ? rest_ : "*" + rest_; }

 private:
  HostPattern() = default;
  bool is_exact_ = true;
  std::string name_;
  std::string rest_;  // the host, or what follows the first label, with its dot
};

}  // namespace latchkey::gate
