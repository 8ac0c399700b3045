#pragma once

#include "saas_access/policy.hpp"

namespace saas_access {

/// Inserts a key and its secret, notes the change, leaves no audit entry. `aliases` are the rows of
/// `document.model_aliases`.
KeyId insert_key(Write& write, RowId team, const NewVirtualKey& document, const std::vector<RowId>& aliases);

}  // namespace saas_access
