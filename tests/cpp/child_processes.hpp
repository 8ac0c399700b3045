#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <vector>

namespace saas_access {

/// Runs `work(number)` in `count` processes at once, started together; it returns whether all went well. Expects that
/// of each.
inline void expect_in_processes(int count, const std::function<bool(int)>& work) {
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  std::vector<pid_t> children;
  for (int number = 0; number < count; ++number) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(gate[1]);
      char end = 0;
      bool went_well = read(gate[0], &end, 1) == 0;  // the parent closes its end when all are there
      try {
        went_well = went_well && work(number);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        went_well = false;
      }
      _exit(went_well ? 0 : 1);
    }
    children.push_back(child);
  }
  close(gate[0]);
  close(gate[1]);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

}  // namespace saas_access
