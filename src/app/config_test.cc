#include "app/config.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace latchkey::app {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "configXXXXXX";
    folder_ = mkdtemp(pattern.data());
    sources_.flags["data_dir"] = folder_;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  Error refused() {
    const auto config = load_config(sources_);
    EXPECT_FALSE(config.has_value());
    return config ? Error(ErrorCode::internal) : config.error();
  }
  std::string folder_;
  ConfigSources sources_;
};

TEST_F(ConfigTest, DefaultsStandAlone) {
  const auto config = load_config(ConfigSources());
  ASSERT_TRUE(config.has_value());
  EXPECT_EQ(config->listen_address, "127.0.0.1");
  EXPECT_EQ(config->listen_port, 8080);
  EXPECT_EQ(effective_public_url(*config, 8080), "http://127.0.0.1:8080");
}

TEST_F(ConfigTest, FlagBeforeEnvironmentBeforeFileBeforeDefault) {
  sources_.file =
      write("c.toml", "[listen]\nport = 1001\nthreads = 3\n[limits]\nheaders_max = 50\n");
  sources_.environment = {{"LATCHKEY_LISTEN_PORT", "1002"}, {"LATCHKEY_LISTEN_THREADS", "4"}};
  sources_.flags["listen.port"] = "1003";
  const auto config = load_config(sources_);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->listen_port, 1003);
  EXPECT_EQ(config->listen_threads, 4u);
  EXPECT_EQ(config->limits_headers_max, 50u);
  EXPECT_EQ(config->limits_body_bytes_max, 1024u * 1024);
  EXPECT_EQ(config->origins.at("listen.port"), "--listen-port");
  EXPECT_EQ(config->origins.at("listen.threads"), "LATCHKEY_LISTEN_THREADS");
}

TEST_F(ConfigTest, FindsTheFileInTheDataFolder) {
  write("latchkey.toml", "[listen]\nport = 1001\n");
  const auto config = load_config(sources_);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(config->listen_port, 1001);
  EXPECT_EQ(config->data_dir, folder_);
}

TEST_F(ConfigTest, RefusesDataFolderInTheFileThatItLeadsTo) {
  write("latchkey.toml", "data_dir = \"elsewhere\"\n");
  EXPECT_EQ(refused().field, "data_dir");
}

TEST_F(ConfigTest, RefusesUnknownKeysByName) {
  sources_.file = write("c.toml", "[listen]\nprot = 1\n");
  EXPECT_THAT(refused().message, HasSubstr("listen.prot is no key"));
  sources_.file.clear();
  sources_.environment = {{"LATCHKEY_LISTEN_PROT", "1"}};
  EXPECT_THAT(refused().message, HasSubstr("LATCHKEY_LISTEN_PROT is no key"));
}

TEST_F(ConfigTest, LeavesOtherVariablesAlone) {
  sources_.environment = {{"LATCHKEY_SERVER", "http://x"}, {"LATCHKEY_ORGANIZATION", "y"}};
  EXPECT_TRUE(load_config(sources_).has_value());
}

TEST_F(ConfigTest, NamesKeyRuleAndSource) {
  sources_.flags["verifier.staleness_max_ms"] = "99";
  const Error error = refused();
  EXPECT_EQ(error.code, ErrorCode::configuration);
  EXPECT_EQ(error.message,
            "verifier.staleness_max_ms must be a whole number from 100 to 600000 "
            "(--verifier-staleness-max-ms)");
}

TEST_F(ConfigTest, RefusesAnotherTypeInTheFile) {
  sources_.file = write("c.toml", "[listen]\nport = \"1\"\n");
  EXPECT_THAT(refused().message, HasSubstr("listen.port must be a whole number"));
  sources_.file = write("c.toml", "[log]\nformat = true\n");
  EXPECT_THAT(refused().message, HasSubstr("log.format must be a text in quotes"));
  sources_.file = write("c.toml", "[log\n");
  EXPECT_THAT(refused().message, HasSubstr("line 1"));
}

// Found by fuzzing: toml++ asserts that a table's name begins well, and then checks it.
TEST_F(ConfigTest, RefusesTableWithoutName) {
  for (const char* text : {"[=]\n", "[$]\n", "[\n", "[[.]]\n", "[log.=]\n"}) {
    sources_.file = write("c.toml", text);
    const auto config = load_config(sources_);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code, ErrorCode::configuration) << text;
  }
}

