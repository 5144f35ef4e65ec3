// What records of the groups of KIP-848 and KIP-932 have in common: a key of INT16 type, group and perhaps member, and a value of version 0.
#pragma once

#include <variant>

#include "common/kafka/codec.h"
#include "common/kafka/record_batch.h"

namespace meridian::coordinator::group {

struct GroupOnly {
  std::string group;
  void fields(this auto& self, auto& f) { f(self.group); }
};
struct GroupAndMember {
  std::string group;
  std::string member;
  void fields(this auto& self, auto& f) {
    f(self.group);
    f(self.member);
  }
};

constexpr std::int16_t keyed_value_version = 0;

/// `record`: type, group, member, and a variant `value` whose monostate is a tombstone.
void add_keyed(kafka::BatchBuilder& batch, std::int64_t now_ms, const auto& record, bool names_member) {
  Bytes key, bytes;
  base::append_be(key, static_cast<std::int16_t>(record.type));
  if (names_member) kafka::encode_struct(key, GroupAndMember{record.group, record.member}, 0, false);
  else kafka::encode_struct(key, GroupOnly{record.group}, 0, false);
  if (std::holds_alternative<std::monostate>(record.value)) return batch.add(now_ms, key, std::nullopt);
  base::append_be(bytes, keyed_value_version);
  std::visit(
      [&bytes](const auto& content) {
        if constexpr (!std::same_as<std::decay_t<decltype(content)>, std::monostate>) kafka::encode_struct(bytes, content, keyed_value_version, true);
      },
      record.value);
  batch.add(now_ms, key, bytes);
}

/// The key; the type has been read. Where there is a value, decode_value() follows.
Status decode_key(const kafka::RecordView& view, auto& record, bool names_member) {
  auto key = names_member ? kafka::decode_struct<GroupAndMember>(view.key->substr(2), 0, false) : [&view]() -> Result<GroupAndMember> {
    auto only = kafka::decode_struct<GroupOnly>(view.key->substr(2), 0, false);
    if (!only) return fail(only.error());
    return GroupAndMember{std::move(only->group), {}};
  }();
  if (!key) return fail(key.error());
  record.group = std::move(key->group);
  record.member = std::move(key->member);
  if (view.value && (view.value->size() < 2 || base::load_be<std::int16_t>(view.value->data()) != keyed_value_version))
    return fail(Errc::corrupt, "group record of an unknown version");
  return {};
}

template <class T>
Status decode_value(const kafka::RecordView& view, auto& record) {
  auto value = kafka::decode_struct<T>(view.value->substr(2), keyed_value_version, true);
  if (!value) return fail(value.error());
  record.value = std::move(*value);
  return {};
}

}  // namespace meridian::coordinator::group
