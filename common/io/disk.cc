#include "common/io/disk.h"

namespace meridian::io {

Result<Bytes> Disk::read_file(const std::string& path) {
  auto file = open(path, OpenMode::read);
  if (!file) return fail(file.error());
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  Bytes content(*size, '\0');
  const auto n = (*file)->read(0, content.data(), content.size());
  if (!n) return fail(n.error());
  content.resize(*n);
  return content;
}

Status Disk::replace_file(const std::string& path, ByteView content) {
  const std::string temporary = path + ".tmp";
  {
    auto file = open(temporary, OpenMode::create);
    if (!file) return fail(file.error());
    if (auto done = (*file)->truncate(0); !done) return done;
    if (auto done = (*file)->write(0, content); !done) return done;
    if (auto done = (*file)->sync(); !done) return done;
  }
  if (auto done = rename(temporary, path); !done) return done;
  return sync_directory(path.substr(0, path.rfind('/')));
}

}  // namespace meridian::io
