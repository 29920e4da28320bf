#include "app/backup_run.h"

#include <utility>

#include "base/json.h"

namespace latchkey::app {
namespace {

http::Response json_response(int status, const json::value& body) {
  return http::make_response(status, "application/json; charset=utf-8", format_json(body));
}

Result<BackupRequest> parse_request(std::string_view text) {
  LK_TRY(const json::value body, parse_json(text));
  LK_TRY(auto reader, JsonReader::object(body));
  BackupRequest asked;
  LK_TRY(asked.folder, reader.text("folder"));
  LK_TRY(const auto with_keys, reader.optional_boolean("withKeys"));
  asked.keys = with_keys.value_or(false) ? BackupKeys::with : BackupKeys::without;
  LK_CHECK(reader.refuse_unknown_fields());
  return asked;
}

}  // namespace

Result<http::Response> BackupRun::start(const http::Request& request) {
  LK_TRY(BackupRequest asked, parse_request(request.body()));
  {
    const MutexLock lock(mutex_);
    if (state_ == State::running || interrupted_) {
      return Error(ErrorCode::conflict, "another backup is being made, into " + folder_);
    }
    state_ = State::running;
    done_ = total_ = 0;
    folder_ = asked.folder;
  }
  if (!dependencies_.workers.post([this, asked] { run(asked); })) {
    const MutexLock lock(mutex_);
    state_ = State::none;
    return Error(ErrorCode::overloaded, "the server is busy");
  }
  return json_response(202, {{"state", "running"}});
}

void BackupRun::run(const BackupRequest& request) {
  const auto on_progress = [this](uint64_t done, uint64_t total) {
    const MutexLock lock(mutex_);
    done_ = done;
    total_ = total;
    return !interrupted_;
  };
  const auto copy = [this](const std::string& path, const store::CopyProgress& progress) {
    return dependencies_.store.copy_to(path, progress);
  };
  auto made = make_backup(
      request,
      {copy, dependencies_.data_dir, dependencies_.keys, dependencies_.clock, dependencies_.log},
      on_progress);
  if (made) {
    dependencies_.log.info("backup.made",
                           {{"folder", request.folder},
                            {"with_keys", made->with_keys},
                            {"epoch", core::format_id(made->head.epoch)},
                            {"revision", static_cast<int64_t>(made->head.revision.number)}});
  } else {
    dependencies_.log.error("backup.failed",
                            {{"folder", request.folder}, {"message", made.error().message}});
  }
  const MutexLock lock(mutex_);
  state_ = made ? State::done : State::failed;
  if (made) {
    manifest_ = *std::move(made);
  } else {
    error_ = std::move(made).error();
  }
}

http::Response BackupRun::progress() const {
  const MutexLock lock(mutex_);
  switch (state_) {
    case State::none: return json_response(200, {{"state", "none"}});
    case State::running:
      return json_response(200, {{"state", "running"}, {"done", done_}, {"total", total_}});
    case State::done:
      return json_response(
          200, {{"state", "done"}, {"folder", folder_}, {"manifest", format_manifest(manifest_)}});
    case State::failed:
      return json_response(200, {{"state", "failed"},
                                 {"isViolated", error_.code == ErrorCode::integrity_violated},
                                 {"message", error_.message}});
  }
  return json_response(200, {{"state", "none"}});
}

void BackupRun::interrupt() {
  const MutexLock lock(mutex_);
  interrupted_ = true;
}

}  // namespace latchkey::app
