#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "saas_access/connection.hpp"
#include "saas_access/errors.hpp"
#include "saas_access/records.hpp"
#include "saas_access/snapshot.hpp"

namespace saas_access {

inline constexpr std::size_t kMaxName = 256;         // characters
inline constexpr std::size_t kMaxText = 1024;        // characters: descriptions, reasons, actual models
inline constexpr std::size_t kMaxMetadata = 16'384;  // bytes
inline constexpr int kMaxDepth = 32;                 // levels of metadata
inline constexpr std::size_t kMaxListed = 1000;      // aliases of a group or key, groups of a team
inline constexpr std::int64_t kMaxCount = 1'000'000'000'000;
inline constexpr UnixMs kMaxTime =
    253'402'300'799'000;  // the last second of the year 9999, which RFC 3339 can still print

/// Collects what is wrong with one document, to be reported together.
class Problems {
 public:
  void add(std::string field, std::string problem) { found_.push_back({std::move(field), std::move(problem)}); }

  /// Valid UTF-8 without NUL, at most `max_characters` code points.
  void text(const std::string& field, const std::string& value, std::size_t max_characters);

  /// What LiteLLM routes to: not empty, visible characters only, at most kMaxText.
  void litellm_model(const std::string& value);

  /// The text of one JSON object, at most kMaxMetadata.
  void metadata(const std::string& value);

  void range(const std::string& field, std::int64_t value, std::int64_t min, std::int64_t max);
  void range(const std::string& field, const std::optional<std::int64_t>& value, std::int64_t min, std::int64_t max) {
    if (value) range(field, *value, min, max);
  }
  /// As `range`, for an amount that the operator gives in credits.
  void credits(const std::string& field, MicroCredits value, MicroCredits min);

  /// `require_well_formed`, collected.
  template <class Name>
  void well_formed(const std::string& field, const Name& name) {
    try {
      require_well_formed(name, field);
    } catch (const Invalid& invalid) {
      found_.insert(found_.end(), invalid.problems().begin(), invalid.problems().end());
    }
  }

  /// The rows of the named things, in order, each once. Unknown ones are one problem, naming them all.
  std::vector<RowId> rows(Connection& db, const std::vector<AliasName>& aliases);  ///< under "model_aliases"
  std::vector<RowId> rows(Connection& db, const std::vector<GroupName>& groups);   ///< under "access_groups"

  /// Throws Invalid if there are any.
  void raise() const;

 private:
  template <class Name>
  std::vector<RowId> rows(Connection& db, const std::vector<Name>& names, const std::string& field,
                          const std::string& kinds);

  std::vector<Invalid::Problem> found_;
};

}  // namespace saas_access
