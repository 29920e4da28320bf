#include "app/tls_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "app/keys.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr Milliseconds kTicketKeyLife = std::chrono::hours(12);

Error bad(std::string_view key, const std::string& path, std::string_view rule) {
  return Error(ErrorCode::configuration, std::string(key) + ": " + path + " " + std::string(rule),
               std::string(key));
}

Result<void> check_file(std::string_view key, const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    return bad(key, path, std::string("cannot be read: ") + std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return bad(key, path, "must be a file");
  return {};
}

// A key is its owner's, who is this user; or root's, who may let a group of ours read it, as
// Debian's ssl-cert and systemd's credentials do.
Result<void> check_key_mode(std::string_view key, const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return {};  // told before
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return bad(key, path,
               "belongs to another user; type: chown " + std::to_string(::geteuid()) + " " + path);
  }
  const mode_t refused = status.st_uid == 0 ? 037 : 077;
  if ((status.st_mode & refused) != 0) {
    return bad(key, path,
               "can be used by others than its owner; type: chmod " +
                   std::string(status.st_uid == ::geteuid() ? "600 " : "640 ") + path);
  }
  return {};
}

Result<std::string> read(std::string_view key, const std::string& path) {
  LK_CHECK(check_file(key, path));
  auto text = read_small_file(path);
  if (!text) {
    return bad(key, path,
               ::access(path.c_str(), R_OK) == 0
                   ? "is empty or longer than 64 KiB"
                   : std::string("cannot be read: ") + std::strerror(errno));
  }
  return text;
}

Result<std::shared_ptr<const http::TlsContext>> make_context(const TlsFileOptions& options) {
  LK_TRY(std::string certificate, read(options.certificate_setting, options.certificate_file));
  LK_CHECK(check_file(options.key_setting, options.key_file));
  LK_CHECK(check_key_mode(options.key_setting, options.key_file));
  LK_TRY(std::string key, read(options.key_setting, options.key_file));
  auto made = http::TlsContext::make(
      {std::move(certificate), SecretText::take(std::move(key)), options.version_min});
  if (made) return made;
  const bool is_key = made.error().field == "key";
  return bad(is_key ? options.key_setting : options.certificate_setting,
             is_key ? options.key_file : options.certificate_file, made.error().message);
}

}  // namespace

FileStamp look_at_file(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return {};
  const auto ns = [](const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
  return {status.st_dev, status.st_ino, static_cast<uint64_t>(status.st_size), ns(status.st_mtim),
          ns(status.st_ctim)};
}

TlsFiles::Stamps TlsFiles::look() const {
  return {look_at_file(options_.certificate_file), look_at_file(options_.key_file)};
}

// What changes while it is read is seen as a change by the next poll.
Result<void> TlsFiles::take() {
  taken_ = seen_ = look();
  LK_TRY(auto context, make_context(options_));
  made_at_ = clock_.ticks();
  publication_.publish(context);
  tell(*context);
  return {};
}

void TlsFiles::tell(const http::TlsContext& context) {
  const http::CertificateFacts& facts = context.certificate();
  log_.info("tls.certificate_loaded",
            {{"expires", format_date_time(facts.not_after)}, {"sha256", facts.fingerprint}});
  const Instant now = clock_.now();
  if (facts.not_after < now) {
    log_.warning("tls.certificate_expired", {{"expired", format_date_time(facts.not_after)}});
  } else if (now < facts.not_before) {
    log_.warning("tls.certificate_not_yet_valid",
                 {{"valid_from", format_date_time(facts.not_before)}});
  }
  if (!options_.public_host.empty() && !context.covers(options_.public_host)) {
    log_.warning("tls.certificate_for_another_name", {{"public_url_host", options_.public_host}});
  }
}

Result<void> TlsFiles::load() { return take(); }

void TlsFiles::reload() {
  if (auto taken = take(); !taken) {
    ++reloads_failed_;
    log_.error("tls.reload_failed", {{"message", taken.error().message},
                                     {"kept", publication_.current()->certificate().fingerprint}});
    return;
  }
  ++reloads_done_;
}

void TlsFiles::poll() {
  const Stamps now = look();
  const bool has_settled = now == seen_;
  seen_ = now;
  if (has_settled && now != taken_) {
    reload();
  } else if (clock_.ticks() - made_at_ >= kTicketKeyLife) {
    renew_ticket_keys();
  }
}

void TlsFiles::renew_ticket_keys() {
  made_at_ = clock_.ticks();
  auto renewed = publication_.current()->renew();
  if (renewed) return publication_.publish(std::move(*renewed));
  log_.error("tls.ticket_keys_not_renewed", {{"message", renewed.error().message}});
}

TlsMeasurements TlsFiles::measure() const {
  return {publication_.current()->certificate().not_after, reloads_done_.load(),
          reloads_failed_.load()};
}

}  // namespace latchkey::app
