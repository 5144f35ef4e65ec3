#include "broker/coordinator/share/share_partition.h"

#include <algorithm>

namespace meridian::coordinator::share {

SharePartition::SharePartition(Offset start, const std::vector<kafka::ShareStateBatch>& batches) : start_(start) {
  for (const auto& batch : batches) {
    // What was acquired is free again.
    const auto state = static_cast<DeliveryState>(batch.delivery_state);
    if (batch.last_offset >= start)
      deliveries_.assign(std::max(batch.first_offset, start), batch.last_offset,
                         Delivery{.state = terminal(state) ? state : DeliveryState::available, .count = batch.delivery_count, .member = {}});
  }
  advance();
}

std::int64_t SharePartition::in_flight() const {
  std::int64_t count = 0;
  for (const auto& [first, run] : deliveries_.runs())
    if (!terminal(run.value.state)) count += run.last - first + 1;
  return count;
}

std::optional<Offset> SharePartition::next_offset(const ShareLimits& limits) const {
  const bool room = in_flight() < limits.record_locks_max;
  Offset at = start_;
  for (const auto& [first, run] : deliveries_.runs()) {
    if (first > at && room) return at;
    if (free(&run.value)) return first;
    at = run.last + 1;
  }
  return room ? std::optional(at) : std::nullopt;
}

// There is nothing to deliver in what is free of this range.
void SharePartition::archive_free(Offset first, Offset last) {
  std::vector<std::pair<Offset, Offset>> empty;
  deliveries_.visit(first, last, [&](Offset from, Offset to, const Delivery* delivery) {
    if (free(delivery)) empty.emplace_back(from, to);
    return true;
  });
  for (const auto& [from, to] : empty) deliveries_.assign(from, to, Delivery{.state = DeliveryState::archived, .member = {}});
}

std::vector<kafka::AcquiredRecords> SharePartition::acquire(const Acquisition& request, std::span<const LogBatch> batches, const ShareLimits& limits,
                                                            TimePoint now) {
  std::vector<kafka::AcquiredRecords> acquired;
  std::int64_t count = 0;
  std::int64_t room = limits.record_locks_max - in_flight();
  Offset at = *next_offset(limits);
  for (const auto& batch : batches) {
    if (count >= request.records_max) break;
    if (batch.last < at) continue;
    const Offset first = std::max(batch.first, at);
    if (first > at) archive_free(at, first - 1);  // compaction left no records there
    at = batch.last + 1;
    if (!batch.deliverable) {
      archive_free(first, batch.last);
      continue;
    }
    std::vector<Piece> pieces;
    deliveries_.visit(first, batch.last, [&](Offset from, Offset to, const Delivery* delivery) {
      if (!free(delivery) || (!delivery && room <= 0)) return true;
      if (request.strict) to = std::min(to, from + (request.records_max - count) - 1);
      count += to - from + 1;
      if (!delivery) room -= to - from + 1;
      pieces.push_back({from, to,
                        Delivery{.state = DeliveryState::acquired,
                                 .count = static_cast<std::int16_t>(delivery ? delivery->count + 1 : 1),
                                 .member = request.member,
                                 .locked_until = now + limits.lock_duration}});
      return !request.strict || count < request.records_max;
    });
    for (auto& piece : pieces) {
      auto* before = acquired.empty() ? nullptr : &acquired.back();
      const bool goes_on = before && before->last_offset + 1 == piece.first && before->delivery_count == piece.delivery.count;
      const bool long_enough =
          before && piece.first == batch.first && request.batch_size > 0 && before->last_offset - before->first_offset + 1 >= request.batch_size;
      if (goes_on && !long_enough) before->last_offset = piece.last;
      else acquired.push_back({piece.first, piece.last, piece.delivery.count});
      deliveries_.assign(piece.first, piece.last, std::move(piece.delivery));
    }
  }
  advance();
  return acquired;
}

std::expected<std::optional<ShareChange>, ErrorCode> SharePartition::acknowledge(const std::string& member,
                                                                                 std::span<const kafka::AcknowledgementBatch> batches,
                                                                                 const ShareLimits& limits, TimePoint now) {
  std::vector<Piece> pieces, renewed;
  bool valid = true;
  const auto take = [&](Offset first, Offset last, std::int8_t type) {
    first = std::max(first, start_);  // below, everything is done with
    deliveries_.visit(first, last, [&](Offset from, Offset to, const Delivery* delivery) {
      valid = delivery && held(*delivery) && delivery->member == member && (type != renew || limits.renew);
      if (!valid) return false;
      Piece piece{from, to, *delivery};
      if (type == renew) {
        piece.delivery.locked_until = now + limits.lock_duration;
        renewed.push_back(std::move(piece));
        return true;
      }
      const bool again = type == AcknowledgeType::release && delivery->count < limits.delivery_count_max;
      piece.delivery.next = again ? DeliveryState::available : type == accept ? DeliveryState::acknowledged : DeliveryState::archived;
      pieces.push_back(std::move(piece));
      return true;
    });
    return valid;
  };
  for (const auto& batch : batches) {
    const auto& types = batch.acknowledge_types;
    if (types.size() == 1 && !take(batch.first_offset, batch.last_offset, types[0])) return std::unexpected(ErrorCode::invalid_record_state);
    if (types.size() == 1) continue;
    for (std::size_t i = 0; i < types.size();) {
      std::size_t end = i + 1;
      while (end < types.size() && types[end] == types[i]) ++end;
      const auto offset = [&batch](std::size_t n) { return batch.first_offset + static_cast<Offset>(n); };
      if (!take(offset(i), offset(end) - 1, types[i])) return std::unexpected(ErrorCode::invalid_record_state);
      i = end;
    }
  }
  for (auto& piece : renewed) deliveries_.assign(piece.first, piece.last, std::move(piece.delivery));
  return write(std::move(pieces));
}

std::vector<SharePartition::Piece> SharePartition::collect(auto&& matches) const {
  std::vector<Piece> pieces;
  for (const auto& [first, run] : deliveries_.runs())
    if (matches(run.value)) pieces.push_back({first, run.last, run.value});
  return pieces;
}

std::optional<ShareChange> SharePartition::release(const std::string& member) {
  auto pieces = collect([&](const Delivery& delivery) { return held(delivery) && delivery.member == member; });
  for (auto& piece : pieces) {
    piece.delivery.next = DeliveryState::available;
    --piece.delivery.count;
  }
  return write(std::move(pieces));
}

std::optional<ShareChange> SharePartition::expire(const ShareLimits& limits, TimePoint now) {
  auto pieces = collect([&](const Delivery& delivery) { return held(delivery) && delivery.locked_until <= now; });
  for (auto& piece : pieces) piece.delivery.next = piece.delivery.count < limits.delivery_count_max ? DeliveryState::available : DeliveryState::archived;
  return write(std::move(pieces));
}

TimePoint SharePartition::next_deadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& [first, run] : deliveries_.runs())
    if (held(run.value)) next = std::min(next, run.value.locked_until);
  return next;
}

