#include "store/faulty_driver.h"

#include <utility>

namespace latchkey::store {
namespace {

Error injected() { return Error(ErrorCode::store_unavailable, "injected failure"); }

class FaultyConnection final : public Connection {
 public:
  FaultyConnection(std::unique_ptr<Connection> connection, Fault& fault)
      : connection_(std::move(connection)), fault_(fault) {}

  Result<int64_t> run(std::string_view sql, std::span<const Value> parameters,
                      const RowCallback& on_row) override {
    const bool fails = fault_.next();
    if (fails && fault_.moment() == Fault::Moment::before) return injected();
    auto changed = connection_->run(sql, parameters, on_row);
    if (fails) return injected();
    return changed;
  }

  Result<void> run_later(std::string_view sql, std::span<const Value> parameters) override {
    const bool fails = fault_.next();
    if (fails && fault_.moment() == Fault::Moment::before) return injected();
    auto outcome = connection_->run_later(sql, parameters);
    if (fails) return injected();
    return outcome;
  }
  bool had_conflict() const override { return connection_->had_conflict(); }

  Result<void> run_script(std::string_view sql) override {
    const bool fails = fault_.next();
    if (fails && fault_.moment() == Fault::Moment::before) return injected();
    auto outcome = connection_->run_script(sql);
    if (fails) return injected();
    return outcome;
  }

 private:
  std::unique_ptr<Connection> connection_;
  Fault& fault_;
};

class FaultyDriver final : public Driver {
 public:
  FaultyDriver(std::unique_ptr<Driver> driver, Fault& fault)
      : driver_(std::move(driver)), fault_(fault) {}

  Result<std::unique_ptr<Connection>> connect() override {
    LK_TRY(auto connection, driver_->connect());
    return std::unique_ptr<Connection>(
        std::make_unique<FaultyConnection>(std::move(connection), fault_));
  }
  std::span<const std::string_view> migrations() const override { return driver_->migrations(); }
  std::string_view begin_read() const override { return driver_->begin_read(); }
  std::string_view begin_write() const override { return driver_->begin_write(); }
  SharedEngine* shared() override { return driver_->shared(); }
  bool can_write() const override { return driver_->can_write(); }
  Result<void> copy_to(const std::string& path, const CopyProgress& on_progress) override {
    return driver_->copy_to(path, on_progress);
  }
  std::string_view settle() const override { return driver_->settle(); }
  bool needs_restart() const override { return driver_->needs_restart(); }

 private:
  std::unique_ptr<Driver> driver_;
  Fault& fault_;
};

}  // namespace

std::unique_ptr<Driver> make_faulty_driver(std::unique_ptr<Driver> driver, Fault& fault) {
  return std::make_unique<FaultyDriver>(std::move(driver), fault);
}

}  // namespace latchkey::store
