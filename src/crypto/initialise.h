// Start-up of the cryptographic library: once, before anything else of this room, from one thread.
#pragma once

#include "base/result.h"

namespace rz::crypto {

// Picks the fastest implementations that the CPU has. Idempotent. Errors: crypto_unavailable.
Status initialise();

}  // namespace rz::crypto
