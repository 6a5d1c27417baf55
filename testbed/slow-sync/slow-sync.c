/*
 * Makes fsync and fdatasync slow, as on a busy disk, for a process that is started with this
 * library in LD_PRELOAD:
 *
 *   SLOW_SYNC_MS     path of a file with the milliseconds that each call takes longer; it is read
 *                    at each call, so that a running process can be slowed down and let go again
 *   SLOW_SYNC_COUNT  path of a file that grows by one byte with each call
 *
 * A file that can not be read means no delay.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static long milliseconds(void) {
  const char *path = getenv("SLOW_SYNC_MS");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return 0;
  char text[16] = "";
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  return length > 0 ? atol(text) : 0;
}

static void count(void) {
  const char *path = getenv("SLOW_SYNC_COUNT");
  int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
  if (file < 0) return;
  ssize_t written = write(file, ".", 1);
  (void)written;
  close(file);
}

static int slowly(const char *name, int file) {
  count();
  long ms = milliseconds();
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return real(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
