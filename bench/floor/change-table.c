// The floor of syncing legacy tables: reads them all as who compares must, then lets libiptc read the changed one, do
// the same commands that nflink does, and commit. Prints the milliseconds that took. The commands are a count of
// words, nine words each and the bytes they point at (native/xt_commands.h).
// Usage: change-table FILE CHANGED-TABLE TABLE [TABLE ...]
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

// After <net/if.h> and <netinet/in.h>, always.
#include <libiptc/libiptc.h>

#include "clock.h"
#include "entries.h"

enum { WORDS = 9, APPEND = 0, INSERT = 1, DELETE_AT = 4 };

static void apply(const uint32_t* c, const char* bytes, struct xtc_handle* table) {
  const char* chain = bytes + c[2];
  const unsigned number = c[3] - 1;
  const struct ipt_entry* entry = (const struct ipt_entry*)(bytes + c[4]);
  int done = 0;
  if (c[0] == APPEND) done = iptc_append_entry(chain, entry, table);
  if (c[0] == INSERT) done = iptc_insert_entry(chain, entry, number, table);
  if (c[0] == DELETE_AT) done = iptc_delete_num_entry(chain, number, table);
  if (!done) die("libiptc, or a command that is none of three");
}

int main(int argc, char** argv) {
  if (argc < 4) return fprintf(stderr, "usage: change-table FILE CHANGED-TABLE TABLE [TABLE ...]\n"), 2;
  FILE* file = fopen(argv[1], "rb");
  struct stat stat;
  uint32_t count;
  if (file == NULL || fstat(fileno(file), &stat) < 0 || fread(&count, sizeof count, 1, file) != 1) die(argv[1]);
  const size_t length = (size_t)stat.st_size - sizeof count - count * sizeof(uint32_t);
  uint32_t* words = malloc(count * sizeof *words);
  char* bytes = malloc(length);
  if (words == NULL || bytes == NULL) die("malloc");
  if (fread(words, sizeof *words, count, file) != count || fread(bytes, 1, length, file) != length) die("read");
  const int raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (raw < 0) die("socket");

  const double start = now_ms();
  struct total read = {0, 0};
  for (int i = 3; i < argc; ++i) read_table(raw, argv[i], &read);
  struct xtc_handle* table = iptc_init(argv[2]);
  if (table == NULL) die("iptc_init");
  for (uint32_t at = 0; at < count; at += WORDS) apply(words + at, bytes, table);
  if (!iptc_commit(table)) die("iptc_commit");
  printf("{\"ms\":%.6f,\"commands\":%u}\n", now_ms() - start, count / WORDS);
  iptc_free(table);
  close(raw);
  free(words);
  free(bytes);
  fclose(file);
  return 0;
}
