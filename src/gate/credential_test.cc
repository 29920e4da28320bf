#include "gate/credential.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/bytes.h"
#include "gate/request_for_test.h"

namespace latchkey::gate {
namespace {

std::string basic(std::string_view pair) { return "Basic " + format_base64(as_bytes(pair)); }

// What reading `headers` and `query` gives: "kind:secret" or the error's name.
std::string read(std::vector<http::Header> headers, std::string query = "") {
  TestRequest request("GET", "/", std::move(query), std::move(headers));
  Credential credential;
  const auto result = credential.read(request);
  if (!result) {
    EXPECT_TRUE(credential.secret().empty());
    EXPECT_EQ(credential.kind(), CredentialKind::none);
    return std::string(error_name(result.error().code));
  }
  const char* kind = credential.kind() == CredentialKind::none    ? "none"
                     : credential.kind() == CredentialKind::basic ? "basic"
                                                                  : "bearer";
  return std::string(kind) + ":" + std::string(credential.secret());
}

std::string read_authorization(std::string_view value) { return read({{"Authorization", value}}); }

TEST(Credential, AbsentIsNone) {
  EXPECT_EQ(read({}), "none:");
  EXPECT_EQ(read({{"Cookie", "a=b"}, {"X-Authorization", "Bearer x"}}), "none:");
}

TEST(Credential, BasicIgnoresTheUserName) {
  EXPECT_EQ(read_authorization(basic("anybody:secret")), "basic:secret");
  EXPECT_EQ(read_authorization(basic(":secret")), "basic:secret");
  EXPECT_EQ(read_authorization(basic("a:b:c")), "basic:b:c");
  EXPECT_EQ(read({{"authorization", basic(":s")}}), "basic:s");
  EXPECT_EQ(read_authorization("bAsIc   " + basic(":s").substr(6)), "basic:s");
}

TEST(Credential, EmptyPasswordMakesTheUserNameTheToken) {
  EXPECT_EQ(read_authorization(basic("token:")), "basic:token");
}

TEST(Credential, BasicRefusesWhatHasNoSecret) {
  for (const std::string pair : {":", "", "token"}) {
    EXPECT_EQ(read_authorization(basic(pair)), "credential_malformed") << pair;
  }
  EXPECT_EQ(read_authorization("Basic"), "credential_malformed");
  EXPECT_EQ(read_authorization("Basic "), "credential_malformed");
}

TEST(Credential, Base64MustBeCanonical) {
  EXPECT_EQ(read_authorization("Basic OnNlY3I="), "basic:secr");
  for (const std::string text : {"OnNlY3I", "OnNlY3J=", "OnNlY3I==", "OnN lY3I=", "On-_Y3I=",
                                 "OnNlY3I=x", "=", "OnNlY3I=, Basic OnNlY3I="}) {
    EXPECT_EQ(read_authorization("Basic " + text), "credential_malformed") << text;
  }
}

TEST(Credential, RefusesControlCharactersAndBrokenUtf8) {
  using namespace std::string_literals;
  for (const std::string& pair :
       {":a\0b"s, "\0:a"s, ":a\nb"s, ":\x7f"s, ":\xff"s, "\xc0\xaf:x"s, ":\xed\xa0\x80"s}) {
    EXPECT_EQ(read_authorization(basic(pair)), "credential_malformed");
  }
  EXPECT_EQ(read_authorization(basic("j\xc3\xb6rg:s")), "basic:s");
}

TEST(Credential, BoundIsOneKilobyte) {
  EXPECT_EQ(read_authorization(basic(":" + std::string(1023, 'a'))),
            "basic:" + std::string(1023, 'a'));
  EXPECT_EQ(read_authorization(basic(":" + std::string(1024, 'a'))), "credential_malformed");
  EXPECT_EQ(read_authorization("Bearer " + std::string(1024, 'a')),
            "bearer:" + std::string(1024, 'a'));
  EXPECT_EQ(read_authorization("Bearer " + std::string(1025, 'a')), "credential_malformed");
}

TEST(Credential, BearerTakesOneToken) {
  EXPECT_EQ(read_authorization("Bearer abc-._~+/12=="), "bearer:abc-._~+/12==");
  EXPECT_EQ(read_authorization("BEARER  x "), "bearer:x");
  for (const std::string text : {"", "a b", "a,b", "a=b", "=", "\"a\"", "a\xc3\xb6"}) {
    EXPECT_EQ(read_authorization("Bearer " + text), "credential_malformed") << text;
  }
}

TEST(Credential, OtherSchemesAreRefused) {
  for (const std::string text :
       {"", "Digest x", "Negotiate abc", "Basicx abc", "abc", "Bearer\tabc"}) {
    EXPECT_EQ(read_authorization(text), "credential_malformed") << text;
  }
}

TEST(Credential, TwoHeadersAreAmbiguous) {
  EXPECT_EQ(read({{"Authorization", "Bearer a"}, {"authorization", "Bearer a"}}),
            "credential_ambiguous");
  EXPECT_EQ(read({{"Authorization", "Bearer a"}, {"AUTHORIZATION", ""}}), "credential_ambiguous");
}

TEST(Credential, TokenInTheQueryIsAmbiguous) {
  for (const std::string query :
       {"access_token=x", "a=b&access_token=x", "access_token", "Access_Token=", "access%5ftoken=x",
        "%61ccess_token=x", "a=1;access_token=x"}) {
    EXPECT_EQ(read({}, query), "credential_ambiguous") << query;
    EXPECT_EQ(read({{"Authorization", "Bearer a"}}, query), "credential_ambiguous") << query;
  }
  for (const std::string query : {"a=access_token", "access_token2=x", "access_toke=x",
                                  "xaccess_token=1", "&&", "access_token%00=x", "%6"}) {
    EXPECT_EQ(read({{"Authorization", "Bearer a"}}, query), "bearer:a") << query;
  }
}

TEST(Credential, ReadingAgainStartsAnew) {
  Credential credential;
  const std::string value = basic(":first");
  TestRequest first("GET", "/", "", {{"Authorization", value}});
  ASSERT_TRUE(credential.read(first));
  EXPECT_EQ(credential.secret(), "first");
  TestRequest second("GET", "/", "", {});
  ASSERT_TRUE(credential.read(second));
  EXPECT_EQ(credential.kind(), CredentialKind::none);
  EXPECT_EQ(credential.secret(), "");
}

}  // namespace
}  // namespace latchkey::gate
