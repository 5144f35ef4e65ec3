// CHECK: programmer errors. Always on, logs and aborts. Bytes from peers or disks are never CHECKed:
// they are validated and become Result errors.
#pragma once

namespace meridian::base {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace meridian::base

#define CHECK(expression)                                              \
  do {                                                                 \
    if (!(expression)) [[unlikely]]                                    \
      ::meridian::base::check_failed(#expression, __FILE__, __LINE__); \
  } while (false)
