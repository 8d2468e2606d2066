// The floor of every write: hands a prebuilt nf_tables batch to the kernel in one sendmsg and drains the replies.
// Prints the milliseconds that took, and the replies by kind. Usage: send-batch FILE
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "clock.h"

static char buffer[1 << 18];

static void die(const char* what) {
  perror(what);
  exit(1);
}

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: send-batch FILE\n"), 2;
  FILE* file = fopen(argv[1], "rb");
  struct stat stat;
  if (file == NULL || fstat(fileno(file), &stat) < 0) die(argv[1]);
  char* batch = malloc((size_t)stat.st_size);
  if (batch == NULL || fread(batch, 1, (size_t)stat.st_size, file) != (size_t)stat.st_size) die("read");

  struct mnl_socket* socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == NULL || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) die("socket");
  const int fd = mnl_socket_get_fd(socket);
  // Twice the batch: what the kernel counts is the buffer with its bookkeeping.
  const int room = (int)stat.st_size * 2 + (1 << 16);
  if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) < 0) die("SO_SNDBUFFORCE");
  memset(buffer, 0, sizeof buffer);

  const double start = now_ms();
  if (mnl_socket_sendto(socket, batch, (size_t)stat.st_size) < 0) die("sendto");
  int errors = 0;
  int others = 0;
  for (;;) {
    const ssize_t received = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (received < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) break;
      die("recv");
    }
    int left = (int)received;
    for (struct nlmsghdr* m = (struct nlmsghdr*)buffer; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
      if (m->nlmsg_type == NLMSG_ERROR && ((struct nlmsgerr*)mnl_nlmsg_get_payload(m))->error != 0)
        ++errors;
      else
        ++others;
    }
  }
  printf("{\"ms\":%.6f,\"errors\":%d,\"others\":%d}\n", now_ms() - start, errors, others);
  mnl_socket_close(socket);
  free(batch);
  fclose(file);
  return 0;
}
