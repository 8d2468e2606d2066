// IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES of a legacy table, thrown away. After <net/if.h> and <netinet/in.h>, always.
#pragma once

#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define HUGE_PAGE ((size_t)2 << 20)

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
  // Huge pages, given in one call: fault by fault they cost more than the copy.
  const size_t room = ((size_t)length + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
  struct ipt_get_entries* entries = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (entries == MAP_FAILED) die("mmap");
  madvise(entries, room, MADV_HUGEPAGE);
  madvise(entries, (size_t)length, MADV_POPULATE_WRITE);
  strncpy(entries->name, table, sizeof entries->name - 1);
  entries->size = info.size;
  if (getsockopt(raw, IPPROTO_IP, IPT_SO_GET_ENTRIES, entries, &length) != 0) die("GET_ENTRIES");
  munmap(entries, room);
  total->entries += info.num_entries;
  total->bytes += info.size;
}
