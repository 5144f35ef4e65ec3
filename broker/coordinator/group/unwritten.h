// Unwritten: records of a group that were decided and whose write failed. They go with the next write, before anything more is told. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace meridian::coordinator::group {

/// Writes are several at a time and end in any order; the log has them in the order in which they began. So of each key (type and member)
/// the last write that holds it decides what the log says in the end, and that one alone is followed. Never more records than keys.
template <class Record>
class Unwritten {
 public:
  struct Write {
    std::uint64_t number = 0;
    std::vector<Record> records;
  };

  /// What is to be written now: what failed before, in the order in which it was decided, and then `records`. What is on its way of `told`,
  /// the member that is told something once this is written, goes again too: the log has it no later than what the member hears.
  Write begin(std::vector<Record> records, std::string_view told) {
    Write write{++last_, {}};
    std::vector<const Last*> again;
    for (const auto& [key, last] : lasts_)
      if (last.failed || (!told.empty() && key.second == told)) again.push_back(&last);
    std::ranges::sort(again, {}, [](const Last* last) { return std::pair(last->number, last->place); });
    for (const Last* last : again) write.records.push_back(last->record);
    std::ranges::move(records, std::back_inserter(write.records));
    for (std::size_t place = 0; place < write.records.size(); ++place) {
      const Record& record = write.records[place];
      lasts_.insert_or_assign(Key(record.type, record.member), Last{write.number, place, false, record});
    }
    return write;
  }

  void end(const Write& write, bool written) {
    for (const auto& record : write.records) {
      const auto last = lasts_.find(Key(record.type, record.member));
      if (last == lasts_.end() || last->second.number != write.number) continue;
      last->second.failed = !written;
      if (written) lasts_.erase(last);
    }
  }

 private:
  using Key = std::pair<std::int16_t, std::string>;
  struct Last {
    std::uint64_t number;  ///< of the last write that holds the key
    std::size_t place;     ///< in that write
    bool failed;           ///< otherwise it is on its way
    Record record;
  };
  std::map<Key, Last> lasts_;
  std::uint64_t last_ = 0;
};

}  // namespace meridian::coordinator::group
