/* libsodium's source of randomness in WebAssembly: the import rhizome.random_fill(address, size), by which the host
 * hands in bytes nobody can predict (crypto.getRandomValues). A module that draws none does not import it. */
#include "host_randombytes.h"

#include <stddef.h>
#include <stdint.h>

#include <sodium/randombytes.h>

__attribute__((import_module("rhizome"), import_name("random_fill"))) void rz_host_random_fill(void *out, size_t size);

static const char *name(void) { return "rhizome-host"; }

static uint32_t word(void) {
  uint32_t value;
  rz_host_random_fill(&value, sizeof value);
  return value;
}

static void fill(void *const out, const size_t size) { rz_host_random_fill(out, size); }

randombytes_implementation rz_host_randombytes = {
    .implementation_name = name,
    .random = word,
    .buf = fill,
};
