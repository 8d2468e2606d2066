# The addon, for a consumer's source build: `node-gyp rebuild` → build/Release/nflink.node. Developers and prebuilds use
# CMakeLists.txt; both read native/sources.gypi.
{
  'includes': ['native/sources.gypi'],
  'targets': [
    {
      'target_name': 'nflink',
      'sources': ['<@(nflink_sources)'],
      'defines': ['NAPI_VERSION=9', '_GNU_SOURCE', '_GLIBCXX_ASSERTIONS'],
      'cflags': [
        '<!@(pkg-config --cflags libnftnl libmnl libip4tc libip6tc)',
        '-Wall',
        '-Wextra',
        '-fvisibility=hidden',
        '-fstack-protector-strong',
      ],
      # Node's own flags switch exceptions and RTTI off, and older ones ask for an older standard.
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17', '-std=gnu++20'],
      'cflags_cc': ['-std=c++20', '-fvisibility-inlines-hidden'],
      'ldflags': [
        '-Wl,--version-script=<(module_root_dir)/native/version-script',
        '-Wl,-z,relro,-z,now',
        '-Wl,--no-as-needed',
        '-Wl,--gc-sections',
        '-static-libstdc++',
        '-static-libgcc',
        '-pthread',
      ],
      'libraries': ['<!@(pkg-config --libs libnftnl libmnl libip4tc libip6tc)'],
      'configurations': {
        'Release': {
          'cflags': ['-U_FORTIFY_SOURCE', '-D_FORTIFY_SOURCE=3'],
        },
      },
    },
  ],
}
