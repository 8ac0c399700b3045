// Drives a fuzz target where the compiler has no libFuzzer:
//
//   TARGET -runs=N -seed=S
//
// runs the inputs with the numbers S to S + N - 1. The input of a number is always the same: mutations of the target's
// seeds, or bytes at random. A failure prints its number, and `TARGET -runs=1 -seed=NUMBER` repeats it.

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <random>

#include "fuzzing.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// The sanitizers end the process in their own way, and call this before; absent without them.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace saas_access::fuzz {
namespace {

std::array<char, 96> failure_message;  // made before each input: a dying process must not allocate

void tell_the_number() {
  const std::string_view message(failure_message.data());
  [[maybe_unused]] const auto written = write(STDERR_FILENO, message.data(), message.size());
}

void on_signal(int signal) {
  tell_the_number();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// Every way to die tells the number, also when the stack is full.
void watch_for_death() {
  static std::array<std::byte, 65'536> stack;
  const stack_t other_stack{stack.data(), 0, stack.size()};
  sigaltstack(&other_stack, nullptr);
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int signal : {SIGABRT, SIGALRM}) sigaction(signal, &action, nullptr);
  if (__sanitizer_set_death_callback != nullptr) return __sanitizer_set_death_callback(tell_the_number);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(signal, &action, nullptr);
}

class Generator {
 public:
  explicit Generator(std::uint64_t number) : random_(number) {}

  std::string input(const std::vector<std::string>& seeds) {
    std::string bytes = pick(4) == 0 ? random_bytes(300) : seeds[pick(seeds.size())];
    for (std::size_t mutations = pick(6); mutations > 0; --mutations) mutate(bytes, seeds);
    return bytes;
  }

 private:
  std::size_t pick(std::size_t below) { return random_() % below; }

  std::string random_bytes(std::size_t at_most) {
    std::string bytes(pick(at_most), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  void mutate(std::string& bytes, const std::vector<std::string>& seeds) {
    const std::size_t at = pick(bytes.size() + 1);
    const std::size_t length = pick(std::min<std::size_t>(bytes.size() - at, 64) + 1);
    switch (pick(8)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random_());
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << pick(8)));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 4:
        bytes.insert(at, random_bytes(16));
        break;
      case 5:
        bytes.insert(at, awkward_texts()[pick(awkward_texts().size())]);
        break;
      case 6:
        bytes.replace(at, std::string::npos, seeds[pick(seeds.size())]);
        break;
      default:
        bytes.insert(at, std::string(pick(300), at < bytes.size() ? bytes[at] : '\0'));
        break;
    }
  }

  std::mt19937_64 random_;
};

std::uint64_t option(std::span<char*> arguments, std::string_view name, std::uint64_t value) {
  for (const std::string_view argument : arguments) {
    if (!argument.starts_with(name)) continue;
    const char* end = argument.data() + argument.size();
    if (std::from_chars(argument.data() + name.size(), end, value).ptr == end) return value;
    std::fprintf(stderr, "'%s' is not a number\n", argument.data());
    std::exit(2);
  }
  return value;
}

int run(std::span<char*> arguments) {
  const std::uint64_t first = option(arguments, "-seed=", 1);
  const std::uint64_t runs = option(arguments, "-runs=", 1'000);
  watch_for_death();
  const std::vector<std::string> from = seeds();
  for (std::uint64_t number = first; number < first + runs; ++number) {
    std::snprintf(failure_message.data(), failure_message.size(),
                  "Failed on one input: repeat with -runs=1 -seed=%llu\n", static_cast<unsigned long long>(number));
    const std::string input = Generator(number).input(from);
    // A block of its own, of just that size: AddressSanitizer then sees a read beyond its end.
    const std::vector<std::uint8_t> block(input.begin(), input.end());
    alarm(60);
    LLVMFuzzerTestOneInput(block.data(), block.size());
  }
  alarm(0);
  std::printf("%llu inputs\n", static_cast<unsigned long long>(runs));
  return 0;
}

}  // namespace
}  // namespace saas_access::fuzz

int main(int argc, char** argv) { return saas_access::fuzz::run({argv + 1, static_cast<std::size_t>(argc - 1)}); }