TEST_F(ConfigTest, ServesPlainHttpOnLoopbackUnlessTold) {
  sources_.flags["listen.address"] = "0.0.0.0";
  EXPECT_EQ(refused().field, "listen.address");
  sources_.flags["listen.allow_plain_http"] = "true";
  EXPECT_TRUE(load_config(sources_).has_value());
}

TEST_F(ConfigTest, CertificateOpensOtherAddressesAndMakesHttps) {
  sources_.flags["listen.address"] = "0.0.0.0";
  sources_.flags["tls.certificate_file"] = "chain.pem";
  sources_.flags["tls.key_file"] = "key.pem";
  const auto config = load_config(sources_);
  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_EQ(effective_public_url(*config, 8443), "https://127.0.0.1:8443");
  EXPECT_EQ(config->tls_minimum_version, http::TlsVersion::tls_1_2);
}

TEST_F(ConfigTest, CertificateAndKeyComeTogether) {
  sources_.flags["tls.certificate_file"] = "chain.pem";
  EXPECT_EQ(refused().field, "tls.key_file");
  sources_.flags.erase("tls.certificate_file");
  sources_.flags["tls.key_file"] = "key.pem";
  EXPECT_EQ(refused().field, "tls.certificate_file");
}

TEST_F(ConfigTest, RefusesEachBrokenValue) {
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"data_dir", ""},
      {"listen.address", "localhost"},
      {"listen.port", "65536"},
      {"listen.port", "-1"},
      {"listen.threads", "65"},
      {"listen.allow_plain_http", "yes"},
      {"listen.trusted_proxies", "10.0.0.1/8"},
      {"listen.trusted_proxies", "proxy.example"},
      {"public_url", "http://host/"},
      {"public_url", "ftp://host"},
      {"public_url", "https://"},
      {"operations.address", ""},
      {"log.format", "xml"},
      {"log.level", "loud"},
      {"smtp.url", "http://mail"},
      {"smtp.url", "smtp://mail"},  // without smtp.from
      {"smtp.user", "me"},          // without smtp.password_file
      {"store.url", "mysql://db/latchkey"},
      {"store.password_file", "/etc/secret"},  // without store.url
      {"smtp.tls", "never"},
      {"token.provider", "AZDO"},
      {"session.idle_hours", "200"},
      {"limits.body_bytes_max", "0"},
      {"limits.buffered_bytes_max", "1048576"},
      {"operations.port", "8080"},
      {"tls.minimum_version", "1.1"},
  };
  for (const auto& [key, value] : broken) {
    ConfigSources sources = sources_;
    sources.flags[key] = value;
    EXPECT_FALSE(load_config(sources).has_value()) << key << " = " << value;
  }
}

TEST_F(ConfigTest, PrintsWhatItReads) {
  sources_.flags["log.format"] = "json";
  sources_.flags["listen.port"] = "9000";
  const auto config = load_config(sources_);
  ASSERT_TRUE(config.has_value());
  const std::string text = format_config(*config);
  EXPECT_THAT(text,
              HasSubstr("[listen]\naddress = \"127.0.0.1\"  # default\nport = 9000  # --listen"));
  ConfigSources again;
  again.file = write("printed.toml", text);
  const auto read_back = load_config(again);
  ASSERT_TRUE(read_back.has_value()) << read_back.error().message;
  EXPECT_EQ(read_back->log_format, LogFormat::json);
  EXPECT_EQ(read_back->data_dir, folder_);
}

TEST(ConfigNames, EveryKeyHasItsOwnFlagAndVariable) {
  EXPECT_EQ(flag_of("listen.allow_plain_http"), "--listen-allow-plain-http");
  EXPECT_EQ(environment_variable_of("listen.allow_plain_http"), "LATCHKEY_LISTEN_ALLOW_PLAIN_HTTP");
  std::set<std::string> flags;
  for (const Setting& setting : settings()) EXPECT_TRUE(flags.insert(flag_of(setting.key)).second);
}

TEST(ConfigUrl, WildcardBecomesLoopback) {
  EXPECT_EQ(local_url("0.0.0.0", 80), "http://127.0.0.1:80");
  EXPECT_EQ(local_url("::1", 80), "http://[::1]:80");
  EXPECT_TRUE(is_loopback("127.0.0.53"));
  EXPECT_FALSE(is_loopback("128.0.0.1"));
}

}  // namespace
}  // namespace latchkey::app
