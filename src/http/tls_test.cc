#include "http/tls.h"

#include <gmock/gmock.h>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"
#include "http/tls_test_util.h"

namespace latchkey::http {
namespace {

using testing::HasSubstr;

Error refusal_of(std::string certificate, std::string_view key) {
  const auto made =
      TlsContext::make({std::move(certificate), SecretText(key), TlsVersion::tls_1_2});
  EXPECT_FALSE(made.has_value());
  return made ? Error(ErrorCode::internal) : made.error();
}

TEST(TlsContext, TellsEndAndFingerprint) {
  const auto certificate = make_test_certificate(3'600);
  const auto context = *make_context(certificate);
  const CertificateFacts& facts = context->certificate();
  const SystemClock clock;
  EXPECT_LT(facts.not_before, clock.now());
  EXPECT_NEAR(static_cast<double>(facts.not_after.ms - clock.now().ms), 3'600'000, 60'000);
  std::string plain;
  for (const char c : facts.fingerprint) {
    if (c != ':') plain += ascii_lower(c);
  }
  EXPECT_EQ(plain, format_hex(sha256(as_bytes(certificate.der))));
  EXPECT_EQ(facts.fingerprint.size(), 32u * 3 - 1);
}

TEST(TlsContext, TakesAnExpiredCertificate) {
  const auto context = make_context(make_test_certificate(-60));
  ASSERT_TRUE(context.has_value());
  EXPECT_LT((*context)->certificate().not_after, SystemClock().now());
}

TEST(TlsContext, CoversItsNamesOnly) {
  const auto context = *make_context(any_certificate());
  EXPECT_TRUE(context->covers("localhost"));
  EXPECT_TRUE(context->covers("127.0.0.1"));
  EXPECT_FALSE(context->covers("127.0.0.2"));
  EXPECT_FALSE(context->covers("tokens.example.com"));
  EXPECT_FALSE(context->covers(""));
}

TEST(TlsContext, RefusesTheKeyOfAnotherCertificate) {
  const Error error = refusal_of(any_certificate().certificate, make_test_certificate().key);
  EXPECT_EQ(error.code, ErrorCode::configuration);
  EXPECT_EQ(error.field, "key");
  EXPECT_THAT(error.message, HasSubstr("does not belong to the first certificate"));
}

TEST(TlsContext, RefusesWhatIsNoPem) {
  const TestCertificate& good = any_certificate();
  for (const std::string& text : {std::string(), std::string("hello\n"), good.key}) {
    const Error error = refusal_of(text, good.key);
    EXPECT_EQ(error.field, "certificate") << text;
    EXPECT_THAT(error.message, HasSubstr("no certificate in PEM form"));
  }
  const std::string cut = good.certificate.substr(0, good.certificate.size() / 2);
  EXPECT_THAT(refusal_of(cut, good.key).message, HasSubstr("is damaged after 0 certificates"));
  EXPECT_THAT(refusal_of(good.certificate + cut, good.key).message,
              HasSubstr("is damaged after 1 certificates"));
  for (const std::string& text : {std::string(), std::string("hello\n"), good.certificate}) {
    const Error error = refusal_of(good.certificate, text);
    EXPECT_EQ(error.field, "key") << text;
    EXPECT_THAT(error.message, HasSubstr("no private key in PEM form"));
  }
}

TEST(TlsContext, RefusesAnEncryptedKey) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  BIO* const bio = BIO_new(BIO_s_mem());
  unsigned char passphrase[] = "secret";
  PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(), passphrase, 6, nullptr, nullptr);
  EVP_PKEY_free(key);
  const Error error = refusal_of(any_certificate().certificate, take_text(bio));
  EXPECT_EQ(error.field, "key");
  EXPECT_THAT(error.message, HasSubstr("is encrypted"));
}

TEST(TlsContext, RefusesAShortRsaKey) {
  const auto weak = make_test_certificate(3'600, EVP_RSA_gen(1024));
  const Error error = refusal_of(weak.certificate, weak.key);
  EXPECT_EQ(error.field, "certificate");
  EXPECT_THAT(error.message, HasSubstr("key too small"));
}

TEST(TlsContext, BoundsTheChain) {
  const TestCertificate& good = any_certificate();
  std::string chain;
  for (int i = 0; i < 10; ++i) chain += good.certificate;
  EXPECT_TRUE(TlsContext::make({chain, SecretText(good.key), TlsVersion::tls_1_2}).has_value());
  EXPECT_THAT(refusal_of(chain + good.certificate, good.key).message,
              HasSubstr("more than 10 certificates"));
}

TEST(TlsPublication, GivesWhatWasPublishedLast) {
  TlsPublication publication;
  const auto first = *make_context(any_certificate());
  const auto second = *first->renew();
  publication.publish(first);
  EXPECT_EQ(publication.current(), first);
  publication.publish(second);
  EXPECT_EQ(publication.current(), second);
  EXPECT_EQ(second->certificate().fingerprint, first->certificate().fingerprint);
}

}  // namespace
}  // namespace latchkey::http