// Every piece becomes its `next`, once that is written. The start that is written counts on no other change that is on its way.
std::optional<ShareChange> SharePartition::write(std::vector<Piece> pieces) {
  if (pieces.empty()) return std::nullopt;
  ShareChange change{.id = ++last_change_, .start_offset = start_, .batches = {}};
  for (auto& piece : pieces) {
    piece.delivery.change = change.id;
    deliveries_.assign(piece.first, piece.last, piece.delivery);
  }
  const auto complete = [&change](const Delivery& delivery) {
    return delivery.change == change.id ? terminal(delivery.next) : delivery.change == 0 && terminal(delivery.state);
  };
  for (const auto& [first, run] : deliveries_.runs()) {
    if (first == change.start_offset && complete(run.value)) change.start_offset = run.last + 1;
    else if (complete(run.value)) change.complete_count += static_cast<std::int32_t>(run.last - first + 1);
  }
  for (const auto& piece : pieces)
    if (piece.last >= change.start_offset)
      change.batches.push_back({std::max(piece.first, change.start_offset), piece.last, static_cast<std::int8_t>(piece.delivery.next), piece.delivery.count});
  return change;
}

void SharePartition::done(std::uint64_t change) {
  for (auto& piece : collect([change](const Delivery& delivery) { return delivery.change == change; }))
    deliveries_.assign(piece.first, piece.last, Delivery{.state = piece.delivery.next, .count = piece.delivery.count, .member = {}});
  advance();
}

void SharePartition::failed(std::uint64_t change) {
  for (auto& piece : collect([change](const Delivery& delivery) { return delivery.change == change; })) {
    piece.delivery.change = 0;
    deliveries_.assign(piece.first, piece.last, std::move(piece.delivery));
  }
}

void SharePartition::log_starts_at(Offset offset) {
  if (offset <= start_) return;
  deliveries_.erase(start_, offset - 1);
  start_ = offset;
  advance();
}

void SharePartition::advance() {
  while (!deliveries_.empty()) {
    const auto& [first, run] = *deliveries_.runs().begin();
    if (first != start_ || run.value.change != 0 || !terminal(run.value.state)) return;
    const Offset last = run.last;
    deliveries_.erase(first, last);
    start_ = last + 1;
  }
}

}  // namespace meridian::coordinator::share
