// SharePartition: what a share group has done with the records of one partition (KIP-932). Pure: batches of the log, acknowledgements and
// times go in; acquired ranges and changes that have to be written come out.
//
//     start                                                  end
//       | acquired by A | available again | done | acquired by B |  not delivered yet ...
//
// The start moves over records that are done with: acknowledged, or archived (rejected, delivered too often, or nothing that can be
// delivered). An acknowledgement counts once it is written: until then its records stay acquired, and nobody can say anything about them.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/async/clock.h"
#include "common/base/interval_map.h"
#include "common/kafka/messages/78_share_fetch.h"
#include "common/kafka/messages/84_read_share_group_state.h"

namespace meridian::coordinator::share {

using async::TimePoint;
using kafka::ErrorCode;

/// Numbers as Kafka stores them.
enum class DeliveryState : std::int8_t { available = 0, acquired = 1, acknowledged = 2, archived = 4 };
enum AcknowledgeType : std::int8_t { gap = 0, accept = 1, release = 2, reject = 3, renew = 4 };

struct ShareLimits {
  std::chrono::milliseconds lock_duration{30000};
  std::int16_t delivery_count_max = 5;   ///< a record that comes back this often is archived
  std::int64_t record_locks_max = 2000;  ///< delivered and not done with, in one partition
  bool renew = true;                     ///< acknowledgements may prolong a lock (KIP-1222)
};

/// A batch of the log; `deliverable` is false for one that members must not see (of an aborted transaction).
struct LogBatch {
  Offset first = 0;
  Offset last = 0;
  bool deliverable = true;
};

/// To be written to the share coordinator, then told to done() or failed().
struct ShareChange {
  std::uint64_t id = 0;
  Offset start_offset = 0;
  std::int32_t complete_count = 0;  ///< records between start and end that are done with
  std::vector<kafka::ShareStateBatch> batches;
};

class SharePartition {
 public:
  /// As the share coordinator has it.
  SharePartition(Offset start, const std::vector<kafka::ShareStateBatch>& batches);

  /// Where to read for the next acquisition. When too many records are out, only such as came back may be acquired; nullopt: there are none.
  std::optional<Offset> next_offset(const ShareLimits& limits) const;

  struct Acquisition {
    const std::string& member;
    std::int64_t records_max = 0;
    std::int64_t batch_size = 0;  ///< ranges that are told are split at batches of the log, beyond so many records
    bool strict = false;          ///< never more than records_max; else batches stay whole (KIP-1206)
  };
  /// `batches`: what the log has from next_offset() on, which is not nullopt; the first may begin below it.
  std::vector<kafka::AcquiredRecords> acquire(const Acquisition& request, std::span<const LogBatch> batches, const ShareLimits& limits, TimePoint now);

  /// All or nothing. nullopt: nothing is to be written. INVALID_RECORD_STATE: a record is not acquired by this member.
  std::expected<std::optional<ShareChange>, ErrorCode> acknowledge(const std::string& member, std::span<const kafka::AcknowledgementBatch> batches,
                                                                   const ShareLimits& limits, TimePoint now);
  /// Gives back what a member holds; these deliveries do not count.
  std::optional<ShareChange> release(const std::string& member);
  /// Gives back what has been held for too long.
  std::optional<ShareChange> expire(const ShareLimits& limits, TimePoint now);
  TimePoint next_deadline() const;

  void done(std::uint64_t change);
  void failed(std::uint64_t change);
  /// The log begins there now.
  void log_starts_at(Offset offset);

  Offset start_offset() const { return start_; }

 private:
  struct Delivery {
    DeliveryState state = DeliveryState::available;
    std::int16_t count = 0;
    std::string member;
    TimePoint locked_until = TimePoint::max();
    std::uint64_t change = 0;  ///< being written: then the state is `next`
    DeliveryState next = DeliveryState::available;
    bool operator==(const Delivery&) const = default;
  };
  struct Piece {
    Offset first;
    Offset last;
    Delivery delivery;
  };
  static bool terminal(DeliveryState state) { return state == DeliveryState::acknowledged || state == DeliveryState::archived; }
  static bool free(const Delivery* delivery) { return !delivery || (delivery->state == DeliveryState::available && delivery->change == 0); }
  static bool held(const Delivery& delivery) { return delivery.state == DeliveryState::acquired && delivery.change == 0; }

  std::int64_t in_flight() const;
  void archive_free(Offset first, Offset last);
  std::vector<Piece> collect(auto&& matches) const;
  std::optional<ShareChange> write(std::vector<Piece> pieces);
  void advance();

  Offset start_;
  base::IntervalMap<Delivery> deliveries_;
  std::uint64_t last_change_ = 0;
};

}  // namespace meridian::coordinator::share
