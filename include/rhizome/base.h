// What every part of the C interface shares: error codes, byte strings, memory (docs/guides/c-and-webassembly.md).
//
// The interface is the same for a native program and for a WebAssembly module, where each function is an export of its
// own name and `size_t` and pointers have 32 bits. C99 and C++ both read it.
//
// Rules
// 1. A function that can fail returns an rz_code: RZ_OK, or a number of the one table of error codes, which never
//    changes its meaning (src/base/error_codes.h; rz_error_name gives its name). A failed call leaves its outputs as
//    they were, and the document too unless its description says otherwise.
// 2. What comes in is borrowed for the duration of the call. A null pointer is allowed where its size is 0.
// 3. What comes out in an rz_bytes belongs to the caller, who hands it back by rz_bytes_free. An output pointer may be
//    null where the output is not wanted.
// 4. No exception comes out of here. Running out of memory, or a bug of ours, ends the process (traps, in WebAssembly).
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__wasm__)
#define RZ_API(name) __attribute__((export_name(#name), visibility("default"), used))
#else
#define RZ_API(name) __attribute__((visibility("default")))
#endif

#if defined(__cplusplus)
#define RZ_NOEXCEPT noexcept
extern "C" {
#else
#define RZ_NOEXCEPT
#endif

// Zero, or the number of an error.
typedef int32_t rz_code;

enum {
  RZ_OK = 0,
  // The errors that a program may want to act on; the table has more.
  RZ_BAD_ARGUMENT = 6,            // A value that no event may carry; a null pointer; text that is not UTF-8.
  RZ_LIMIT_EXCEEDED = 3,          // The open event is full: close it and try again.
  RZ_EVENT_PARENT_UNKNOWN = 800,  // An event came before one of its parents: apply the parent, then it again.
  RZ_PATH_NOT_FOUND = 801,
  RZ_WRONG_CONTAINER = 802,  // What is at that path is of another type.
  RZ_POSITION_OUT_OF_RANGE = 803,
  RZ_BAD_CHECKPOINT = 810  // A saved document is damaged or of another version: replay its events.
};

typedef struct rz_bytes {
  uint8_t* data;  // Null where size is 0.
  size_t size;
} rz_bytes;

// The code's name in the table ("position_out_of_range") and its meaning in words; "unknown" for a number that is not
// in it, "ok" for 0. Static, ends with a zero byte.
RZ_API(rz_error_name) const char* rz_error_name(rz_code code) RZ_NOEXCEPT;
RZ_API(rz_error_meaning) const char* rz_error_meaning(rz_code code) RZ_NOEXCEPT;

// Memory inside a WebAssembly module, for the arguments of a call; aligned to 16 bytes. Never null. Handed back by
// rz_free, where null is nothing.
RZ_API(rz_alloc) void* rz_alloc(size_t size) RZ_NOEXCEPT;
RZ_API(rz_free) void rz_free(void* memory) RZ_NOEXCEPT;

// Releases an output and makes it empty. A null pointer is nothing, and so is an rz_bytes that is empty.
RZ_API(rz_bytes_free) void rz_bytes_free(rz_bytes* bytes) RZ_NOEXCEPT;

// The version of this interface: it grows by one whenever a function changes its meaning. New functions may come
// without that.
#define RZ_ABI_VERSION 1
RZ_API(rz_abi_version) uint32_t rz_abi_version(void) RZ_NOEXCEPT;

#if defined(__cplusplus)
}
#endif
