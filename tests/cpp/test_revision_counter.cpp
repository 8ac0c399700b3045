#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "child_processes.hpp"
#include "expectations.hpp"
#include "saas_access/revision_counter.hpp"
#include "temporary_database.hpp"

namespace saas_access {
namespace {

TEST(RevisionCounter, StartsAtZero) {
  const TemporaryDatabase file;
  EXPECT_EQ(RevisionCounter(file.path()).load(), 0U);
}

TEST(RevisionCounter, RisesAndNeverFalls) {
  const TemporaryDatabase file;
  RevisionCounter counter(file.path());
  counter.advance(7);
  counter.advance(3);
  EXPECT_EQ(counter.load(), 7U);
  counter.advance(8);
  EXPECT_EQ(counter.load(), 8U);
}

TEST(RevisionCounter, IsSharedByAllThatHaveTheDatabaseOpen) {
  const TemporaryDatabase file;
  const RevisionCounter reader(file.path());
  RevisionCounter writer(file.path());
  writer.advance(5);
  EXPECT_EQ(reader.load(), 5U);
}

TEST(RevisionCounter, KeepsItsValueWhenNobodyHasItOpen) {
  const TemporaryDatabase file;
  RevisionCounter(file.path()).advance(5);
  EXPECT_EQ(RevisionCounter(file.path()).load(), 5U);
}

TEST(RevisionCounter, IsSharedBetweenProcesses) {
  const TemporaryDatabase file;
  const RevisionCounter before(file.path());
  expect_in_processes(4, [&](int number) {
    RevisionCounter counter(file.path());
    for (Revision i = 0; i < 1000; ++i) counter.advance(i * 4 + static_cast<Revision>(number));
    return true;
  });
  EXPECT_EQ(before.load(), 999U * 4 + 3);
}

TEST(RevisionCounter, KeepsTheHighestOfManyThreads) {
  const TemporaryDatabase file;
  RevisionCounter counter(file.path());
  std::vector<std::thread> threads;
  for (Revision number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      Revision seen = 0;
      for (Revision i = 1; i <= 10'000; ++i) {
        counter.advance(i * 4 + number);
        const Revision now = counter.load();
        EXPECT_GE(now, seen);
        EXPECT_GE(now, i * 4 + number);
        seen = now;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counter.load(), 40'003U);
}

TEST(RevisionCounter, IsForItsOwnerOnly) {
  const TemporaryDatabase file;
  const RevisionCounter counter(file.path());
  struct stat status{};
  ASSERT_EQ(stat((file.path().string() + "-revision").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(RevisionCounter, NoticesThatItsFileWasDeletedOrReplaced) {
  const TemporaryDatabase file;
  const RevisionCounter counter(file.path());
  EXPECT_NO_THROW(counter.check_file());
  const std::string path = file.path().string() + "-revision";
  std::filesystem::remove(path);
  const auto message = message_of<StoreUnavailable>([&] { counter.check_file(); });
  EXPECT_NE(message.find("'" + path + "'"), std::string::npos) << message;
  const RevisionCounter replacement(file.path());
  EXPECT_NO_THROW(replacement.check_file());
  EXPECT_THROW(counter.check_file(), StoreUnavailable);
}

TEST(RevisionCounter, NamesAFileThatCanNotBeMade) {
  const TemporaryDatabase file;
  const auto missing = file.folder() / "missing" / "access.db";
  const auto message = message_of<StoreUnavailable>([&] { RevisionCounter counter(missing); });
  EXPECT_NE(message.find("'" + missing.string() + "-revision'"), std::string::npos) << message;
}

}  // namespace
}  // namespace saas_access
