# The one list of sources: gyp includes it, CMakeLists.txt reads the quoted names, one a line.
{
  'variables': {
    'nflink_sources': [
      'native/addon.cc',
      'native/addon_xt.cc',
      'native/byte_buffer.cc',
      'native/connection.cc',
      'native/content_hash.cc',
      'native/event_source.cc',
      'native/ipset_name.cc',
      'native/napi_util.cc',
      'native/netlink_error.cc',
      'native/netlink_socket.cc',
      'native/netns.cc',
      'native/nft_batch.cc',
      'native/nft_bytecode.cc',
      'native/nft_dump.cc',
      'native/nft_events.cc',
      'native/nft_generation.cc',
      'native/nft_request.cc',
      'native/xt_commands.cc',
      'native/xt_commit.cc',
      'native/xt_lock.cc',
      'native/xt_table.cc',
      'native/xt_walk.cc',
    ],
  },
}
