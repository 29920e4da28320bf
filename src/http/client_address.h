// Whose request is it, when proxies stand between?
//
// A peer that is not trusted is the client, whatever its headers say. Behind a trusted peer the
// client is the right-most address of the chain that is not trusted itself. IPv4-mapped IPv6
// addresses are the IPv4 addresses that they stand for, in the list and in requests.
// RFC 7239, docs/spec/proxy.md. Thread safety: values, immutable once made.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace latchkey::http {

// An IP address in 16 bytes; IPv4 as its mapped form.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  bool is_v4() const;
  // "192.0.2.1" or "2001:db8::1".
  std::string text() const;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// "192.0.2.1" or "2001:db8::1", without port, brackets or zone. Nothing for anything else.
std::optional<IpAddress> parse_ip_address(std::string_view text);

// Which header of a trusted proxy is believed. One only: a proxy that writes one of them often
// passes the other on as its client sent it.
enum class ForwardedSource { x_forwarded_for, forwarded };

// The proxies that are believed.
class TrustedProxies {
 public:
  static constexpr size_t kEntriesMax = 256;

  TrustedProxies() = default;
  // Of addresses, ranges such as "10.0.0.0/8" or "2001:db8::/32", and "unix" for the peers of a
  // Unix socket. Errors: configuration (the message names the entry and completes nothing).
  static Result<TrustedProxies> parse(const std::vector<std::string>& entries,
                                      ForwardedSource source = ForwardedSource::x_forwarded_for);
  // The same of one text with commas, as in a setting; empty is none.
  static Result<TrustedProxies> parse_list(std::string_view text);

  bool empty() const { return ranges_.empty() && !trusts_unix_; }
  ForwardedSource source() const { return source_; }
  // Whether `address`, as Request::peer_address() has it, is one of them.
  bool contains(std::string_view address) const;
  bool contains(const IpAddress& address) const;

 private:
  struct Range {
    IpAddress network;
    unsigned prefix_bits;  // of the 128
  };
  std::vector<Range> ranges_;
  bool trusts_unix_ = false;
  ForwardedSource source_ = ForwardedSource::x_forwarded_for;
};

// What is known of the client of one request.
struct ClientAddress {
  std::string address;         // as Request::peer_address(); "unix" for a local peer
  bool is_from_proxy = false;  // the peer is trusted: its forwarded headers count
  // The chain that was believed, for X-Forwarded-For: the client first, without the peer. What
  // stood before the client is only what somebody claimed, and not in it.
  std::string forwarded_for;
};

// The client of a request with `headers` from `peer`. What a trusted peer says is read up to what
// is no address or the 32nd entry; then the client is who said that.
ClientAddress find_client(std::string_view peer, std::span<const Header> headers,
                          const TrustedProxies& trusted);

}  // namespace latchkey::http
