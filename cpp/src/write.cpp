#include "saas_access/write.hpp"

#include "saas_access/errors.hpp"

namespace saas_access {

void Write::require_revision(Revision current, std::string_view what) const {
  if (!options.if_revision || *options.if_revision == current) return;
  throw PreconditionFailed(std::string(what) + " was changed since it was read: it is at revision " +
                           std::to_string(current) + ", not " + std::to_string(*options.if_revision));
}

void Write::audit(std::string_view action, std::string_view target_type, std::string_view target_id, const Json& before,
                  const Json& after) {
  Query insert(db,
               "INSERT INTO audit (at_ms, actor, action, target_type, target_id, before, after, revision) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, now_ms);
  insert.bind(2, options.actor);
  insert.bind(3, std::string(action));
  insert.bind(4, std::string(target_type));
  insert.bind(5, std::string(target_id));
  insert.bind(6, before.dump());
  insert.bind(7, after.dump());
  insert.bind(8, static_cast<std::int64_t>(revision));
  insert.exec();
}

}  // namespace saas_access
