#include "broker/storage/segment_index.h"

namespace meridian::storage {

Status SegmentIndex::open() {
  if (file_) return {};
  auto file = disk_.open(path_, io::OpenMode::create);
  if (!file) return fail(file.error());
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  file_ = std::move(*file);
  count_ = static_cast<std::int64_t>(*size / entry_bytes());
  // Kafka preallocates indexes with zeros and trims them on a clean close: trailing zero entries are no entries.
  while (count_ > 0) {
    const auto entry = at(count_ - 1);
    if (!entry) return fail(entry.error());
    if (entry->key != 0 || entry->value != 0) {
      last_ = *entry;
      break;
    }
    --count_;
  }
  return {};
}

Result<IndexEntry> SegmentIndex::at(std::int64_t i) {
  char raw[12] = {};
  const auto n = file_->read(static_cast<std::uint64_t>(i) * entry_bytes(), raw, entry_bytes());
  if (!n) return fail(n.error());
  if (kind_ == Kind::offset) return IndexEntry{base::load_be<std::int32_t>(raw), base::load_be<std::int32_t>(raw + 4)};
  return IndexEntry{base::load_be<std::int64_t>(raw), base::load_be<std::int32_t>(raw + 8)};
}

Status SegmentIndex::append(IndexEntry entry) {
  if (auto done = open(); !done) return done;
  if (last_ && entry.key <= last_->key) return {};
  if (entry.key == 0 && entry.value == 0) return {};  // means "no entry" on disk, and says nothing
  Bytes raw;
  if (kind_ == Kind::offset) base::append_be(raw, static_cast<std::int32_t>(entry.key));
  else base::append_be(raw, entry.key);
  base::append_be(raw, static_cast<std::int32_t>(entry.value));
  if (auto done = file_->write(static_cast<std::uint64_t>(count_) * entry_bytes(), raw); !done) return done;
  ++count_;
  last_ = entry;
  return {};
}

Result<std::optional<IndexEntry>> SegmentIndex::floor(std::int64_t key) {
  if (auto done = open(); !done) return fail(done.error());
  std::int64_t low = 0, high = count_;  // first entry with a greater key
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    const auto entry = at(middle);
    if (!entry) return fail(entry.error());
    if (entry->key <= key) low = middle + 1;
    else high = middle;
  }
  if (low == 0) return std::nullopt;
  const auto entry = at(low - 1);
  if (!entry) return fail(entry.error());
  return *entry;
}

Result<std::optional<IndexEntry>> SegmentIndex::last() {
  if (auto done = open(); !done) return fail(done.error());
  return last_;
}

Result<std::int64_t> SegmentIndex::count() {
  if (auto done = open(); !done) return fail(done.error());
  return count_;
}

Status SegmentIndex::clear() {
  if (auto done = open(); !done) return done;
  count_ = 0;
  last_.reset();
  return file_->truncate(0);
}

Status SegmentIndex::truncate_values(std::int64_t value) {
  if (auto done = open(); !done) return done;
  while (count_ > 0) {
    const auto entry = at(count_ - 1);
    if (!entry) return fail(entry.error());
    if (entry->value < value) {
      last_ = *entry;
      break;
    }
    --count_;
  }
  if (count_ == 0) last_.reset();
  return file_->truncate(static_cast<std::uint64_t>(count_) * entry_bytes());
}

Status SegmentIndex::sync() { return file_ ? file_->sync() : Status{}; }

}  // namespace meridian::storage
