#include "validation.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "audit_json.hpp"
#include "rows.hpp"
#include "text.hpp"

namespace saas_access {

void Problems::text(const std::string& field, const std::string& value, std::size_t max_characters) {
  const auto characters = decode_utf8(value);
  if (!characters) {
    add(field, "must be valid UTF-8");
  } else if (characters->find(U'\0') != std::u32string::npos) {
    add(field, "must not contain the character U+0000");
  } else if (characters->size() > max_characters) {
    add(field, quote(value) + " is longer than " + std::to_string(max_characters) + " characters");
  }
}

void Problems::litellm_model(const std::string& value) {
  const auto characters = decode_utf8(value);
  if (characters && !characters->empty() && characters->size() <= kMaxText &&
      std::all_of(characters->begin(), characters->end(), is_visible)) {
    return;
  }
  add("litellm_model", quote(value) + " must be 1 to " + std::to_string(kMaxText) +
                           " printable characters without white space, such as 'openai/gpt-4'");
}

void Problems::metadata(const std::string& value) {
  if (value.size() > kMaxMetadata) {
    add("metadata", "is longer than " + std::to_string(kMaxMetadata) + " bytes of JSON");
    return;
  }
  int depth = 0;
  const auto note_depth = [&](int outer, nlohmann::json::parse_event_t, const nlohmann::json&) {
    depth = std::max(depth, outer);
    return true;
  };
  // The parser stops at a NUL and skips a byte order mark: neither belongs to an object.
  const bool whole = value.find('\0') == std::string::npos && !value.starts_with("\xEF\xBB\xBF");
  if (!whole || !nlohmann::json::parse(value, note_depth, false).is_object()) {
    add("metadata", quote(value) + " is not a JSON object");
  } else if (depth > kMaxDepth) {  // writing it out again takes stack for each level
    add("metadata", "is nested deeper than " + std::to_string(kMaxDepth) + " levels");
  }
}

void Problems::range(const std::string& field, std::int64_t value, std::int64_t min, std::int64_t max) {
  if (value >= min && value <= max) return;
  add(field, quote(std::to_string(value)) + " is not between " + std::to_string(min) + " and " + std::to_string(max));
}

void Problems::credits(const std::string& field, MicroCredits value, MicroCredits min) {
  if (value >= min && value <= kMaxMicroCredits) return;
  add(field, quote(credits_json(value).dump()) + " is not between " + credits_json(min).dump() + " and " +
                 credits_json(kMaxMicroCredits).dump() + " credits");
}

template <class Name>
std::vector<RowId> Problems::rows(Connection& db, const std::vector<Name>& names, const std::string& field,
                                  const std::string& kinds) {
  if (names.size() > kMaxListed) {
    add(field, "lists " + quote(std::to_string(names.size())) + " names, at most " + std::to_string(kMaxListed) +
                   " are allowed");
    return {};
  }
  std::vector<RowId> rows;
  std::vector<Name> unknown;
  std::unordered_set<Name> seen;
  for (const Name& name : names) {
    if (!seen.insert(name).second) continue;
    if (const auto row = find_row(db, name)) {
      rows.push_back(*row);
    } else {
      unknown.push_back(name);
    }
  }
  if (unknown.size() == 1) add(field, describe(unknown.front()) + " does not exist");
  if (unknown.size() > 1) add(field, kinds + " " + quote_list(unknown) + " do not exist");
  return rows;
}

std::vector<RowId> Problems::rows(Connection& db, const std::vector<AliasName>& aliases) {
  return rows(db, aliases, "model_aliases", "Model aliases");
}

std::vector<RowId> Problems::rows(Connection& db, const std::vector<GroupName>& groups) {
  return rows(db, groups, "access_groups", "Access groups");
}

void Problems::raise() const {
  if (!found_.empty()) throw Invalid(found_);
}

}  // namespace saas_access
