// Names and ids as anybody may give them, and the text functions under them.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzzing.hpp"
#include "saas_access/errors.hpp"
#include "saas_access/ids.hpp"
#include "text.hpp"

namespace saas_access::fuzz {

std::vector<std::string> seeds() {
  std::string long_text;
  while (long_text.size() < 600) long_text += "n\xF0\x9F\x99\x82";
  return {"gpt-4", "anthropic/claude-3-opus", "acme-prod", "org:acme_1.eu", "modèle-é", "模型/7b",
          "a",     std::string(128, 'n'),     long_text};
}

namespace {

/// The JSON library's own idea of UTF-8.
bool is_utf8(const std::string& text) {
  try {
    return !nlohmann::json(text).dump().empty();
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string encode(const std::u32string& characters) {
  std::string bytes;
  const auto put = [&](char32_t lead, char32_t bits) { bytes += static_cast<char>(lead | bits); };
  for (const char32_t c : characters) {
    if (c < 0x80) {
      put(0, c);
      continue;
    }
    if (c < 0x800) {
      put(0xC0, c >> 6U);
    } else {
      if (c < 0x10000) {
        put(0xE0, c >> 12U);
      } else {
        put(0xF0, c >> 18U);
        put(0x80, (c >> 12U) & 0x3FU);
      }
      put(0x80, (c >> 6U) & 0x3FU);
    }
    put(0x80, c & 0x3FU);
  }
  return bytes;
}

template <class Name>
bool accepted(const std::string& text) {
  const Name name(text);
  require(name.str() == text, "a name keeps its bytes");
  try {
    require_well_formed(name, "a_field");
    return true;
  } catch (const Invalid& invalid) {
    require(invalid.problems().size() == 1 && invalid.problems().front().field == "a_field",
            "one problem, at its field");
    require(invalid.problems().front().problem.find(quote(text)) == 0, "the problem names the value");
    return false;
  }
}

bool consists_of(const std::string& text, std::size_t most, std::string_view marks, bool upper_case) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (upper_case && c >= 'A' && c <= 'Z') ||
           marks.find(c) != std::string_view::npos;
  });
}

void check_alias(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != ','; });
  if (plain)
    require(accepted<AliasName>(text) == (!text.empty() && text.size() <= 128), "plain names, by their length");
  if (!accepted<AliasName>(text)) return;
  const auto characters = decode_utf8(text);
  require(characters && characters->size() <= 128, "an alias is at most 128 characters of UTF-8");
  require(std::all_of(characters->begin(), characters->end(),
                      [](char32_t c) { return is_visible(c) && c > U' ' && c != U',' && (c < 0x7F || c > 0xA0); }),
          "an alias has no white space, control character or comma");
}

}  // namespace
}  // namespace saas_access::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saas_access;
  using namespace saas_access::fuzz;
  const std::string text(data, data + size);

  const auto decoded = decode_utf8(text);
  require(decoded.has_value() == is_utf8(text), "UTF-8 is what others take for it");
  if (decoded) require(encode(*decoded) == text, "what was decoded encodes to the same bytes");

  const std::string quoted = quote(text);
  require(quoted.size() <= 520, "a message shows no more than so much of a value");
  require(!decoded || is_utf8(quoted), "valid text stays valid when it is quoted");

  const bool is_id = consists_of(text, 128, "._:-", true);
  require(accepted<TeamId>(text) == is_id && accepted<OrganizationId>(text) == is_id, "ids");
  const bool is_group = consists_of(text, 64, "._-", false) && consists_of(text.substr(0, 1), 1, "", false);
  require(accepted<GroupName>(text) == is_group, "group names");
  check_alias(text);
  return 0;
}
