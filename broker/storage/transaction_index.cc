#include "broker/storage/transaction_index.h"

#include "common/kafka/codec.h"

namespace meridian::storage {
namespace {

constexpr std::int16_t entry_version = 0;
constexpr std::size_t entry_bytes = 34;  // INT16 version and four INT64

Bytes encode(const AbortedTransaction& entry) {
  Bytes out;
  base::append_be(out, entry_version);
  base::append_be(out, entry.producer_id);
  base::append_be(out, entry.first_offset);
  base::append_be(out, entry.last_offset);
  base::append_be(out, entry.last_stable_offset);
  return out;
}

}  // namespace

Status TransactionIndex::load() {
  entries_.clear();
  if (!disk_.exists(path_)) return {};
  const auto bytes = disk_.read_file(path_);
  if (!bytes) return fail(bytes.error());
  for (std::size_t at = 0; at + entry_bytes <= bytes->size(); at += entry_bytes) {
    const char* p = bytes->data() + at;
    if (base::load_be<std::int16_t>(p) != entry_version) return fail(Errc::corrupt, path_ + ": unknown version of an entry");
    entries_.push_back(
        {base::load_be<std::int64_t>(p + 2), base::load_be<std::int64_t>(p + 10), base::load_be<std::int64_t>(p + 18), base::load_be<std::int64_t>(p + 26)});
  }
  auto file = disk_.open(path_, io::OpenMode::create);
  if (!file) return fail(file.error());
  file_ = std::move(*file);
  return {};
}

Status TransactionIndex::append(const AbortedTransaction& entry) {
  if (!file_) {
    auto file = disk_.open(path_, io::OpenMode::create);
    if (!file) return fail(file.error());
    file_ = std::move(*file);
  }
  if (auto done = file_->write(entries_.size() * entry_bytes, encode(entry)); !done) return done;
  entries_.push_back(entry);
  return {};
}

Status TransactionIndex::clear() {
  entries_.clear();
  if (!file_ && !disk_.exists(path_)) return {};
  if (!file_) {
    auto file = disk_.open(path_, io::OpenMode::create);
    if (!file) return fail(file.error());
    file_ = std::move(*file);
  }
  return file_->truncate(0);
}

}  // namespace meridian::storage
