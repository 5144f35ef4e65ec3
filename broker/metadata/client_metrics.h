// Subscriptions to the metrics of clients (KIP-714): client-metrics configurations. Which clients one is for is told by its `match`: a list of
// SELECTOR=REGEX, all of which have to match as a whole; an empty list is for all.
#pragma once

#include "broker/metadata/image.h"
#include "common/base/pattern.h"

namespace meridian::metadata {

/// What is known of a client. Selectors are named after these.
struct ClientIdentity {
  std::string client_instance_id;
  std::string client_id;
  std::string client_software_name;
  std::string client_software_version;
  std::string client_source_address;
  std::string client_source_port;
};

class ClientMatch {
 public:
  /// Errc::invalid says what is wrong.
  static Result<ClientMatch> parse(std::string_view text);
  bool matches(const ClientIdentity& client) const;

 private:
  std::vector<std::pair<std::string ClientIdentity::*, base::Pattern>> selectors_;
};

struct ClientSubscription {
  std::int32_t id = 0;               ///< another one when what follows is different
  std::vector<std::string> metrics;  ///< prefixes; "*": all; empty: none
  std::chrono::milliseconds interval{300'000};
};

/// What all configurations that match this client ask for together: every metric, at the shortest interval.
ClientSubscription client_subscription(const MetadataImage& image, const ClientIdentity& client);

}  // namespace meridian::metadata
