#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace saas_access {

/// A string that names one kind of thing. Different kinds do not convert into each other, so a team can't be passed
/// where a key is meant. Compared byte for byte: never folded, trimmed or normalised. Any content is representable;
/// whether a *new* name is acceptable is decided by `require_well_formed`.
template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string value) : value_(std::move(value)) {}

  [[nodiscard]] const std::string& str() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  std::string value_;
};

using OrganizationId = Id<struct OrganizationTag>;
using TeamId = Id<struct TeamTag>;
using GroupName = Id<struct GroupTag>;
using AliasName = Id<struct AliasTag>;
using KeyId = Id<struct KeyTag>;
using GrantId = Id<struct GrantTag>;
using JobId = Id<struct JobTag>;
using CallId = Id<struct CallTag>;

/// Throw `Invalid` (with `field`) unless the name may be given to something new:
/// - GroupName: 1 to 64 of `a-z 0-9 . _ -`, starting with a letter or digit; the message shows a good example
/// - AliasName: 1 to 128 printable characters (valid UTF-8, counted as code points) without white space or commas
/// - TeamId, OrganizationId: 1 to 128 of `A-Z a-z 0-9 . _ : -`
void require_well_formed(const GroupName& name, std::string_view field);
void require_well_formed(const AliasName& name, std::string_view field);
void require_well_formed(const TeamId& id, std::string_view field);
void require_well_formed(const OrganizationId& id, std::string_view field);

/// `prefix` + 24 hexadecimal digits from the kernel's random source. Throws StoreUnavailable if the kernel has none.
std::string random_id(std::string_view prefix);

}  // namespace saas_access

template <class Tag>
struct std::hash<saas_access::Id<Tag>> {
  std::size_t operator()(const saas_access::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};
