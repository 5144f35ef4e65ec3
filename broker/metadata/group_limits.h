// Limits of group settings that are settings themselves: group.consumer.session.timeout.ms, and a group's own consumer.session.timeout.ms, lie
// between group.consumer.min.session.timeout.ms and group.consumer.max.session.timeout.ms, and so do others of consumer and share groups.
#pragma once

#include "broker/metadata/broker_settings.h"

namespace meridian::metadata {

/// Errc::invalid where the broker's own settings do not lie within their limits, or members would be removed between two heartbeats.
Status check_group_limits(const config::Settings& broker);
/// The same for what a group sets itself, each value of which is a number where its setting is one.
Status check_group_configs(const config::Settings& broker, const TopicConfigs& own);
/// A group's value of the setting whose default is `broker_key`: the broker's limits may be others than when it was set.
std::int64_t within_limits(const config::Settings& broker, std::string_view broker_key, std::int64_t value);

}  // namespace meridian::metadata
