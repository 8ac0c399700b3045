#pragma once

#include <string>
#include <vector>

#include "saas_access/ids.hpp"
#include "saas_access/money.hpp"
#include "saas_access/write.hpp"

namespace saas_access {

// Values as audit entries show them: in the API's own words and units.

/// An amount in credits: an integer where it is whole. For showing only, never for arithmetic.
inline Json credits_json(MicroCredits amount) {
  if (amount % kMicroPerCredit == 0) return amount / kMicroPerCredit;
  return static_cast<double>(amount) / static_cast<double>(kMicroPerCredit);
}

template <class Tag>
Json names_json(const std::vector<Id<Tag>>& names) {
  Json list = Json::array();
  for (const auto& name : names) list.push_back(name.str());
  return list;
}

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace saas_access
