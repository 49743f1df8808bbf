#include "hearth/serve/output/message.h"

namespace hearth::serve {
namespace {

struct RoleName {
  std::string_view name;
  Role role;
};
constexpr RoleName kRoles[] = {{"system", Role::system},
                               {"user", Role::user},
                               {"assistant", Role::assistant},
                               {"tool", Role::tool},
                               {"developer", Role::system}};

const Json* properties_of(const Json& schema) {
  if (!schema.is_object()) return nullptr;
  const auto found = schema.find("properties");
  return found != schema.end() && found->is_object() ? &*found : nullptr;
}

}  // namespace

std::string_view name(Role role) { return kRoles[static_cast<size_t>(role)].name; }

std::optional<Role> find_role(std::string_view name) {
  for (const RoleName& row : kRoles)
    if (row.name == name) return row.role;
  return std::nullopt;
}

std::vector<std::string> Tool::parameter_names() const {
  std::vector<std::string> names;
  if (const Json* properties = properties_of(parameters))
    for (const auto& [key, schema] : properties->items()) names.push_back(key);
  return names;
}

const Json* Tool::parameter(std::string_view key) const {
  const Json* properties = properties_of(parameters);
  if (!properties) return nullptr;
  const auto found = properties->find(std::string(key));
  return found == properties->end() ? nullptr : &*found;
}

}  // namespace hearth::serve
