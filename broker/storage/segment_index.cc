#include "broker/storage/segment_index.h"

#include <algorithm>

namespace meridian::storage {

Result<std::shared_ptr<io::File>> SegmentIndex::open() { return disk_.open(path_, io::OpenMode::create); }

Result<IndexEntry> SegmentIndex::read(io::File& file, std::int64_t i) const {
  char raw[12] = {};
  const auto n = file.read(static_cast<std::uint64_t>(i) * entry_bytes(), raw, entry_bytes());
  if (!n) return fail(n.error());
  if (kind_ == Kind::offset) return IndexEntry{base::load_be<std::int32_t>(raw), base::load_be<std::int32_t>(raw + 4)};
  return IndexEntry{base::load_be<std::int64_t>(raw), base::load_be<std::int32_t>(raw + 8)};
}

Status SegmentIndex::load() {
  if (loaded_) return {};
  loaded_ = true;
  if (!disk_.exists(path_)) return {};
  const auto file = open();
  if (!file) return fail(file.error());
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  written_ = static_cast<std::int64_t>(*size / entry_bytes());
  // Kafka preallocates indexes with zeros and trims them on a clean close: trailing zero entries are no entries.
  for (; written_ > 0; --written_) {
    const auto entry = read(**file, written_ - 1);
    if (!entry) return fail(entry.error());
    if (entry->key == 0 && entry->value == 0) continue;
    last_ = *entry;
    break;
  }
  return {};
}

Status SegmentIndex::append(IndexEntry entry) {
  if (auto done = load(); !done) return done;
  if (last_ && entry.key <= last_->key) return {};
  if (entry.key == 0 && entry.value == 0) return {};  // means "no entry" on disk, and says nothing
  buffered_.push_back(entry);
  last_ = entry;
  if (buffered_.size() < buffered_max) return {};
  const auto written = write_out();
  return written ? Status{} : fail(written.error());
}

Result<std::shared_ptr<io::File>> SegmentIndex::write_out() {
  if (auto done = load(); !done) return fail(done.error());
  if (buffered_.empty() && written_ == 0) return nullptr;
  auto file = open();
  if (!file || buffered_.empty()) return file;
  Bytes raw;
  for (const auto& entry : buffered_) {
    if (kind_ == Kind::offset) base::append_be(raw, static_cast<std::int32_t>(entry.key));
    else base::append_be(raw, entry.key);
    base::append_be(raw, static_cast<std::int32_t>(entry.value));
  }
  if (auto done = (*file)->write(static_cast<std::uint64_t>(written_) * entry_bytes(), raw); !done) return fail(done.error());
  written_ += static_cast<std::int64_t>(buffered_.size());
  buffered_.clear();
  return file;
}

Result<std::optional<IndexEntry>> SegmentIndex::floor(std::int64_t key) {
  if (auto done = load(); !done) return fail(done.error());
  const auto next = std::ranges::upper_bound(buffered_, key, {}, &IndexEntry::key);
  if (next != buffered_.begin()) return *std::prev(next);
  if (written_ == 0) return std::nullopt;
  const auto file = open();
  if (!file) return fail(file.error());
  std::int64_t low = 0, high = written_;  // first entry with a greater key
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    const auto entry = read(**file, middle);
    if (!entry) return fail(entry.error());
    if (entry->key <= key) low = middle + 1;
    else high = middle;
  }
  if (low == 0) return std::nullopt;
  const auto entry = read(**file, low - 1);
  if (!entry) return fail(entry.error());
  return *entry;
}

Result<std::optional<IndexEntry>> SegmentIndex::last() {
  if (auto done = load(); !done) return fail(done.error());
  return last_;
}

Status SegmentIndex::clear() {
  loaded_ = true;
  written_ = 0;
  buffered_.clear();
  last_.reset();
  if (!disk_.exists(path_)) return {};
  const auto file = open();
  return file ? (*file)->truncate(0) : fail(file.error());
}

}  // namespace meridian::storage
