#include "saas_access/errors.hpp"

namespace saas_access {

std::string Invalid::join(const std::vector<Problem>& problems) {
  std::string joined;
  for (const Problem& problem : problems) {
    if (!joined.empty()) joined += "; ";
    joined += problem.field + ": " + problem.problem;
  }
  return joined;
}

}  // namespace saas_access
