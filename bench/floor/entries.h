// IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES of a legacy table, thrown away. After <net/if.h> and <netinet/in.h>, always.
#pragma once

#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static inline void die(const char* what) {
  perror(what);
  exit(1);
}

struct total {
  unsigned long entries;
  unsigned long bytes;
};

static inline void read_table(int raw, const char* table, struct total* total) {
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
