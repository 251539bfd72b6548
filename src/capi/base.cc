#include <rhizome/base.h>

#include <cstdlib>

#include "base/assert.h"
#include "base/result.h"

namespace {

// A number that no entry of the table has is named like any other unknown one.
rz::ErrorCode code_of(rz_code code) {
  return code < 0 || code > 0xffff ? rz::ErrorCode{0} : static_cast<rz::ErrorCode>(code);
}

}  // namespace

// The texts of the table are literals, so they end with a zero byte.
const char* rz_error_name(rz_code code) noexcept { return code == RZ_OK ? "ok" : rz::name_of(code_of(code)).data(); }

const char* rz_error_meaning(rz_code code) noexcept {
  return code == RZ_OK ? "done" : rz::meaning_of(code_of(code)).data();
}

void* rz_alloc(size_t size) noexcept {
  void* memory = std::malloc(size == 0 ? 1 : size);
  RZ_ASSERT(memory != nullptr);
  return memory;
}

void rz_free(void* memory) noexcept { std::free(memory); }

void rz_bytes_free(rz_bytes* bytes) noexcept {
  if (bytes == nullptr) return;
  std::free(bytes->data);
  *bytes = {};
}

uint32_t rz_abi_version(void) noexcept { return RZ_ABI_VERSION; }
