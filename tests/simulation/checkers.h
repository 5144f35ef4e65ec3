// Checkers of client histories, apart from the scenarios. Names as in Jepsen's Kafka checker and Kafka's TLA+ models.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/base/bytes.h"

namespace meridian::simulation {

class History {
 public:
  /// A produce was acknowledged.
  void sent(std::int32_t partition, Offset offset, const std::string& value) {
    if (!acked_.emplace(std::pair(partition, offset), value).second) problem("inconsistent-offsets: two acknowledged values at " + place(partition, offset));
    if (!acked_values_.emplace(value, std::pair(partition, offset)).second) problem("duplicate: " + value + " was acknowledged twice");
  }
  /// A consumer read this.
  void read(std::int32_t partition, Offset offset, const std::string& value) {
    const auto [it, fresh] = read_.emplace(std::pair(partition, offset), value);
    if (!fresh && it->second != value) problem("ConsistentRead: " + place(partition, offset) + " was " + it->second + ", is " + value);
    const auto acked = acked_.find({partition, offset});
    if (acked != acked_.end() && acked->second != value)
      problem("inconsistent-offsets: " + place(partition, offset) + " was acknowledged as " + acked->second + ", read as " + value);
    const auto [where, first] = read_values_.emplace(value, std::pair(partition, offset));
    if (!first && where->second != std::pair(partition, offset)) problem("duplicate: " + value + " is at two offsets");
  }
  /// A group's commit was acknowledged; a later fetch of it must not be older.
  void committed(std::int32_t partition, Offset offset) { committed_[partition] = std::max(committed_[partition], offset); }
  void fetched(std::int32_t partition, Offset offset) {
    if (offset < committed_[partition])
      problem("committed offset of partition " + std::to_string(partition) + " went back from " + std::to_string(committed_[partition]) + " to " +
              std::to_string(offset));
  }
  /// Records below are to be deleted: from when it is asked for on they may be gone, once it is acknowledged none may come back.
  void deleting(std::int32_t partition, Offset before) { may_be_gone_[partition] = std::max(may_be_gone_[partition], before); }
  void deleted(std::int32_t partition, Offset before) { gone_[partition] = std::max(gone_[partition], before); }
  void starts_at(std::int32_t partition, Offset start) {
    if (start < gone_[partition]) problem("deleted records of partition " + std::to_string(partition) + " are back: it starts at " + std::to_string(start));
    if (start > may_be_gone_[partition]) problem("records below " + place(partition, start) + " are gone, and nobody deleted them");
  }
  /// After the final polls.
  void finish() {
    for (const auto& [at, value] : acked_)
      if (!read_.contains(at) && at.second >= may_be_gone_[at.first]) problem("lost-write: " + value + " at " + place(at.first, at.second));
  }
  void problem(std::string what) { problems_.push_back(std::move(what)); }
  const std::vector<std::string>& problems() const { return problems_; }
  std::size_t acknowledged() const { return acked_.size(); }

 private:
  static std::string place(std::int32_t partition, Offset offset) { return std::to_string(partition) + ":" + std::to_string(offset); }
  std::map<std::pair<std::int32_t, Offset>, std::string> acked_, read_;
  std::map<std::string, std::pair<std::int32_t, Offset>> acked_values_, read_values_;
  std::map<std::int32_t, Offset> committed_, may_be_gone_, gone_;
  std::vector<std::string> problems_;
};

}  // namespace meridian::simulation
