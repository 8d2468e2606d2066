// LD_PRELOADed into a process that changes legacy tables: makes the kernel's two requests for it fail as the test
// wishes.
//
// NFLINK_FAULTS_REPLACE and NFLINK_FAULTS_COUNTERS say for each SO_SET_REPLACE and SO_SET_ADD_COUNTERS in turn what
// becomes of it, separated by commas: `instead 12` is not done and fails with errno 12, `after 12` is done and fails
// all the same, `pass` is done. `command` behind it runs NFLINK_FAULT_COMMAND before that, as somebody else who writes
// amid the commit. What comes after the list is done. Each request adds an R or a C to the file NFLINK_FAULT_LOG.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
// After those.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

_Static_assert(IPT_SO_SET_REPLACE == IP6T_SO_SET_REPLACE, "one number for both families");
_Static_assert(IPT_SO_SET_ADD_COUNTERS == IP6T_SO_SET_ADD_COUNTERS, "one number for both families");

typedef int setsockopt_function(int, int, int, const void*, socklen_t);

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void give_up(const char* why) {
  fprintf(stderr, "xt-faults: %s\n", why);
  abort();
}

static void note(char letter) {
  const char* path = getenv("NFLINK_FAULT_LOG");
  if (path == NULL) give_up("NFLINK_FAULT_LOG is not set");
  const int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, &letter, 1) != 1) give_up("cannot write NFLINK_FAULT_LOG");
  close(fd);
}

static void run_command(void) {
  const char* command = getenv("NFLINK_FAULT_COMMAND");
  if (command == NULL) give_up("NFLINK_FAULT_COMMAND is not set");
  // The child of this thread is in this thread's namespace.
  char* line = NULL;
  if (asprintf(&line, "unset LD_PRELOAD ASAN_OPTIONS; %s", command) < 0) give_up("no memory");
  if (system(line) != 0) give_up(line);
  free(line);
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t length) {
  static setsockopt_function* real;
  static const char* rest[2];
  static int started;
  pthread_mutex_lock(&mutex);
  if (!started) {
    started = 1;
    real = (setsockopt_function*)dlsym(RTLD_NEXT, "setsockopt");
    rest[0] = getenv("NFLINK_FAULTS_REPLACE");
    rest[1] = getenv("NFLINK_FAULTS_COUNTERS");
  }
  const int tables = level == IPPROTO_IP || level == IPPROTO_IPV6;
  const int which = option == IPT_SO_SET_REPLACE ? 0 : option == IPT_SO_SET_ADD_COUNTERS ? 1 : -1;
  char fault[16] = "pass";
  char extra[16] = "";
  int error = 0;
  if (tables && which >= 0) {
    note("RC"[which]);
    if (rest[which] != NULL && rest[which][0] != '\0') {
      if (strncmp(rest[which], "pass", 4) == 0) {
        sscanf(rest[which], "pass %15[a-z]", extra);
      } else if (sscanf(rest[which], "%15[a-z] %d %15[a-z]", fault, &error, extra) < 2 || error == 0) {
        give_up("no such fault");
      }
      const char* comma = strchr(rest[which], ',');
      rest[which] = comma == NULL ? NULL : comma + 1;
    }
  }
  pthread_mutex_unlock(&mutex);
  if (strcmp(extra, "command") == 0) run_command();
  if (strcmp(fault, "instead") != 0) {
    const int result = real(fd, level, option, value, length);
    if (result != 0 || error == 0) return result;
  }
  errno = error;
  return -1;
}
