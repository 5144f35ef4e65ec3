#include "broker/coordinator/group/records.h"

namespace meridian::coordinator::group {
namespace {

constexpr std::int16_t offset_key_version = 1, offset_value_version = 3, group_key_version = 2, group_value_version = 3;

template <class T>
Bytes encode(std::int16_t version, const T& value) {
  Bytes out;
  base::append_be(out, version);
  kafka::encode_struct(out, value, version, false);
  return out;
}

template <class T>
Result<T> decode(ByteView bytes, std::int16_t version_max) {
  if (bytes.size() < 2) return fail(Errc::corrupt, "group record is cut short");
  const auto version = base::load_be<std::int16_t>(bytes.data());
  // Version 4 differs from 3 by tagged fields alone, which nothing here needs: flexible encoding.
  if (version < 0 || version > version_max) return fail(Errc::corrupt, "group record of an unknown version");
  return kafka::decode_struct<T>(bytes.substr(2), version, version >= 4);
}

}  // namespace

void add_offset(kafka::BatchBuilder& batch, std::int64_t now_ms, const OffsetKey& key, const std::optional<OffsetValue>& value) {
  const Bytes key_bytes = encode(offset_key_version, key);
  if (!value) return batch.add(now_ms, key_bytes, std::nullopt);
  batch.add(now_ms, key_bytes, encode(offset_value_version, *value));
}

void add_group(kafka::BatchBuilder& batch, std::int64_t now_ms, const std::string& group, const std::optional<GroupValue>& value) {
  const Bytes key_bytes = encode(group_key_version, GroupKey{group});
  if (!value) return batch.add(now_ms, key_bytes, std::nullopt);
  batch.add(now_ms, key_bytes, encode(group_value_version, *value));
}

Result<Record> decode_record(const kafka::RecordView& record) {
  if (!record.key || record.key->size() < 2) return fail(Errc::corrupt, "group record without a key");
  const auto version = base::load_be<std::int16_t>(record.key->data());
  if (version == 0 || version == offset_key_version) {
    auto key = decode<OffsetKey>(*record.key, offset_key_version);
    if (!key) return fail(key.error());
    if (!record.value) return OffsetRecord{std::move(*key), std::nullopt};
    auto value = decode<OffsetValue>(*record.value, 4);
    if (!value) return fail(value.error());
    return OffsetRecord{std::move(*key), std::move(*value)};
  }
  if (version == group_key_version) {
    auto key = decode<GroupKey>(*record.key, group_key_version);
    if (!key) return fail(key.error());
    if (!record.value) return GroupRecord{std::move(*key), std::nullopt};
    auto value = decode<GroupValue>(*record.value, 4);
    if (!value) return fail(value.error());
    return GroupRecord{std::move(*key), std::move(*value)};
  }
  return std::monostate{};
}

}  // namespace meridian::coordinator::group
