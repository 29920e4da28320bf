#include "app/doctor.h"

#include <gtest/gtest.h>

#include "app/build_date.h"
#include "base/time_text.h"

namespace latchkey::app {
namespace {

constexpr uint64_t kMebibyte = 1024 * 1024;
const Instant kNow{1'795'000'000'000};

DiskFacts good_disk() { return {"/data", 50'000 * kMebibyte, 100'000, 200'000, 0xEF53, ""}; }
ClockFacts good_clock() { return {kNow, kNow - Milliseconds(1), kNow, true}; }
LimitFacts good_limits() { return {32'768, 32'768, 16'384, 0, {}}; }

// The worst finding of `checks`.
Finding worst(const Checks& checks) {
  Finding found = Finding::ok;
  for (const Check& check : checks) found = std::max(found, check.finding);
  return found;
}

TEST(DoctorDisk, IsContentWithRoomOnAnOrdinaryDisk) {
  const Checks checks = decide_disk(good_disk());
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].finding, Finding::ok);
  EXPECT_EQ(checks[0].what, "48.8 GiB free at /data");
}

TEST(DoctorDisk, WarnsBelowAGibibyteAndRefusesBelow64Mebibytes) {
  DiskFacts facts = good_disk();
  facts.bytes_free = 1024 * kMebibyte;
  EXPECT_EQ(worst(decide_disk(facts)), Finding::ok);
  facts.bytes_free -= 1;
  EXPECT_EQ(worst(decide_disk(facts)), Finding::warning);
  facts.bytes_free = 64 * kMebibyte;
  EXPECT_EQ(worst(decide_disk(facts)), Finding::warning);
  facts.bytes_free -= 1;
  EXPECT_EQ(worst(decide_disk(facts)), Finding::problem);
}

TEST(DoctorDisk, CountsInodesWhereThereIsANumberOfThem) {
  DiskFacts facts = good_disk();
  facts.inodes_free = 999;
  EXPECT_EQ(worst(decide_disk(facts)), Finding::warning);
  facts.inodes_free = 15;
  EXPECT_EQ(worst(decide_disk(facts)), Finding::problem);
  facts.inodes_total = 0;  // btrfs
  EXPECT_EQ(worst(decide_disk(facts)), Finding::ok);
}

TEST(DoctorDisk, RefusesNetworkFileSystems) {
  DiskFacts facts = good_disk();
  for (const int64_t type : {int64_t{0x6969}, int64_t{0xFF534D42}, int64_t{0x01021997}}) {
    facts.type = type;
    const Checks checks = decide_disk(facts);
    EXPECT_EQ(worst(checks), Finding::problem) << type;
    EXPECT_NE(checks.back().what.find("network file system"), std::string::npos);
  }
  // A type of 32 bits may come with its sign.
  EXPECT_EQ(network_file_system(static_cast<int32_t>(0xFF534D42)), "CIFS");
}

TEST(DoctorDisk, WarnsOfMemory) {
  DiskFacts facts = good_disk();
  facts.type = 0x01021994;
  EXPECT_EQ(worst(decide_disk(facts)), Finding::warning);
}

TEST(DoctorDisk, TellsWhyAFileCannotBeWritten) {
  DiskFacts facts = good_disk();
  facts.write_error = "No space left on device";
  const Checks checks = decide_disk(facts);
  EXPECT_EQ(checks[0].finding, Finding::problem);
  EXPECT_NE(checks[0].what.find("No space left on device"), std::string::npos);
}

TEST(DoctorClock, IsContentWhenSynchronized) {
  EXPECT_EQ(worst(decide_clock(good_clock())), Finding::ok);
}

TEST(DoctorClock, IsNotBeforeTheBuild) {
  ClockFacts facts = good_clock();
  facts.built = kNow;
  EXPECT_EQ(worst(decide_clock(facts)), Finding::ok);
  facts.built = kNow + Milliseconds(1);
  EXPECT_EQ(worst(decide_clock(facts)), Finding::problem);
}

TEST(DoctorClock, IsNotBehindTheLastEvent) {
  ClockFacts facts = good_clock();
  facts.last_event = kNow + Milliseconds(1000);
  EXPECT_EQ(worst(decide_clock(facts)), Finding::ok);
  facts.last_event = kNow + Milliseconds(1001);
  const Checks checks = decide_clock(facts);
  EXPECT_EQ(checks[0].finding, Finding::problem);
  EXPECT_NE(checks[0].what.find("2 s before the last change"), std::string::npos);
}

TEST(DoctorClock, WarnsWhenNothingKeepsItRight) {
  ClockFacts facts = good_clock();
  facts.is_synchronized = false;
  EXPECT_EQ(worst(decide_clock(facts)), Finding::warning);
  facts.is_synchronized = std::nullopt;
  EXPECT_EQ(worst(decide_clock(facts)), Finding::ok);
}

TEST(DoctorClock, KnowsTheDayOfItsBuild) {
  EXPECT_EQ(build_date().size(), 10u);
  EXPECT_LT(build_instant(), SystemClock().now());
}

TEST(DoctorLimits, WantsADescriptorForEachConnection) {
  LimitFacts facts = good_limits();
  facts.descriptors_soft = 1024;
  facts.descriptors_hard = 16'384 + 448;
  EXPECT_EQ(worst(decide_limits(facts)), Finding::ok);
  facts.descriptors_hard -= 1;
  const Checks checks = decide_limits(facts);
  EXPECT_EQ(worst(checks), Finding::warning);
  EXPECT_NE(checks[0].advice.find("16832"), std::string::npos);
}

TEST(DoctorLimits, WarnsOfCoreDumpsAndSwap) {
  LimitFacts facts = good_limits();
  facts.core_bytes_max = 1;
  EXPECT_EQ(worst(decide_limits(facts)), Finding::warning);
  facts = good_limits();
  facts.swaps = {"/dev/sda2"};
  const Checks checks = decide_limits(facts);
  EXPECT_EQ(worst(checks), Finding::warning);
  EXPECT_NE(checks.back().what.find("/dev/sda2"), std::string::npos);
}

TEST(DoctorCertificate, CountsTheDaysThatAreLeft) {
  const Instant now = *parse_date_time("2026-11-10T12:00:00Z");
  const auto decide = [&](const std::string& until) {
    return decide_certificate("certificate", {now, parse_certificate_time(until)});
  };
  EXPECT_EQ(decide("Nov 24 12:00:00 2026 GMT").finding, Finding::ok);
  const Check check = decide("Nov 24 11:59:59 2026 GMT");
  EXPECT_EQ(check.finding, Finding::warning);
  EXPECT_NE(check.what.find("13 days"), std::string::npos);
  EXPECT_EQ(decide("Nov 10 12:00:01 2026 GMT").finding, Finding::warning);
  EXPECT_EQ(decide("Nov 10 12:00:00 2026 GMT").finding, Finding::problem);
  EXPECT_EQ(decide("soon").finding, Finding::warning);
}

TEST(DoctorBytes, AreReadByPeople) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1 KiB");
  EXPECT_EQ(format_bytes(3'758'096'384), "3.5 GiB");
}

}  // namespace
}  // namespace latchkey::app
