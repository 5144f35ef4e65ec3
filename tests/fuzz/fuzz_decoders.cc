// libFuzzer entry over every decoder of peer and disk bytes. The first byte picks the decoder. Nothing may crash, leak or hang, and a
// message that decodes must encode to bytes that decode to the same message.
#include <cstdlib>
#include <string_view>

#include "broker/coordinator/group/consumer_records.h"
#include "broker/coordinator/group/records.h"
#include "broker/coordinator/group/share_records.h"
#include "broker/coordinator/share/share_state.h"
#include "broker/coordinator/transaction/records.h"
#include "broker/metadata/records.h"
#include "broker/replication/directory_identity.h"
#include "broker/storage/checkpoints.h"
#include "broker/storage/leader_epochs.h"
#include "broker/storage/producer_state.h"
#include "common/config/settings.h"
#include "common/kafka/consumer_protocol.h"
#include "common/kafka/control_record.h"
#include "common/kafka/messages/dispatch.h"
#include "common/kafka/record_batch.h"
#include "common/metrics/otlp.h"
#include "mirror/offset_map.h"
#include "mirror/target_topics.h"

namespace {

using namespace meridian;

template <class T>
void fuzz_message(ByteView bytes, std::int16_t version, bool flexible) {
  const auto message = kafka::decode_message<T>(bytes, version);
  if (!message) return;
  Bytes once;
  kafka::Encoder encoder(once, version, flexible);
  kafka::encode_message(encoder, *message);
  const auto again = kafka::decode_message<T>(once, version);
  if (!again) std::abort();
  Bytes twice;
  kafka::Encoder second(twice, version, flexible);
  kafka::encode_message(second, *again);
  if (once != twice) std::abort();
}

void fuzz_messages(ByteView bytes) {
  if (bytes.size() < 3) return;
  const auto which = static_cast<unsigned char>(bytes[0]), version_byte = static_cast<unsigned char>(bytes[1]);
  const bool request = bytes[2] & 1;
  unsigned n = 0;
  kafka::AllMessages::each([&]<class Request>() {
    if (n++ != which % kafka::AllMessages::count) return;
    const auto& range = Request::api.versions;
    const auto version = static_cast<std::int16_t>(range.min + version_byte % (range.max - range.min + 1));
    if (request) fuzz_message<Request>(bytes.substr(3), version, Request::api.flexible(version));
    else fuzz_message<typename Request::Response>(bytes.substr(3), version, Request::api.flexible(version));
  });
}

void fuzz_batch(ByteView bytes) {
  const auto header = kafka::parse_batch_header(bytes);
  if (!header || static_cast<std::size_t>(header->size) > bytes.size()) return;
  const auto batch = bytes.substr(0, static_cast<std::size_t>(header->size));
  (void)kafka::validate_batch(*header, batch);
  (void)kafka::parse_marker(batch);
  // Also past a CRC that does not match: the records of a batch are parsed defensively whatever was checked before.
  (void)kafka::for_each_record(batch, [](const kafka::RecordView& record) {
    (void)kafka::parse_headers(record.headers);
    return true;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
    case 1:
    case 2: fuzz_messages(bytes); break;
    case 3: fuzz_batch(bytes); break;
    case 4: {
      const std::size_t half = bytes.size() / 2;
      kafka::RecordView record;
      record.key = bytes.substr(0, half);
      record.value = bytes.substr(half);
      (void)coordinator::group::decode_record(record);
      (void)coordinator::group::decode_consumer_record(record);
      (void)coordinator::group::decode_share_record(record);
      (void)coordinator::share::decode_share_record(record);
      (void)coordinator::transaction::decode_transaction(record);
      (void)kafka::decode_consumer_protocol<kafka::ConsumerSubscription>(bytes);
      (void)kafka::decode_consumer_protocol<kafka::ConsumerAssignment>(bytes);
      (void)metrics::parse_otlp(bytes, 1000);
      break;
    }
    case 5:
      (void)mirror::OffsetMap::decode({Bytes(bytes)});
      (void)mirror::parse_map_key(bytes);
      (void)kafka::parse_headers(bytes);
      break;
    case 6:
      (void)storage::ProducerState::decode(bytes);
      (void)storage::LeaderEpochs::decode(bytes);
      (void)storage::decode_checkpoint(bytes);
      (void)storage::decode_partition_metadata(bytes);
      (void)replication::decode_directory_metadata(bytes);
      (void)config::read_properties(bytes);
      break;
    case 7:
      (void)metadata::decode_record<metadata::PartitionRecord>(bytes);
      (void)metadata::decode_record<metadata::ConfigRecord>(bytes);
      (void)metadata::decode_record<metadata::QuotaRecord>(bytes);
      if (bytes.size() >= 2) (void)metadata::decode_quota_key(bytes);
      for (int codec = 1; codec <= 4; ++codec) (void)kafka::decompress(static_cast<kafka::Compression>(codec), bytes, 1 << 20);
  }
  return 0;
}
