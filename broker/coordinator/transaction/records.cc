#include "broker/coordinator/transaction/records.h"

namespace meridian::coordinator::transaction {
namespace {

constexpr std::int16_t key_version = 0, value_version = 1;

}  // namespace

void add_transaction(kafka::BatchBuilder& batch, std::int64_t now_ms, const TransactionRecord& record) {
  Bytes key;
  base::append_be(key, key_version);
  kafka::encode_struct(key, TransactionKey{record.transactional_id}, key_version, false);
  if (!record.value) return batch.add(now_ms, key, std::nullopt);
  Bytes value;
  base::append_be(value, value_version);
  kafka::encode_struct(value, *record.value, value_version, true);
  batch.add(now_ms, key, value);
}

Result<TransactionRecord> decode_transaction(const kafka::RecordView& record) {
  if (!record.key || record.key->size() < 2 || base::load_be<std::int16_t>(record.key->data()) != key_version)
    return fail(Errc::corrupt, "transaction record with an unknown key");
  auto key = kafka::decode_struct<TransactionKey>(record.key->substr(2), key_version, false);
  if (!key) return fail(key.error());
  if (!record.value) return TransactionRecord{std::move(key->transactional_id), std::nullopt};
  if (record.value->size() < 2) return fail(Errc::corrupt, "transaction record is cut short");
  const auto version = base::load_be<std::int16_t>(record.value->data());
  if (version < 0 || version > value_version) return fail(Errc::corrupt, "transaction record of an unknown version");
  auto value = kafka::decode_struct<TransactionValue>(record.value->substr(2), version, version >= 1);
  if (!value) return fail(value.error());
  return TransactionRecord{std::move(key->transactional_id), std::move(*value)};
}

}  // namespace meridian::coordinator::transaction
