// Preloaded into a broker: fdatasync of files whose path contains $SLOW_SYNC takes 200 ms more.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int fdatasync(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  char link[64], path[4096];
  const char* wanted = getenv("SLOW_SYNC");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (wanted && n > 0) {
    path[n] = '\0';
    if (strstr(path, wanted)) usleep(200000);
  }
  return next(fd);
}
