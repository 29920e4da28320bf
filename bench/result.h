// How a benchmark says what it measured: a line of JSON on stdout. The form is bench/README.md's.
//
// Progress goes to stderr. Thread safety: one thread.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace latchkey::bench {

// CPU time of this thread in nanoseconds: what others do on the machine is not in it.
inline double thread_time() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

// REQUIRES: `values` is not empty.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// One result; what is not set is left out of the line.
class ResultLine {
 public:
  // Names and texts have no quotation marks or backslashes in them.
  ResultLine(const std::string& name, double value, const std::string& unit) {
    text("name", name).number("value", value).text("unit", unit);
  }
  ResultLine& text(const std::string& field, const std::string& value) {
    return add(field, '"' + value + '"');
  }
  ResultLine& number(const std::string& field, double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.6g", value);
    return add(field, digits);
  }
  ResultLine& reference(const std::string& name, double value) {
    return text("reference", name).number("reference_value", value);
  }
  // Of the single rounds. REQUIRES: not empty.
  ResultLine& ratios(const std::vector<double>& ratios) {
    const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    return number("ratio", median(ratios))
        .number("ratio_low", *low)
        .number("ratio_high", *high)
        .number("rounds", static_cast<double>(ratios.size()));
  }
  ResultLine& goal_at_most(double goal) { return number("goal", goal); }
  ResultLine& goal_at_least(double goal) {
    return number("goal", goal).text("goal_is", "at least");
  }
  void print() const {
    std::printf("{%s}\n", fields_.c_str());
    std::fflush(stdout);
  }

 private:
  ResultLine& add(const std::string& field, const std::string& json) {
    if (!fields_.empty()) fields_ += ", ";
    fields_ += '"' + field + "\": " + json;
    return *this;
  }

  std::string fields_;
};

}  // namespace latchkey::bench
