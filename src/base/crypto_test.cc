#include "base/crypto.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/bytes.h"

namespace latchkey {
namespace {

std::string sha256_hex(std::string_view text) { return format_hex(sha256(as_bytes(text))); }

TEST(Sha256, OfPiecesIsThatOfTheWhole) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += static_cast<char>(i);
  for (const size_t piece : {1u, 63u, 64u, 65u, 999u, 1000u}) {
    Sha256 hash;
    for (size_t at = 0; at < text.size(); at += piece) {
      hash.update(as_bytes(std::string_view(text).substr(at, piece)));
    }
    EXPECT_EQ(hash.finish(), sha256(as_bytes(text))) << piece;
  }
  EXPECT_EQ(Sha256().finish(), sha256({}));
}

// FIPS 180-4 examples (NIST), and lengths around the block's edge.
TEST(Sha256, GivesTheKnownDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::pair<size_t, const char*> lengths[] = {
      {55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
      {56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
      {63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
      {64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
      {65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0"},
      {1'000'000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const auto& [length, digest] : lengths) {
    EXPECT_EQ(sha256_hex(std::string(length, 'a')), digest) << length;
  }
}

SecretKey key_of(std::string_view bytes) {
  std::array<uint8_t, SecretKey::kSizeBytes> key{};  // HMAC pads a shorter key with zeros itself
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return SecretKey(key);
}

struct HmacCase {
  std::string key, data, mac;
};

// RFC 4231 test cases 1 to 4, whose keys are no longer than ours.
std::vector<HmacCase> rfc_4231() {
  std::string key_of_25;
  for (char c = 1; c <= 25; ++c) key_of_25 += c;
  return {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {key_of_25, std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
  };
}

TEST(Hmac, GivesTheMacsOfRfc4231) {
  for (const HmacCase& vector : rfc_4231()) {
    const Hmac hmac(key_of(vector.key));
    EXPECT_EQ(format_hex(hmac(as_bytes(vector.data))), vector.mac);
    EXPECT_EQ(format_hex(hmac(as_bytes(vector.data))), vector.mac) << "the second time";
  }
}

TEST(Hmac, ACopyGivesTheSameAndOutlivesTheFirst) {
  auto first = std::make_unique<Hmac>(key_of("key"));
  const Digest mac = (*first)(as_bytes("data"));
  const Hmac copy(*first);
  first.reset();
  EXPECT_EQ(copy(as_bytes("data")), mac);
}

TEST(Hmac, VerifiesTheMacAndNothingElse) {
  const Hmac hmac(key_of("key"));
  const Digest mac = hmac(as_bytes("data"));
  EXPECT_TRUE(hmac.verify(as_bytes("data"), mac));
  EXPECT_FALSE(hmac.verify(as_bytes("datb"), mac));
  EXPECT_FALSE(Hmac(key_of("kez")).verify(as_bytes("data"), mac));
  EXPECT_FALSE(hmac.verify(as_bytes("data"), std::span(mac).first(31)));
  EXPECT_FALSE(hmac.verify(as_bytes("data"), {}));
  for (size_t i = 0; i < mac.size() * 8; ++i) {
    Digest changed = mac;
    changed[i / 8] = static_cast<uint8_t>(changed[i / 8] ^ (1 << i % 8));
    EXPECT_FALSE(hmac.verify(as_bytes("data"), changed)) << "bit " << i;
  }
}

TEST(ErasableHmac, IsTheHmacUntilItIsErased) {
  ErasableHmac erasable;
  for (const HmacCase& vector : rfc_4231()) {
    erasable.set(Hmac(key_of(vector.key)));
    EXPECT_EQ(format_hex(erasable(as_bytes(vector.data))), vector.mac);
  }
  for (const size_t length : {0u, 55u, 56u, 63u, 64u, 65u, 500u}) {
    const std::string data(length, 'a');
    EXPECT_EQ(erasable(as_bytes(data)), Hmac(key_of(rfc_4231().back().key))(as_bytes(data)));
  }
  const Digest before = erasable(as_bytes("x"));
  erasable.erase();
  EXPECT_NE(erasable(as_bytes("x")), before);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&erasable);
  EXPECT_TRUE(std::all_of(bytes, bytes + sizeof erasable, [](uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace latchkey
