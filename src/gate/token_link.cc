#include "gate/token_link.h"

#include <algorithm>
#include <bit>

#include "base/text.h"
#include "core/organization.h"

namespace latchkey::gate {
namespace {

constexpr size_t kNameMax = 60;

int count(const core::ScopeSet& set) {
  int bits = 0;
  for (const uint64_t word : set.words()) bits += std::popcount(word);
  return bits;
}

// How much `alternative` lets a token do, in scopes; nothing if a person cannot choose it.
int breadth(const core::ScopeCatalog& catalog, const core::ScopeSet& alternative) {
  core::ScopeSet closure;
  int known = 0;
  for (const core::Scope& scope : catalog.scopes()) {
    if (!alternative.contains(scope.number)) continue;
    if (!scope.shown || !scope.grantable) return 0;
    closure |= scope.closure;
    ++known;
  }
  return known == count(alternative) ? count(closure) : 0;
}

// What a shell, a mail or a terminal would not take for more than a name.
std::string plain_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if (name.size() == kNameMax) break;
    const bool is_plain = is_ascii_letter(c) || is_ascii_digit(c) || c == '-' || c == '_' ||
                          c == '.' || c == ' ' || c == '/';
    if (is_plain) name += c;
  }
  return std::string(trim(name));
}

// RFC 3986 unreserved, but a space as '+', which the page reads as one.
std::string encode(std::string_view text) {
  std::string encoded;
  for (const std::string_view part : split(text, ' ')) {
    if (!encoded.empty()) encoded += '+';
    encoded += percent_encode(part);
  }
  return encoded;
}

}  // namespace

std::string least_scopes(const core::ScopeCatalog& catalog,
                         const verify::ScopeRequirement& required) {
  const core::ScopeSet* least = nullptr;
  int least_breadth = 0;
  for (const core::ScopeSet& alternative : required.alternatives()) {
    if (alternative.empty()) return {};
    const int own = breadth(catalog, alternative);
    if (own == 0 || (least != nullptr && own >= least_breadth)) continue;
    least = &alternative;
    least_breadth = own;
  }
  return least == nullptr ? std::string() : catalog.format(*least);
}

std::string token_page_link(std::string_view public_url, const TokenWish& wish) {
  if (public_url.empty() || wish.organization.empty() || wish.scopes.empty()) return {};
  std::string link(public_url);
  link += "/" + percent_encode(core::organization_key(wish.organization)) +
          "/_usersSettings/tokens?new=1&scopes=";
  link += encode(wish.scopes);
  const std::string name = plain_name(wish.name);
  if (!name.empty()) link += "&name=" + encode(name);
  return link.size() <= kTokenLinkBytesMax ? link : std::string();
}

}  // namespace latchkey::gate
