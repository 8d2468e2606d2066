// A legacy table as the kernel has it, whatever it is. `xt-entries put 4|6 TABLE` makes the kernel take one that no
// iptables would write: standard input holds how many entries there are, valid_hooks, hook_entry[5] and underflow[5] of
// struct ipt_replace, then the entries. `xt-entries get 4|6 TABLE` prints the entries in hexadecimal.
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
// After those.
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

_Static_assert(sizeof(struct ipt_replace) == sizeof(struct ip6t_replace), "one shape for both families");
_Static_assert(sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries), "one shape for both families");
_Static_assert(IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES, "one number for both families");
_Static_assert(sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo), "one shape for both families");
_Static_assert(IPT_SO_SET_REPLACE == IP6T_SO_SET_REPLACE, "one number for both families");

static void need(int good, const char* what) {
  if (good) return;
  fprintf(stderr, "xt-entries: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int fd;
static int level;
static struct ipt_getinfo info;

static void put(void) {
  uint32_t words[12];
  static char entries[1 << 16];
  need(fread(words, sizeof words, 1, stdin) == 1, "input");
  const size_t size = fread(entries, 1, sizeof entries, stdin);
  struct ipt_replace* table = calloc(1, sizeof *table + size);
  need(table != NULL, "memory");
  strcpy(table->name, info.name);
  table->num_entries = words[0];
  table->valid_hooks = words[1];
  memcpy(table->hook_entry, words + 2, sizeof table->hook_entry);
  memcpy(table->underflow, words + 7, sizeof table->underflow);
  table->size = (unsigned int)size;
  table->num_counters = info.num_entries;
  table->counters = calloc(info.num_entries, sizeof *table->counters);
  need(table->counters != NULL, "memory");
  memcpy(table + 1, entries, size);
  need(setsockopt(fd, level, IPT_SO_SET_REPLACE, table, (socklen_t)(sizeof *table + size)) == 0, "IPT_SO_SET_REPLACE");
}

static void get(void) {
  socklen_t length = (socklen_t)(sizeof(struct ipt_get_entries) + info.size);
  struct ipt_get_entries* table = calloc(1, length);
  need(table != NULL, "memory");
  strcpy(table->name, info.name);
  table->size = info.size;
  need(getsockopt(fd, level, IPT_SO_GET_ENTRIES, table, &length) == 0, "IPT_SO_GET_ENTRIES");
  for (unsigned int i = 0; i < info.size; i++) printf("%02x", ((unsigned char*)table->entrytable)[i]);
}

int main(int count, char** arguments) {
  need(count == 4 && strlen(arguments[3]) < sizeof info.name, "arguments");
  const int v6 = strcmp(arguments[2], "6") == 0;
  level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
  fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW, IPPROTO_RAW);
  need(fd >= 0, "socket");
  strcpy(info.name, arguments[3]);
  socklen_t length = sizeof info;
  need(getsockopt(fd, level, IPT_SO_GET_INFO, &info, &length) == 0, "IPT_SO_GET_INFO");
  if (strcmp(arguments[1], "put") == 0)
    put();
  else
    get();
  return 0;
}
