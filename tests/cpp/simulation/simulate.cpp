// Simulates histories of the ledger and checks each against a model:
//
//   simulate -runs=N -seed=S
//
// runs those of the seeds S to S + N - 1. A seed's history is always the same, which every fiftieth proves by coming
// twice. A failure prints its history; `simulate -runs=1 -seed=SEED` repeats it, and `-log` prints one that succeeds.

#include <charconv>
#include <chrono>
#include <iostream>
#include <string_view>

#include "history.hpp"

namespace saas_access::simulation {
namespace {

struct Arguments {
  std::uint64_t runs = 1;
  std::uint64_t seed = 1;
  bool log = false;
};

bool read_number(std::string_view argument, std::string_view name, std::uint64_t& number) {
  if (!argument.starts_with(name)) return false;
  const auto [end, error] = std::from_chars(argument.data() + name.size(), argument.data() + argument.size(), number);
  return error == std::errc() && end == argument.data() + argument.size();
}

std::string run_one(Stage& stage, std::uint64_t seed) {
  History history(stage, seed);
  try {
    history.run();
    return history.log();
  } catch (const std::exception& error) {
    throw Disagreement(history.log() + "\nSeed " + std::to_string(seed) + ": " + error.what());
  }
}

void run_all(const Arguments& arguments) {
  Stage stage;
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.seed; seed < arguments.seed + arguments.runs; ++seed) {
    const std::string log = run_one(stage, seed);
    if (arguments.log) std::cout << log;
    if ((seed % 50 == 0 || arguments.runs == 1) && run_one(stage, seed) != log) {
      throw Disagreement("Seed " + std::to_string(seed) + " is not the same twice");
    }
  }
  const std::chrono::duration<double, std::ratio<60>> minutes = std::chrono::steady_clock::now() - begin;
  std::cout << arguments.runs << " histories, "
            << static_cast<std::uint64_t>(static_cast<double>(arguments.runs) / minutes.count()) << " a minute\n";
}

}  // namespace
}  // namespace saas_access::simulation

int main(int count, char** values) {
  using namespace saas_access::simulation;
  Arguments arguments;
  for (int index = 1; index < count; ++index) {
    const std::string_view argument = values[index];
    if (argument == "-log") {
      arguments.log = true;
    } else if (!read_number(argument, "-runs=", arguments.runs) && !read_number(argument, "-seed=", arguments.seed)) {
      std::cerr << "Usage: simulate [-runs=N] [-seed=S] [-log]\n";
      return 2;
    }
  }
  try {
    run_all(arguments);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
