// The floor of reading legacy tables: IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES of each, thrown away. Prints the
// milliseconds that took and the number of entries. Usage: get-entries WARM-UPS TABLE [TABLE ...]
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "entries.h"

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
