// What an edit costs inside a device, without disk and network: until it is *visible*, and a hundred of them until they
// are closed, signed and handed to the disk as one event.
//
// Usage: pod_bench [--edits N]
#include "pod/pod.h"

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/random.h"
#include "crypto/initialise.h"
#include "figure.h"
#include "store/memory_store.h"

namespace {

using namespace rz;
using Clock = bench::CpuClock;

double us_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::micro>(Clock::now() - begun).count();
}

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "pod_bench: %s\n", result.error().to_string().c_str());
  std::exit(1);
}
void must(Status status) {
  if (status) return;
  std::fprintf(stderr, "pod_bench: %s\n", status.error().to_string().c_str());
  std::exit(1);
}

// One device of a pod of its own; the disk is memory.
class Device {
 public:
  Device() {
    auto keys = identity::DeviceKeys::random(entropy_);
    const auto paper = identity::PaperKey::random(entropy_);
    pod::Options options;
    options.name = "bench";
    must(store_.commit(must(pod::Pod::found(keys, paper, options, entropy_, now_.wall))));
    pod_.emplace(must(pod::Pod::open(std::move(options), std::move(keys), store_, {}, entropy_, now_)));
    settle();
  }

  pod::Pod& pod() { return *pod_; }
  pod::Now now() const { return now_; }

  // Takes what the pod wants written, at once, until it wants nothing; a while goes by.
  void settle() {
    now_.tick.us += 1000;
    now_.wall.ms += 1;
    pod_->tick(now_);
    for (;;) {
      pod::Output output = pod_->take_output(now_);
      if (!output.persist) return;
      must(store_.commit(output.persist->batch));
      pod_->persisted(now_, output.persist->ticket);
    }
  }

 private:
  crypto::SeededEntropy entropy_{1};
  store::MemoryStore store_;
  pod::Now now_{Tick{1'000'000}, UnixMs{1'700'000'000'000}};
  std::optional<pod::Pod> pod_;
};

void measure(const bench::Printer& printer, std::size_t edits) {
  Device device;
  const auto document = must(device.pod().create_document(device.now(), "bench", std::string(100'000, 'x')));
  device.settle();
  Random random(1);
  std::vector<double> visible;
  std::vector<double> closed;
  std::uint64_t length = 100'000;
  for (std::size_t batch = 0; batch < edits / 100; ++batch) {
    const std::uint64_t at = random.below(length);
    double took = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
      const std::vector<pod::TextEdit> edit = {{at + i, 0, "y"}};
      const auto before = Clock::now();
      must(device.pod().edit_text(device.now(), document, edit));
      visible.push_back(us_since(before));
      took += visible.back();
    }
    const auto closing = Clock::now();
    device.pod().flush(device.now());
    closed.push_back(took + us_since(closing));
    length += 100;
    device.settle();
  }
  printer.print({"one-character edit to visible in a device p50", bench::quantile(visible, 0.5), "us"});
  printer.print({"one-character edit to visible in a device p99", bench::quantile(visible, 0.99), "us"});
  printer.print({"100 edits, closed and sealed p50", bench::quantile(closed, 0.5), "us"});
  printer.print({"100 edits, closed and sealed p99", bench::quantile(closed, 0.99), "us"});
}

}  // namespace

int main(int argc, char** argv) {
  must(crypto::initialise());
  std::size_t edits = 100'000;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--edits") == 0) edits = std::strtoull(argv[i + 1], nullptr, 10);
  }
  measure(bench::Printer(argc, argv), edits);
  return 0;
}
