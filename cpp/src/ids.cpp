#include "saas_access/ids.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "saas_access/errors.hpp"
#include "text.hpp"

namespace saas_access {

namespace {

constexpr std::string_view kLowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kMaxGroupName = 64;
constexpr std::size_t kMaxAliasName = 128;
constexpr std::size_t kMaxId = 128;

bool consists_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

void require_id(const std::string& id, std::string_view field) {
  static constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  if (!id.empty() && id.size() <= kMaxId && consists_of(id, kAllowed)) return;
  throw Invalid(std::string(field), quote(id) + " must be 1 to 128 letters, digits and . _ : -, such as 'acme-prod'");
}

bool acceptable_alias(std::string_view alias) {
  const auto characters = decode_utf8(alias);
  return characters && !characters->empty() && characters->size() <= kMaxAliasName &&
         std::all_of(characters->begin(), characters->end(), [](char32_t c) { return is_visible(c) && c != U','; });
}

}  // namespace

void require_well_formed(const GroupName& name, std::string_view field) {
  const std::string& text = name.str();
  if (!text.empty() && text.size() <= kMaxGroupName && consists_of(text, std::string(kLowerAndDigits) + "._-") &&
      kLowerAndDigits.find(text.front()) != std::string_view::npos) {
    return;
  }
  throw Invalid(std::string(field), quote(text) +
                                        " must be 1 to 64 lower-case letters, digits and . _ -, starting with a letter "
                                        "or digit, such as 'gpt-models'");
}

void require_well_formed(const AliasName& name, std::string_view field) {
  if (acceptable_alias(name.str())) return;
  throw Invalid(std::string(field),
                quote(name.str()) + " must be 1 to 128 printable characters without spaces or commas, such as 'gpt-4'");
}

void require_well_formed(const TeamId& id, std::string_view field) { require_id(id.str(), field); }
void require_well_formed(const OrganizationId& id, std::string_view field) { require_id(id.str(), field); }

std::string random_id(std::string_view prefix) {
  std::array<unsigned char, 12> bytes{};
  ssize_t got = 0;
  do {
    got = getrandom(bytes.data(), bytes.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(bytes.size())) {
    throw StoreUnavailable("The kernel gives no random numbers: " + std::generic_category().message(errno));
  }
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id(prefix);
  for (const unsigned char byte : bytes) {
    id += kDigits[byte >> 4U];
    id += kDigits[byte & 0xFU];
  }
  return id;
}

}  // namespace saas_access
