// Hashes, signatures and sealed bodies at the sizes that events have. Rivals: the same work by the library's usual
// interface. Usage: crypto_bench [--runs N]. The best of several runs of each, interleaved: neighbours on a shared
// machine only ever slow one down.
#include <openssl/evp.h>
#include <sodium.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "crypto/initialise.h"
#include "crypto/sha256.h"
#include "crypto/sign.h"
#include "crypto/siv.h"
#include "figure.h"

namespace {

using namespace rz;
using bench::Better;

volatile std::uint8_t sink;  // So that no work is thought away.
int runs = 15;

double ns_once(const std::function<void()>& work, int times) {
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) work();
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
  return took.count() / times;
}

struct Pair {
  double ours;
  double rivals;
};

Pair best_ns(int times, const std::function<void()>& ours, const std::function<void()>& rivals) {
  Pair best{1e18, 1e18};
  for (int run = 0; run < runs; ++run) {
    best.ours = std::min(best.ours, ns_once(ours, times));
    best.rivals = std::min(best.rivals, ns_once(rivals, times));
  }
  return best;
}

void hashes(const bench::Printer& out) {
  for (const std::size_t size : {std::size_t{200}, std::size_t{65536}}) {
    const Bytes message(size, 7);
    const auto best = best_ns(
        size < 1000 ? 20000 : 100, [&] { sink = crypto::sha256(message).bytes[0]; },
        [&] {
          unsigned char hash[32];
          EVP_Digest(message.data(), message.size(), hash, nullptr, EVP_sha256(), nullptr);
          sink = hash[0];
        });
    out.print(
        {"SHA-256 of " + std::to_string(size) + " bytes", best.ours, "ns", "openssl-evp", best.rivals, Better::less});
  }
}

void signatures(const bench::Printer& out) {
  crypto::SeededEntropy entropy(1);
  const auto seed = crypto::Secret32::random(entropy);
  const auto key = crypto::SigningKey::from_seed(seed);
  const Bytes message(36, 7);  // A seal is over a CID.
  const auto signature = key.sign("bench", message);
  EVP_PKEY* evp = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.expose().data(), 32);
  unsigned char evp_signature[64];
  const auto sign_evp = [&] {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    std::size_t size = sizeof evp_signature;
    EVP_DigestSignInit(context, nullptr, nullptr, nullptr, evp);
    EVP_DigestSign(context, evp_signature, &size, message.data(), message.size());
    EVP_MD_CTX_free(context);
    sink = evp_signature[0];
  };
  const auto verify_evp = [&] {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, evp);
    sink = static_cast<std::uint8_t>(
        EVP_DigestVerify(context, evp_signature, sizeof evp_signature, message.data(), message.size()));
    EVP_MD_CTX_free(context);
  };
  const auto sign = best_ns(200, [&] { sink = key.sign("bench", message).bytes[0]; }, sign_evp);
  const auto verify =
      best_ns(200, [&] { sink = crypto::verify(key.public_key(), "bench", message, signature) ? 1 : 0; }, verify_evp);
  EVP_PKEY_free(evp);
  out.print({"Ed25519 sign", sign.ours / 1000, "us", "openssl-evp", sign.rivals / 1000, Better::less});
  out.print({"Ed25519 verify", verify.ours / 1000, "us", "openssl-evp", verify.rivals / 1000, Better::less});
}

void bodies(const bench::Printer& out) {
  crypto::SeededEntropy entropy(1);
  const auto secret = crypto::Secret32::random(entropy);
  const crypto::SivKey key(secret);
  const Bytes header(150, 1);
  const unsigned char nonce[24] = {};
  for (const std::size_t size : {std::size_t{100}, std::size_t{65536}}) {
    const Bytes body(size, 2);
    Bytes aead(size + 16);
    const Bytes sealed = key.seal(header, body);
    const int times = size < 1000 ? 10000 : 100;
    const auto seal = best_ns(
        times, [&] { sink = key.seal(header, body)[0]; },
        [&] {
          crypto_aead_xchacha20poly1305_ietf_encrypt(aead.data(), nullptr, body.data(), body.size(), header.data(),
                                                     header.size(), nullptr, nonce, secret.expose().data());
          sink = aead[0];
        });
    Bytes opened(size);
    const auto open = best_ns(
        times, [&] { sink = key.open(header, sealed)->front(); },
        [&] {
          const int refused =
              crypto_aead_xchacha20poly1305_ietf_decrypt(opened.data(), nullptr, nullptr, aead.data(), aead.size(),
                                                         header.data(), header.size(), nonce, secret.expose().data());
          sink = static_cast<std::uint8_t>(opened[0] + refused);
        });
    const std::string bytes = std::to_string(size) + " bytes";
    out.print({"seal a body of " + bytes, seal.ours, "ns", "libsodium-aead", seal.rivals, Better::less});
    out.print({"open a body of " + bytes, open.ours, "ns", "libsodium-aead", open.rivals, Better::less});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (!crypto::initialise()) return 1;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--runs") == 0) runs = std::atoi(argv[i + 1]);
  }
  const bench::Printer out(argc, argv);
  hashes(out);
  signatures(out);
  bodies(out);
  return 0;
}
