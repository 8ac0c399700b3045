#include "audit_json.hpp"
#include "rows.hpp"
#include "saas_access/policy.hpp"
#include "sql.hpp"
#include "text.hpp"
#include "validation.hpp"

namespace saas_access {

namespace {

Json settable(const Organization& organization) {
  return {{"organization_id", organization.organization_id.str()},
          {"name", organization.name},
          {"suspended", organization.suspended},
          {"metadata", Json::parse(organization.metadata)}};
}

void validate(Problems& problems, const Organization& organization) {
  problems.text("name", organization.name, kMaxName);
  problems.metadata(organization.metadata);
}

/// Stores `after` in place of `before`, which is the same organization.
Organization replace(Write& write, const char* action, const Organization& before, const Organization& after) {
  const RowId row = require_row(write.db, before.organization_id);
  execute(write.db, "UPDATE organization SET name = ?, suspended = ?, metadata = ?, revision = ? WHERE row = ?",
          after.name, after.suspended, after.metadata, write.revision, row);
  write.changes.organization(row);
  write.audit(action, "organization", before.organization_id.str(), settable(before), settable(after));
  return find_organization(write.db, before.organization_id);
}

Organization find_for_write(const Write& write, const OrganizationId& id) {
  Organization organization = find_organization(write.db, id);
  write.require_revision(organization.revision, describe(id));
  return organization;
}

}  // namespace

Organization create_organization(Write& write, const NewOrganization& document) {
  Organization organization;
  organization.organization_id = document.organization_id;
  organization.name = document.name;
  organization.metadata = document.metadata;
  Problems problems;
  problems.well_formed("organization_id", document.organization_id);
  validate(problems, organization);
  problems.raise();
  const OrganizationId& id = organization.organization_id;
  if (find_row(write.db, id)) throw Conflict(describe(id) + " already exists");
  execute(write.db,
          "INSERT INTO organization (organization_id, name, metadata, created_at_ms, revision) VALUES (?, ?, ?, ?, ?)",
          id, organization.name, organization.metadata, write.created_at_ms(), write.revision);
  write.changes.organization(write.db.getLastInsertRowid());
  write.audit("organization.create", "organization", id.str(), nullptr, settable(organization));
  return find_organization(write.db, id);
}

Organization update_organization(Write& write, const OrganizationId& id, const OrganizationPatch& patch) {
  const Organization before = find_for_write(write, id);
  Organization after = before;
  if (patch.name) after.name = *patch.name;
  if (patch.metadata) after.metadata = *patch.metadata;
  Problems problems;
  validate(problems, after);
  problems.raise();
  return replace(write, "organization.update", before, after);
}

Organization suspend_organization(Write& write, const OrganizationId& id, bool suspended) {
  const Organization before = find_for_write(write, id);
  Organization after = before;
  after.suspended = suspended;
  return replace(write, suspended ? "organization.suspend" : "organization.resume", before, after);
}

void delete_organization(Write& write, const OrganizationId& id) {
  const Organization before = find_for_write(write, id);
  const RowId row = require_row(write.db, id);
  const auto teams =
      find_integer(write.db, "SELECT count(*) FROM team WHERE organization = ? AND deleted_at_ms IS NULL", row)
          .value_or(0);
  if (teams > 0) {
    throw Conflict(describe(id) + " still has " + std::to_string(teams) + (teams == 1 ? " team" : " teams"));
  }
  execute(write.db, "DELETE FROM organization WHERE row = ?", row);
  write.changes.organization(row);
  write.audit("organization.delete", "organization", id.str(), settable(before), nullptr);
}

}  // namespace saas_access
