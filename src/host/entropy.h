// The system's randomness: what secrets are drawn from.
#pragma once

#include "crypto/entropy.h"

namespace rz::host {

// The operating system's generator. May be used from any thread. Ends the process if the system has none to give.
class SystemEntropy final : public crypto::Entropy {
 public:
  void fill(MutableByteView out) override;
};

}  // namespace rz::host
