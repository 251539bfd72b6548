#include "crypto/initialise.h"

#include <sodium.h>

namespace rz::crypto {

Status initialise() {
  if (sodium_init() < 0) return fail(ErrorCode::crypto_unavailable, "libsodium did not initialise");
  return {};
}

}  // namespace rz::crypto
