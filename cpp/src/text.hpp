#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace saas_access {

/// The code points of valid UTF-8 (no overlong forms, no surrogates); nothing for any other bytes.
std::optional<std::u32string> decode_utf8(std::string_view text);

/// Shows something by itself on a screen: no white space, control, format, private-use or non-character code point.
bool is_visible(char32_t code_point) noexcept;

/// A value as messages name it: 'value', cut short when it is very long.
std::string quote(std::string_view value);

/// 'a', 'b', 'c'
template <class Names>
std::string quote_list(const Names& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + quote(name.str());
  return list;
}

}  // namespace saas_access
