#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "saas_access/snapshot_cell.hpp"

namespace saas_access {
namespace {

std::shared_ptr<const Snapshot> marked_snapshot(RowId mark) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->revision = static_cast<Revision>(mark);
  std::vector<AliasEntry> aliases(1);
  aliases[0].row = mark;
  snapshot->catalog = std::make_shared<const Catalog>(build_catalog(std::move(aliases), {}));
  return snapshot;
}

TEST(SnapshotCellTest, ReadersSeeWholeSnapshotsAndNeverAnOlderOne) {
  constexpr RowId kTurns = 500;
  SnapshotCell cell;
  cell.set(marked_snapshot(1));
  std::atomic<bool> failed{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, by_pointer = i == 0] {
      RowId last = 0;
      const auto look = [&](const Snapshot& snapshot) {
        const RowId mark = snapshot.catalog->aliases.front().row;
        if (mark < last || snapshot.revision != static_cast<Revision>(mark)) failed = true;
        last = mark;
      };
      while (last < kTurns && !failed) {
        if (by_pointer) {
          look(*cell.get());
        } else {
          cell.with(look);
        }
      }
    });
  }
  for (RowId turn = 2; turn <= kTurns; ++turn) cell.set(marked_snapshot(turn));
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(failed);
}

TEST(SnapshotCellTest, AWriterWaitsForAReaderOfTheOldSnapshot) {
  SnapshotCell cell;
  cell.set(marked_snapshot(1));
  std::atomic<bool> answered{false};
  std::thread writer;
  cell.with([&](const Snapshot& snapshot) {
    writer = std::thread([&] {
      cell.set(marked_snapshot(2));
      answered = true;
    });
    while (cell.get()->revision != 2) std::this_thread::yield();  // from here on, others read the new one
    for (int i = 0; i < 1'000; ++i) {
      std::this_thread::yield();
      ASSERT_FALSE(answered);
    }
    EXPECT_EQ(snapshot.catalog->aliases.front().row, 1);
  });
  writer.join();
  EXPECT_TRUE(answered);
}

TEST(SnapshotCellTest, ReplacedSnapshotsAreFreedAtOnce) {
  SnapshotCell cell;
  auto first = marked_snapshot(1);
  const std::weak_ptr<const Snapshot> watched = first;
  cell.set(std::move(first));
  cell.set(marked_snapshot(2));
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace saas_access
