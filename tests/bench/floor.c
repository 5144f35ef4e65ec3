// The floor of a broker benchmark: receives bytes on a loopback socket, checksums them and writes them to a file (mode "produce"),
// or sends the file back with sendfile ("consume"). Prints CPU-seconds per GB of this side. gcc -O2 -msse4.2
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <nmmintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static double cpu(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char** argv) {
  if (argc != 4) return fprintf(stderr, "usage: floor produce|consume FILE BYTES\n"), 2;
  const size_t total = strtoull(argv[3], NULL, 10), frame = 1 << 20;
  int produce = !strcmp(argv[1], "produce");
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  if (bind(listener, (void*)&at, sizeof at) || listen(listener, 1) || getsockname(listener, (void*)&at, &size)) return perror("listen"), 1;
  char* buffer = malloc(frame);
  memset(buffer, 'x', frame);
  if (fork() == 0) {  // the client
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (void*)&at, sizeof at)) _exit(1);
    for (size_t done = 0; done < total;) {
      ssize_t n = produce ? write(s, buffer, frame) : read(s, buffer, frame);
      if (n <= 0) break;
      done += n;
    }
    _exit(0);
  }
  int s = accept(listener, NULL, NULL), file = open(argv[2], O_RDWR | O_CREAT, 0644);
  double before = cpu();
  uint64_t crc = 0;
  off_t offset = 0;
  for (size_t done = 0; done < total;) {
    ssize_t n;
    if (produce) {
      n = read(s, buffer, frame);
      for (ssize_t i = 0; i + 8 <= n; i += 8) crc = _mm_crc32_u64(crc, *(uint64_t*)(buffer + i));
      if (n > 0 && write(file, buffer, n) != n) return perror("write"), 1;
    } else {
      if (offset >= lseek(file, 0, SEEK_END)) offset = 0;
      n = sendfile(s, file, &offset, frame);
    }
    if (n <= 0) break;
    done += n;
  }
  printf("%.3f\n", (cpu() - before) / (total / 1e9));
  shutdown(s, SHUT_RDWR);
  wait(NULL);
  return crc == 1;
}
