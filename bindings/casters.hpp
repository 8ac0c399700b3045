#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "saas_access/ids.hpp"
#include "saas_access/records.hpp"
#include "saas_access/snapshot.hpp"
#include "saas_access/write.hpp"

// How values that are no classes in Python cross the border. Every source under bindings/ includes this header, so that
// all agree on it.

namespace pybind11::detail {

/// An id is a plain `str` in Python: its kind is the argument's name there, since arguments are keyword-only.
template <class Tag>
struct type_caster<saas_access::Id<Tag>> {
  using Id = saas_access::Id<Tag>;
  PYBIND11_TYPE_CASTER(Id, make_caster<std::string>::name);

  bool load(handle source, bool convert) {
    make_caster<std::string> text;
    if (!isinstance<str>(source) || !text.load(source, convert)) return false;
    value = Id(cast_op<std::string&&>(std::move(text)));
    return true;
  }

  static handle cast(const Id& id, return_value_policy policy, handle parent) {
    return make_caster<std::string>::cast(id.str(), policy, parent);
  }
};

/// A digest is `bytes`; a wrong length is a ValueError, not a TypeError.
template <>
struct type_caster<saas_access::KeyDigest> {
  PYBIND11_TYPE_CASTER(saas_access::KeyDigest, const_name("bytes"));

  bool load(handle source, bool /*convert*/) {
    if (!isinstance<bytes>(source)) return false;
    const auto given = reinterpret_borrow<bytes>(source);
    const std::string_view octets(given);
    if (octets.size() != value.size()) {
      throw value_error("digest must be 32 bytes long, not " + std::to_string(octets.size()));
    }
    std::ranges::transform(octets, value.begin(), [](char octet) { return static_cast<std::uint8_t>(octet); });
    return true;
  }
};

/// A page goes out as `(items, next)`.
template <class T>
struct type_caster<saas_access::Page<T>> {
  using Pair = std::pair<std::vector<T>, std::optional<std::int64_t>>;
  static constexpr auto name = make_caster<Pair>::name;

  static handle cast(saas_access::Page<T>&& page, return_value_policy policy, handle parent) {
    return make_caster<Pair>::cast(Pair(std::move(page.items), page.next), policy, parent);
  }
};

/// What a write returned goes out as `(value, receipt)`.
template <class T>
struct type_caster<saas_access::Written<T>> {
  using Pair = std::pair<T, saas_access::Receipt>;
  static constexpr auto name = make_caster<Pair>::name;

  static handle cast(saas_access::Written<T>&& written, return_value_policy policy, handle parent) {
    return make_caster<Pair>::cast(Pair(std::move(written.value), std::move(written.receipt)), policy, parent);
  }
};

/// A write that returns nothing: its receipt alone.
template <>
struct type_caster<saas_access::Written<std::monostate>> {
  static constexpr auto name = make_caster<saas_access::Receipt>::name;

  static handle cast(saas_access::Written<std::monostate>&& written, return_value_policy policy, handle parent) {
    return make_caster<saas_access::Receipt>::cast(std::move(written.receipt), policy, parent);
  }
};

}  // namespace pybind11::detail
