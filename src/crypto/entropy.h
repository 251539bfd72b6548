// Where secret random bytes come from: handed in by the host (host/entropy.h), because the core asks nothing of the
// world. Whoever holds an `Entropy` may draw secrets; nothing else in the core makes one.
#pragma once

#include "base/bytes.h"
#include "base/random.h"

namespace rz::crypto {

struct Entropy {
  virtual ~Entropy() = default;
  // Fills `out` with bytes nobody can predict. Never fails: a host that can't deliver ends the process.
  virtual void fill(MutableByteView out) = 0;
};

// INSECURE: for tests and the simulator only. Anyone who knows the seed knows every secret drawn from it.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_(seed) {}

  void fill(MutableByteView out) override {
    for (std::size_t i = 0; i < out.size();) {
      std::uint64_t word = random_.next();
      for (int byte = 0; byte < 8 && i < out.size(); ++byte, word >>= 8) out[i++] = static_cast<std::uint8_t>(word);
    }
  }

 private:
  Random random_;
};

}  // namespace rz::crypto
