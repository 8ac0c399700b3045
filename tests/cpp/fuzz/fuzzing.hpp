#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace saas_access::fuzz {

/// Inputs worth starting from, for the generator. Every target defines its own.
std::vector<std::string> seeds();

/// Ends the process, saying what does not hold: the driver then tells the input.
inline void require(bool holds, std::string_view invariant) {
  if (holds) return;
  std::fprintf(stderr, "Broken: %.*s\n", static_cast<int>(invariant.size()), invariant.data());
  std::abort();
}

/// Text that has broken programs before: quotes, NULs, bytes that are no UTF-8, look-alikes, and lengths at and just
/// over every limit.
inline const std::vector<std::string>& awkward_texts() {
  using namespace std::string_literals;
  static const std::vector<std::string> kTexts = {
      ""s,
      " "s,
      ","s,
      "a "s,
      "A"s,
      "a\0b"s,
      "\0"s,
      "\n"s,
      "'"s,
      "\""s,
      "'; DROP TABLE team; --"s,
      "%s%n\\"s,
      "../../x"s,
      "null"s,
      "{}"s,
      "{}\0x"s,
      "\xEF\xBB\xBF{}"s,
      "{\"key\": [1, -0.5e3, \"\\u00e9\\ud83d\\ude42\", null, {\"\": false}]}"s,
      "\xC3\xA9"s,          // e with an acute accent, as one character
      "e\xCC\x81"s,         // the same as two
      "\xE2\x80\x8B"s,      // no width
      "\xE2\x80\xAE"s,      // turns the direction of writing
      "\xEF\xBC\xA1"s,      // a wide A
      "\xF0\x9F\x99\x82"s,  // beyond the first 65,536 characters
      "\xFF"s,
      "\x80"s,
      "\xC0\xAF"s,      // an overlong slash
      "\xED\xA0\x80"s,  // half of a surrogate pair
      "\xF4\x90\x80\x80"s,
      "\xE2\x82"s,  // cut short
      std::string(64, 'x'),
      std::string(65, 'x'),
      std::string(128, 'x'),
      std::string(129, 'x'),
      std::string(256, 'x'),
      std::string(257, 'x'),
      std::string(1'024, 'x'),
      std::string(1'025, 'x'),
      std::string(20'000, '['),
      "{\"deep\":" + std::string(8'000, '[') + std::string(8'000, ']') + "}",
  };
  return kTexts;
}

/// Reads an input as choices, numbers and texts. At its end everything reads as zero or empty.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  bool flag() { return byte() % 2 != 0; }

  std::size_t pick(std::size_t below) { return byte() % below; }

  template <class List>
  auto any(const List& list) {
    return list[pick(list.size())];
  }

  /// A usual amount of something.
  std::int64_t amount() { return std::int64_t{1'000} * byte(); }

  /// Often one at which arithmetic breaks.
  std::int64_t number() {
    using Limits = std::numeric_limits<std::int64_t>;
    static constexpr std::array<std::int64_t, 14> kEdges = {
        0,
        1,
        -1,
        2,
        999'999,
        1'000'000,
        1'000'000'000,
        1'000'000'000'000,
        1'700'000'000'000,
        253'402'300'799'000,
        1'000'000'000'000'000'000,
        Limits::max() - 1,
        Limits::max(),
        Limits::min(),
    };
    const std::uint8_t choice = byte();
    if (choice < 128) return choice;
    if (choice < 224) return kEdges[choice % kEdges.size()];
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8U | byte();
    return static_cast<std::int64_t>(number);
  }

  /// A plain one, an awkward one, or bytes of the input itself.
  std::string text() {
    const std::uint8_t choice = byte();
    if (choice < 120) return "text";
    if (choice < 200) return awkward_texts()[choice % awkward_texts().size()];
    const std::size_t length = std::min<std::size_t>(choice - 200U, rest_.size());
    const auto taken = rest_.first(length);
    rest_ = rest_.subspan(length);
    return {taken.begin(), taken.end()};
  }

  /// Mostly one of a few names, so that they meet: `prefix` and a digit below `count`.
  std::string name(const char* prefix, std::size_t count) {
    const std::uint8_t choice = byte();
    return choice < 240 ? prefix + std::to_string(choice % count) : text();
  }

 private:
  std::span<const std::uint8_t> rest_;
};

}  // namespace saas_access::fuzz
