#include "service/passwords.h"

#include <sodium.h>

#include <array>

namespace latchkey::service {
namespace {

// OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane.
constexpr unsigned long long kPasses = 2;
constexpr size_t kMemoryBytes = size_t{19} * 1024 * 1024;

// A well-formed hash with the same parameters that belongs to nobody. Checking against it takes the
// time of a real check.
constexpr const char* kNobodysHash =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

// libsodium keeps its own state; asking again costs a lock and changes nothing.
bool sodium_is_ready() { return sodium_init() >= 0; }

}  // namespace

Result<std::string> hash_password(const SecretText& password) {
  if (!sodium_is_ready()) return Error(ErrorCode::internal, "The password library does not start.");
  const std::string_view text = password.reveal(RevealSecret{});
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (crypto_pwhash_str_alg(hash.data(), text.data(), text.size(), kPasses, kMemoryBytes,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Error(ErrorCode::internal, "There is not enough memory to hash a password.");
  }
  return std::string(hash.data());
}

bool verify_password(const std::string& hash, const SecretText& password) {
  if (!sodium_is_ready()) return false;
  const std::string_view text = password.reveal(RevealSecret{});
  const char* compared = hash.empty() ? kNobodysHash : hash.c_str();
  const bool matches = crypto_pwhash_str_verify(compared, text.data(), text.size()) == 0;
  return matches && !hash.empty();
}

}  // namespace latchkey::service
