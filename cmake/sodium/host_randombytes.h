// Included before every file of libsodium in the WebAssembly build: its randomness comes from the host.
#pragma once

struct randombytes_implementation;
extern struct randombytes_implementation rz_host_randombytes;
