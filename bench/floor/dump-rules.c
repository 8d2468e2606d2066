// The floor of every read: dumps all nf_tables rules and throws them away; only message headers are looked at, to know
// the end. Prints the milliseconds that took, the number of rules and their bytes. Usage: dump-rules [WARM-UPS
// [chains]]
//
// With `chains` it asks for one chain after the other, whose names a dump before has told: cheaper where there are
// many, since the kernel begins a dump anew for every 32 KB of it.
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

// From 32 KB on the kernel fills the messages of a dump as far as it ever does.
static char buffer[1 << 17];

static void die(const char* what) {
  perror(what);
  exit(1);
}

struct total {
  unsigned long rules;
  unsigned long bytes;
};

/** A chain to be asked for: its family, and NFTA_RULE_TABLE and NFTA_RULE_CHAIN as they stood in a message. */
struct chain {
  uint8_t family;
  char table[256];
  char name[256];
};
static struct chain* chains;
static size_t chain_count;

/** Rules come chain by chain. */
static void remember(const struct nlmsghdr* message) {
  struct chain chain = {0};
  chain.family = ((const struct nfgenmsg*)mnl_nlmsg_get_payload(message))->nfgen_family;
  const struct nlattr* attribute;
  mnl_attr_for_each(attribute, message, sizeof(struct nfgenmsg)) {
    if (mnl_attr_get_type(attribute) == NFTA_RULE_TABLE) strncpy(chain.table, mnl_attr_get_str(attribute), 255);
    if (mnl_attr_get_type(attribute) == NFTA_RULE_CHAIN) strncpy(chain.name, mnl_attr_get_str(attribute), 255);
  }
  if (chain_count > 0 && memcmp(&chains[chain_count - 1], &chain, sizeof chain) == 0) return;
  if ((chain_count & (chain_count - 1)) == 0) {
    chains = realloc(chains, (chain_count == 0 ? 1 : 2 * chain_count) * sizeof chain);
    if (chains == NULL) die("realloc");
  }
  chains[chain_count++] = chain;
}

/** One dump: of all, or of a chain. */
static struct total dump(const struct mnl_socket* socket, uint32_t sequence, const struct chain* chain, int learn) {
  char request[MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) + 1024];
  memset(request, 0, sizeof request);
  const uint16_t family = chain == NULL ? AF_UNSPEC : chain->family;
  struct nlmsghdr* header = nftnl_nlmsg_build_hdr(request, NFT_MSG_GETRULE, family, NLM_F_DUMP, sequence);
  if (chain != NULL) {
    mnl_attr_put_strz(header, NFTA_RULE_TABLE, chain->table);
    mnl_attr_put_strz(header, NFTA_RULE_CHAIN, chain->name);
  }
  if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0) die("sendto");

  struct total total = {0, 0};
  for (;;) {
    const ssize_t received = recv(mnl_socket_get_fd(socket), buffer, sizeof buffer, 0);
    if (received < 0) {
      if (errno == EINTR) continue;
      die("recv");
    }
    total.bytes += (unsigned long)received;
    int left = (int)received;
    for (struct nlmsghdr* m = (struct nlmsghdr*)buffer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
      if (m->nlmsg_type == NLMSG_DONE) return total;
      if (m->nlmsg_type == NLMSG_ERROR) {
        errno = -((struct nlmsgerr*)mnl_nlmsg_get_payload(m))->error;
        die("dump");
      }
      ++total.rules;
      if (learn) remember(m);
    }
  }
}

static struct total dump_chains(const struct mnl_socket* socket, uint32_t* sequence) {
  struct total total = {0, 0};
  for (size_t i = 0; i < chain_count; ++i) {
    const struct total one = dump(socket, (*sequence)++, &chains[i], 0);
    total.rules += one.rules;
    total.bytes += one.bytes;
  }
  return total;
}

int main(int argc, char** argv) {
  struct mnl_socket* socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == NULL || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) die("socket");
  const int by_chain = argc > 2 && strcmp(argv[2], "chains") == 0;
  uint32_t sequence = 1;
  memset(buffer, 0, sizeof buffer);
  if (by_chain) dump(socket, sequence++, NULL, 1);
  for (int warm_ups = argc > 1 ? atoi(argv[1]) : 0; warm_ups > 0; --warm_ups) {
    if (by_chain) {
      dump_chains(socket, &sequence);
    } else {
      dump(socket, sequence++, NULL, 0);
    }
  }

  const double start = now_ms();
  const struct total total = by_chain ? dump_chains(socket, &sequence) : dump(socket, sequence, NULL, 0);
  printf("{\"ms\":%.6f,\"rules\":%lu,\"bytes\":%lu}\n", now_ms() - start, total.rules, total.bytes);
  mnl_socket_close(socket);
  free(chains);
  return 0;
}
