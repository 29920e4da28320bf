// What an operator says of one API behind the gate, read but not yet checked together.
//
// ApiTable::build() makes a table of many of these, or says which one breaks which rule. The texts
// of documents are here already: nothing in this layer reads a file. Thread safety: values.
// Documented in docs/operating/gate.md.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "gate/guarded_routes.h"
#include "gate/route_rules.h"

namespace latchkey::gate {

inline constexpr size_t kApisMax = 1'000;

// How a request says which organization its token must be for.
enum class OrganizationSource {
  fixed,           // always the one called `name`
  path_parameter,  // the value of the path's parameter `name`
  host             // the part of the host that is called `name` in its pattern
};

struct OrganizationRule {
  OrganizationSource source = OrganizationSource::fixed;
  std::string name;
};

// Whether the API tells "/Things" from "/things". A gate that does not, before an API that does,
// would open one by the rule of the other.
enum class PathCase { exact, ignored };

struct ApiDocument {
  std::string file;  // for errors
  std::string text;
};

struct CorsSettings {
  std::vector<std::string> origins;  // "https://app.example.com", or "*"; empty: none is allowed
  std::vector<std::string> headers = {"Authorization", "Content-Type"};  // that requests may have
  uint32_t max_age_s = 600;
};

// For who forwards; a decision does not look at them.
struct UpstreamSettings {
  std::vector<std::string> urls;  // "http://127.0.0.1:3000", in turn; none: forward-auth only
  std::string ca_file;            // PEM roots to verify https with; empty: the system's
  bool keeps_host = true;         // the upstream sees the client's Host, not that of its URL
  std::string health_path;        // empty: no active check
  Milliseconds connect_timeout{5'000};
  Milliseconds answer_timeout{60'000};   // to the whole head of the answer
  Milliseconds stall_timeout{60'000};    // between two bytes of a body
  Milliseconds tunnel_timeout{600'000};  // of a tunnel in which nothing moves
  uint64_t body_bytes_max = UINT64_MAX;
  bool operator==(const UpstreamSettings&) const = default;
};

struct ApiSettings {
  std::string name;
  std::vector<std::string> hosts;  // patterns as of gate/host.h; none: every host
  std::string path_prefix;         // "/v1"; empty: every path
  OrganizationRule organization;
  std::vector<ApiDocument> documents;
  std::optional<std::string> base_path;  // of the documents, in the place of what they say
  ScopeList scope_list = ScopeList::all;
  std::set<std::string> open_operations;
  std::vector<RouteRule> rules;
  std::vector<std::string> ready;         // names of ready sets
  std::optional<std::string> ready_path;  // where they begin; path_prefix if not given
  EncodedSlash encoded_slash = EncodedSlash::refused;
  PathCase path_case = PathCase::exact;
  CorsSettings cors;
  UpstreamSettings upstream;
};

}  // namespace latchkey::gate
