// Authorizer: asked by every handler, from the first day. Until security lands everybody may do everything.
#pragma once

#include <string_view>

namespace meridian::server {

/// Kafka's AclOperation and ResourceType, as far as handlers ask for them.
enum class Operation { read, write, create, remove, alter, describe, cluster_action, describe_configs, alter_configs, idempotent_write };
enum class Resource { topic, group, cluster, transactional_id };

struct Principal {
  std::string_view name = "User:ANONYMOUS";
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual bool allows(const Principal& who, Operation operation, Resource resource, std::string_view name) const = 0;
};

class AllowEverybody final : public Authorizer {
 public:
  bool allows(const Principal&, Operation, Resource, std::string_view) const override { return true; }
};

}  // namespace meridian::server
