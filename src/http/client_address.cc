#include "http/client_address.h"

#include <arpa/inet.h>

#include <cstring>

#include "base/text.h"

namespace latchkey::http {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr size_t kChainMax = 32;
constexpr unsigned kBits = 128;
constexpr unsigned kBitsOfPrefix = 96;  // that an IPv4 address has before it in the mapped form

Error bad_entry(std::string_view entry, const char* rule) {
  return Error(ErrorCode::configuration, "'" + std::string(entry) + "' " + rule);
}

// "192.0.2.1:4711", "[2001:db8::1]:4711" and the bare forms, as proxies write a node.
std::optional<IpAddress> parse_node(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) {
    text = text.substr(1, text.size() - 2);
  }
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == text.npos) return std::nullopt;
    port = text.substr(close + 1);
    text = text.substr(1, close - 1);
  } else if (const size_t colon = text.find(':'); colon != text.npos && colon == text.rfind(':')) {
    port = text.substr(colon);
    text = text.substr(0, colon);
  }
  if (!port.empty() && (port[0] != ':' || !parse_unsigned(port.substr(1)))) return std::nullopt;
  return parse_ip_address(text);
}

// The value of `for` in an element of Forwarded: "for=192.0.2.1;proto=https".
std::string_view node_of_element(std::string_view element) {
  for (const std::string_view pair : split(element, ';')) {
    const std::string_view trimmed = trim(pair);
    if (ascii_starts_with_ignoring_case(trimmed, "for=")) return trimmed.substr(4);
  }
  return {};
}

// The nodes of the chain, the nearest first, at most kChainMax.
std::vector<std::string_view> read_chain(std::span<const Header> headers, ForwardedSource source) {
  const std::string_view name =
      source == ForwardedSource::forwarded ? "forwarded" : "x-forwarded-for";
  std::vector<std::string_view> chain;
  for (size_t i = headers.size(); i-- > 0 && chain.size() < kChainMax;) {
    if (!ascii_equal_ignoring_case(headers[i].name, name)) continue;
    std::string_view rest = headers[i].value;
    while (chain.size() < kChainMax) {
      const size_t comma = rest.rfind(',');
      const std::string_view last = comma == rest.npos ? rest : rest.substr(comma + 1);
      chain.push_back(source == ForwardedSource::forwarded ? node_of_element(last) : last);
      if (comma == rest.npos) break;
      rest = rest.substr(0, comma);
    }
  }
  return chain;
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::memcmp(bytes.data(), kMappedPrefix.data(), kMappedPrefix.size()) == 0;
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + kMappedPrefix.size(), text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN] = "";
  if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != text.npos) {
    return std::nullopt;
  }
  std::memcpy(buffer, text.data(), text.size());
  IpAddress address;
  if (inet_pton(AF_INET6, buffer, address.bytes.data()) == 1) return address;
  std::memcpy(address.bytes.data(), kMappedPrefix.data(), kMappedPrefix.size());
  if (inet_pton(AF_INET, buffer, address.bytes.data() + kMappedPrefix.size()) == 1) return address;
  return std::nullopt;
}

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string>& entries,
                                             ForwardedSource source) {
  TrustedProxies trusted;
  trusted.source_ = source;
  if (entries.size() > kEntriesMax) {
    return Error(ErrorCode::configuration, "there are more than 256 trusted proxies");
  }
  for (const std::string& entry : entries) {
    if (entry == "unix") {
      trusted.trusts_unix_ = true;
      continue;
    }
    const size_t slash = entry.find('/');
    const auto network = parse_ip_address(std::string_view(entry).substr(0, slash));
    if (!network) return bad_entry(entry, "is no IP address, no range of them and not 'unix'");
    // A range of mapped addresses counts the bits of IPv6, one of IPv4 its own.
    const bool is_dotted = entry.find(':') == entry.npos;
    unsigned prefix_bits = kBits;
    if (slash != entry.npos) {
      const auto bits = parse_unsigned(std::string_view(entry).substr(slash + 1));
      if (!bits || *bits > (is_dotted ? kBits - kBitsOfPrefix : kBits)) {
        return bad_entry(entry, "has no good prefix length after its slash");
      }
      prefix_bits = static_cast<unsigned>(*bits) + (is_dotted ? kBitsOfPrefix : 0);
    }
    for (unsigned bit = prefix_bits; bit < kBits; ++bit) {
      if (network->bytes[bit / 8] & (0x80 >> bit % 8)) {
        return bad_entry(entry, "has bits behind its prefix length");
      }
    }
    trusted.ranges_.push_back({*network, prefix_bits});
  }
  return trusted;
}

Result<TrustedProxies> TrustedProxies::parse_list(std::string_view text) {
  std::vector<std::string> entries;
  for (const std::string_view part : split(text, ',')) {
    if (!trim(part).empty()) entries.emplace_back(trim(part));
  }
  return parse(entries);
}

bool TrustedProxies::contains(std::string_view address) const {
  if (empty()) return false;
  if (address == "unix") return trusts_unix_;
  const auto parsed = parse_ip_address(address);
  return parsed && contains(*parsed);
}

bool TrustedProxies::contains(const IpAddress& address) const {
  for (const Range& range : ranges_) {
    const unsigned whole_bytes = range.prefix_bits / 8;
    if (std::memcmp(range.network.bytes.data(), address.bytes.data(), whole_bytes) != 0) continue;
    const unsigned bits_left = range.prefix_bits % 8;
    if (bits_left == 0) return true;
    const int difference = range.network.bytes[whole_bytes] ^ address.bytes[whole_bytes];
    if ((difference >> (8 - bits_left)) == 0) return true;
  }
  return false;
}

ClientAddress find_client(std::string_view peer, std::span<const Header> headers,
                          const TrustedProxies& trusted) {
  ClientAddress client{std::string(peer), trusted.contains(peer), {}};
  if (!client.is_from_proxy) return client;
  for (const std::string_view node : read_chain(headers, trusted.source())) {
    const auto address = parse_node(node);
    if (!address) break;
    client.address = address->text();
    if (!client.forwarded_for.empty()) client.forwarded_for.insert(0, ", ");
    client.forwarded_for.insert(0, client.address);
    if (!trusted.contains(*address)) break;
  }
  return client;
}

}  // namespace latchkey::http
