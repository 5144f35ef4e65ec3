#include "tests/simulation/retention.h"

#include <numeric>

namespace meridian::simulation {
namespace {

const std::string topic = "r";
constexpr std::size_t retention_bytes = 6000, batch_bytes_max = 1000, segment_bytes = 3000;  // the broker's log.segment.bytes

}  // namespace

Task<> Retention::produce(client::Cluster& at) {
  client::NewTopic made{.name = topic, .partitions = 1, .configs = {{"retention.bytes", std::to_string(retention_bytes)}}};
  while (!co_await client::create_topic(at, made, soon())) co_await breath();
  const auto producer = co_await producer_id(at);
  std::int32_t sequence = 0;
  while (!stopping_) {
    kafka::BatchBuilder builder;
    std::vector<std::string> values;
    for (std::uint64_t i = 0, count = 1 + random_.below(4); i < count; ++i) {
      values.push_back("r" + std::to_string(sequence + static_cast<std::int32_t>(i)) + std::string(random_.below(200), '.'));
      builder.add(clock_.wall_ms(), std::nullopt, values.back());
    }
    const auto bytes = builder.finish({.producer_id = producer, .producer_epoch = 0, .base_sequence = sequence});
    auto base = co_await client::append(at, topic, 0, *bytes, soon());
    for (; !base; base = co_await client::append(at, topic, 0, *bytes, soon())) co_await breath();
    bytes_[*base] = bytes->size();
    for (std::size_t i = 0; i < values.size(); ++i) sent_[*base + static_cast<Offset>(i)] = values[i];
    sequence += static_cast<std::int32_t>(values.size());
    if (random_.one_in(2)) co_await breath();
  }
  co_await at.stop();
}

Task<> Retention::consume(client::Cluster& at) {
  while (!stopping_) {
    co_await read(at);
    for (auto pauses = random_.below(5); pauses > 0; --pauses) co_await breath();
  }
  co_await at.stop();
}

Task<> Retention::read(client::Cluster& at) {
  const auto end = co_await client::list_offset(at, topic, 0, client::latest, soon());
  const auto start = co_await client::list_offset(at, topic, 0, client::earliest, soon());
  if (!end || !start) co_return;
  next_ = std::max(next_, *start);
  Offset jumped_to = 0;
  (void)co_await client::read_range(
      at, topic, 0, next_, *end,
      [&](const kafka::RecordView& record) {
        if (record.offset != next_) jumped_to = record.offset;
        const auto [it, fresh] = values_.emplace(record.offset, *record.value);
        if (!fresh && it->second != *record.value) problems_.push_back("ConsistentRead: " + std::to_string(record.offset) + " of the log that is cut short");
        next_ = record.offset + 1;
        return true;
      },
      soon());
  if (jumped_to == 0) co_return;
  const auto now = co_await client::list_offset(at, topic, 0, client::earliest, soon());
  if (now && *now < jumped_to)
    problems_.push_back("records before " + std::to_string(jumped_to) + " are left out, and the log starts at " + std::to_string(*now));
}

std::size_t Retention::bytes_from(Offset start) const {
  return std::accumulate(bytes_.lower_bound(start), bytes_.end(), std::size_t{0}, [](std::size_t sum, const auto& entry) { return sum + entry.second; });
}

Task<std::vector<std::string>> Retention::check(client::Cluster& at) {
  const auto deadline = clock_.now() + std::chrono::seconds(30);
  Offset start = 0;
  do {
    co_await breath();
    start = (co_await client::list_offset(at, topic, 0, client::earliest, soon())).value_or(start);
  } while (bytes_from(start) > retention_bytes + 2 * segment_bytes && clock_.now() < deadline);
  const auto kept = bytes_from(start);
  if (kept > retention_bytes + 2 * segment_bytes) problems_.push_back("retention is not enforced: " + std::to_string(kept) + " bytes are kept");
  if (start > 0 && kept + batch_bytes_max < retention_bytes) problems_.push_back("retention took too much: " + std::to_string(kept) + " bytes are left");
  next_ = start;
  co_await read(at);
  for (const auto& [offset, value] : sent_) {
    const auto found = values_.find(offset);
    if (found == values_.end() && offset >= start) problems_.push_back("lost-write: " + value + " at " + std::to_string(offset));
    if (found != values_.end() && found->second != value) problems_.push_back("inconsistent-offsets: " + value + " at " + std::to_string(offset));
  }
  co_return problems_;
}

}  // namespace meridian::simulation
