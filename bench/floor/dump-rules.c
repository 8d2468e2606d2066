// The floor of every read: dumps all nf_tables rules and throws them away; only message headers are looked at, to know
// the end. Prints the milliseconds that took, the number of rules and their bytes. Usage: dump-rules [WARM-UPS]
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

static struct total dump(const struct mnl_socket* socket, uint32_t sequence) {
  char request[MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg)];
  memset(request, 0, sizeof request);
  struct nlmsghdr* header = nftnl_nlmsg_build_hdr(request, NFT_MSG_GETRULE, AF_UNSPEC, NLM_F_DUMP, sequence);
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
    }
  }
}

int main(int argc, char** argv) {
  struct mnl_socket* socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == NULL || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) die("socket");
  uint32_t sequence = 1;
  memset(buffer, 0, sizeof buffer);
  for (int warm_ups = argc > 1 ? atoi(argv[1]) : 0; warm_ups > 0; --warm_ups) dump(socket, sequence++);

  const double start = now_ms();
  const struct total total = dump(socket, sequence);
  printf("{\"ms\":%.6f,\"rules\":%lu,\"bytes\":%lu}\n", now_ms() - start, total.rules, total.bytes);
  mnl_socket_close(socket);
  return 0;
}
