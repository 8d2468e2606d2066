// The floor of reading legacy tables: IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES of each, thrown away. Prints the
// milliseconds that took and the number of entries. Usage: get-entries WARM-UPS TABLE [TABLE ...]
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <linux/netfilter_ipv4/ip_tables.h>

#include "clock.h"

static void die(const char* what) {
  perror(what);
  exit(1);
}

struct total {
  unsigned long entries;
  unsigned long bytes;
};

static void read_table(int raw, const char* table, struct total* total) {
  struct ipt_getinfo info;
  memset(&info, 0, sizeof info);
  strncpy(info.name, table, sizeof info.name - 1);
  socklen_t length = sizeof info;
  if (getsockopt(raw, IPPROTO_IP, IPT_SO_GET_INFO, &info, &length) != 0) die("GET_INFO");
  length = (socklen_t)(sizeof(struct ipt_get_entries) + info.size);
  struct ipt_get_entries* entries = malloc(length);
  if (entries == NULL) die("malloc");
  memset(entries, 0, sizeof *entries);
  strncpy(entries->name, table, sizeof entries->name - 1);
  entries->size = info.size;
  if (getsockopt(raw, IPPROTO_IP, IPT_SO_GET_ENTRIES, entries, &length) != 0) die("GET_ENTRIES");
  free(entries);
  total->entries += info.num_entries;
  total->bytes += info.size;
}

int main(int argc, char** argv) {
  const int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (raw < 0) die("socket");
  struct total warm = {0, 0};
  struct total read = {0, 0};
  for (int warm_ups = argc > 1 ? atoi(argv[1]) : 0; warm_ups > 0; --warm_ups) {
    for (int i = 2; i < argc; ++i) read_table(raw, argv[i], &warm);
  }
  const double start = now_ms();
  for (int i = 2; i < argc; ++i) read_table(raw, argv[i], &read);
  printf("{\"ms\":%.6f,\"entries\":%lu,\"bytes\":%lu}\n", now_ms() - start, read.entries, read.bytes);
  close(raw);
  return 0;
}
