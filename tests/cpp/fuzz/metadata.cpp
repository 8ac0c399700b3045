// The text of a metadata object: what is accepted is one JSON object and nothing else, and is kept as it was given.

#include "saas_access/directory.hpp"
#include "store.hpp"
#include "validation.hpp"

namespace saas_access::fuzz {

std::vector<std::string> seeds() {
  std::vector<std::string> all = {
      "{}",
      R"({"plan": "gold", "seats": 12, "since": null})",
      R"({"nested": {"list": [1, -2.5e-3, true, "é\u00e9\ud83d\ude42"]}, "": []})",
      R"({"big": 123456789012345678901234567890, "tiny": 1e-400, "huge": 1e400})",
      R"({"twice": 1, "twice": 2})",
      "[1]",
      "{\"deep\":" + std::string(4'000, '[') + std::string(4'000, ']') + "}",
      "{\"long\":\"" + std::string(16'384 - 11, 'x') + "\"}",
  };
  all.insert(all.end(), awkward_texts().begin(), awkward_texts().end());
  return all;
}

namespace {

bool is_accepted(const std::string& text) {
  Problems problems;
  problems.metadata(text);
  try {
    problems.raise();
    return true;
  } catch (const Invalid& invalid) {
    require(invalid.problems().front().field == "metadata", "the problem is the metadata's");
    return false;
  }
}

void check_kept(Connection& db, const std::string& text, bool accepted) {
  const OrganizationId id("new");
  const WriteOptions options;
  Write write{db, options, kNow, 2};
  const bool created = is_done(db, [&] { create_organization(write, {id, "New", text}); });
  require(created == accepted, "the write accepts what the check accepts");
  const bool updated = is_done(db, [&] {
    OrganizationPatch patch;
    patch.metadata = text;
    update_organization(write, OrganizationId("o0"), patch);
  });
  require(updated == accepted, "a change accepts what a new one accepts");
  if (!accepted) return;
  require(find_organization(db, id).metadata == text, "the text is kept as it was given");
  const AuditEntry entry = list_audit(db, {"new", {}, {}, {}}, {}).items.at(0);
  require(Json::parse(entry.after).at("metadata") == Json::parse(text), "the audit holds the same object");
}

}  // namespace
}  // namespace saas_access::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace saas_access;
  using namespace saas_access::fuzz;
  const std::string text(data, data + size);
  const bool accepted = is_accepted(text);
  if (accepted) {
    require(text.size() <= kMaxMetadata, "an object is within the limit");
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    require(text[first] == '{' && text[last] == '}', "an object is all there is");
  }
  Store::shared().in_undone_transaction([&](Connection& db) { check_kept(db, text, accepted); });
  return 0;
}
