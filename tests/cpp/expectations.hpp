#pragma once

#include <gtest/gtest.h>

#include <string>

#include "saas_access/errors.hpp"

namespace saas_access {

/// What the error of this kind says that `work` throws; a failure of the test if it throws none.
template <class Kind, class Work>
std::string message_of(Work&& work) {
  try {
    work();
  } catch (const Kind& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

/// The fields that an Invalid complains about, in order, joined by spaces.
template <class Work>
std::string invalid_fields(Work&& work) {
  std::string fields;
  try {
    work();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Invalid& invalid) {
    for (const auto& problem : invalid.problems()) fields += (fields.empty() ? "" : " ") + problem.field;
  }
  return fields;
}

}  // namespace saas_access
