#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace saas_access {

namespace {

constexpr std::size_t kLongestQuoted = 512;  // bytes: room for the longest well-formed name

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode's categories Cc, Cf, Zs, Zl, Zp and Co, and the fillers that fonts draw as nothing.
constexpr std::array kInvisible = {
    Range{0x0000, 0x0020},   Range{0x007F, 0x00A0},   Range{0x00AD, 0x00AD},    Range{0x034F, 0x034F},
    Range{0x0600, 0x0605},   Range{0x061C, 0x061C},   Range{0x06DD, 0x06DD},    Range{0x070F, 0x070F},
    Range{0x08E2, 0x08E2},   Range{0x115F, 0x1160},   Range{0x1680, 0x1680},    Range{0x180E, 0x180E},
    Range{0x2000, 0x200F},   Range{0x2028, 0x202F},   Range{0x205F, 0x206F},    Range{0x3000, 0x3000},
    Range{0x3164, 0x3164},   Range{0xE000, 0xF8FF},   Range{0xFE00, 0xFE0F},    Range{0xFEFF, 0xFEFF},
    Range{0xFFA0, 0xFFA0},   Range{0xFFF0, 0xFFFB},   Range{0x110BD, 0x110BD},  Range{0x110CD, 0x110CD},
    Range{0x1BCA0, 0x1BCA3}, Range{0x1D173, 0x1D17A}, Range{0xE0000, 0x10FFFF},
};

/// Length of the sequence that a lead byte announces; 0 if it can't lead one.
std::size_t sequence_length(unsigned char lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

}  // namespace

std::optional<std::u32string> decode_utf8(std::string_view text) {
  static constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  std::u32string decoded;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t length = sequence_length(lead);
    if (length == 0 || length > text.size() - at) return std::nullopt;
    char32_t code_point = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xC0U) != 0x80) return std::nullopt;
      code_point = code_point << 6U | (next & 0x3FU);
    }
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    if (surrogate || code_point < kSmallest.at(length) || code_point > 0x10FFFF) return std::nullopt;
    decoded += code_point;
    at += length;
  }
  return decoded;
}

bool is_visible(char32_t code_point) noexcept {
  if ((code_point & 0xFFFEU) == 0xFFFE || (code_point >= 0xFDD0 && code_point <= 0xFDEF)) return false;
  return std::none_of(kInvisible.begin(), kInvisible.end(),
                      [&](const Range& range) { return code_point >= range.first && code_point <= range.last; });
}

std::string quote(std::string_view value) {
  if (value.size() <= kLongestQuoted) return "'" + std::string(value) + "'";
  std::size_t end = kLongestQuoted;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80) --end;  // not inside a character
  return "'" + std::string(value.substr(0, end)) + "...'";
}

}  // namespace saas_access
