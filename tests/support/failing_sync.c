// Preloaded into a broker: syncs of files below the directory that the file $FAILING_SYNC names fail with EIO, while that file is there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int fd) {
  char link[64], path[4096], wanted[4096];
  const char* flag = getenv("FAILING_SYNC");
  FILE* file = flag ? fopen(flag, "r") : NULL;
  if (!file) return 0;
  const int found = fgets(wanted, sizeof wanted, file) != NULL;
  fclose(file);
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t n = readlink(link, path, sizeof path - 1);
  if (!found || n < 0) return 0;
  path[n] = '\0';
  return strncmp(path, wanted, strlen(wanted)) == 0;
}

int fdatasync(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  if (!fails(fd)) return next(fd);
  errno = EIO;
  return -1;
}

int fsync(int fd) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  if (!fails(fd)) return next(fd);
  errno = EIO;
  return -1;
}
