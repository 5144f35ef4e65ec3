// The tables of broker and topic settings. Keys and meanings are Kafka's where Kafka has one.
#pragma once

#include <map>

#include "broker/storage/log_config.h"
#include "common/config/settings.h"

namespace meridian::metadata {

std::span<const config::Setting> broker_setting_table();
std::span<const config::Setting> topic_setting_table();

/// Settings of consumer groups and of client metrics subscriptions (KIP-714), which live in the metadata alone.
std::span<const config::Setting> group_setting_table();
std::span<const config::Setting> client_metrics_setting_table();
/// May this broker setting change while the broker runs? Those that are defaults of topics may, and a few that are read where they are used.
bool is_dynamic(std::string_view broker_setting);

using TopicConfigs = std::map<std::string, std::string, std::less<>>;

/// Effective value of a topic setting: the topic's, else the broker's, else the default.
std::optional<std::string> topic_value(const config::Settings& broker, const TopicConfigs& topic, const config::Setting& setting);

/// What storage acts on.
storage::LogConfig log_config(const config::Settings& broker, const TopicConfigs& topic);

/// log.retention.ms, else .minutes, else .hours; log.roll.ms, else .hours. Kafka's precedence.
std::int64_t retention_ms(const config::Settings& broker);
std::int64_t roll_ms(const config::Settings& broker);

}  // namespace meridian::metadata
