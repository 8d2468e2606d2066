// The judge: parses nf_tables messages with libnftnl and writes them again. A program of its own, because libnftnl ends
// the process on a size it does not expect. Input and output are records in the host's byte order:
//   in:  u32 length, u8 message type (without subsystem), u8 family, u16 0, then `length` bytes of attributes
//   out: u32 verdict (0, or the errno of the parser), u32 length, then the attributes as libnftnl writes them
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADERS = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg), ROOM = 4 << 20 };

struct record {
  uint32_t length;
  uint8_t type;
  uint8_t family;
  uint16_t zero;
};

#define REBUILD(kind)                                             \
  do {                                                            \
    struct nftnl_##kind* object = nftnl_##kind##_alloc();         \
    if (object == NULL) abort();                                  \
    errno = 0;                                                    \
    int rc = nftnl_##kind##_nlmsg_parse(in, object);              \
    int why = errno;                                              \
    if (rc >= 0) nftnl_##kind##_nlmsg_build_payload(out, object); \
    nftnl_##kind##_free(object);                                  \
    return rc >= 0 ? 0 : (why != 0 ? why : EPROTO);               \
  } while (0)

static int rebuild(uint8_t type, const struct nlmsghdr* in, struct nlmsghdr* out) {
  switch (type) {
    case NFT_MSG_NEWTABLE:
      REBUILD(table);
    case NFT_MSG_NEWCHAIN:
      REBUILD(chain);
    case NFT_MSG_NEWRULE:
      REBUILD(rule);
    case NFT_MSG_NEWFLOWTABLE:
      REBUILD(flowtable);
    case NFT_MSG_NEWSET:
      REBUILD(set);
    case NFT_MSG_NEWSETELEM: {
      // Elements are read into a set, and written as nft does it: by an iterator that could go on in another message.
      struct nftnl_set* set = nftnl_set_alloc();
      if (set == NULL) abort();
      errno = 0;
      int rc = nftnl_set_elems_nlmsg_parse(in, set);
      int why = errno;
      struct nftnl_set_elems_iter* iter = rc >= 0 ? nftnl_set_elems_iter_create(set) : NULL;
      if (iter != NULL) {
        nftnl_set_elems_nlmsg_build_payload_iter(out, iter);
        nftnl_set_elems_iter_destroy(iter);
      }
      nftnl_set_free(set);
      return rc >= 0 ? 0 : (why != 0 ? why : EPROTO);
    }
    case NFT_MSG_NEWOBJ: {
      // The one object whose builder has another name.
      struct nftnl_obj* object = nftnl_obj_alloc();
      if (object == NULL) abort();
      errno = 0;
      int rc = nftnl_obj_nlmsg_parse(in, object);
      int why = errno;
      if (rc >= 0) nftnl_obj_nlmsg_build_payload(out, object);
      nftnl_obj_free(object);
      return rc >= 0 ? 0 : (why != 0 ? why : EPROTO);
    }
    default:
      return ENOSYS;
  }
}

static void put(const void* bytes, size_t length) {
  if (length > 0 && fwrite(bytes, length, 1, stdout) != 1) exit(3);
}

int main(void) {
  char* in = calloc(1, ROOM);
  char* out = calloc(1, ROOM);
  struct record record;
  if (in == NULL || out == NULL) return 3;
  while (fread(&record, sizeof record, 1, stdin) == 1) {
    if (record.length > ROOM / 2) return 4;
    struct nlmsghdr* message = nftnl_nlmsg_build_hdr(in, record.type, record.family, 0, 0);
    if (record.length > 0 && fread(in + HEADERS, record.length, 1, stdin) != 1) return 5;
    message->nlmsg_len += record.length;

    memset(out, 0, HEADERS + 2 * record.length);
    struct nlmsghdr* rebuilt = nftnl_nlmsg_build_hdr(out, record.type, record.family, 0, 0);
    uint32_t reply[2] = {(uint32_t)rebuild(record.type, message, rebuilt), 0};
    if (reply[0] == 0) reply[1] = rebuilt->nlmsg_len - HEADERS;
    put(reply, sizeof reply);
    put(out + HEADERS, reply[1]);
    // What has been judged is heard even if the next message ends this process.
    if (fflush(stdout) != 0) return 3;
  }
  return 0;
}
