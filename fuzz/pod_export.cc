// An export from a stranger: decoded, encoded again, and taken in by an empty pod, which must refuse or stay whole.
#include "base/assert.h"
#include "crypto/initialise.h"
#include "pod/pod.h"
#include "store/memory_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::pod;
  static const bool is_ready = crypto::initialise().has_value();
  RZ_ASSERT(is_ready);
  const ByteView input(data, size);
  if (const auto manifest = decode_export_manifest(input)) {
    RZ_ASSERT(equal(encode_export_manifest(*manifest), input));
  }
  const auto records = decode_export_part(input, 0);
  if (!records) return 0;
  RZ_ASSERT(equal(encode_export_part(*records, 0), input));

  const auto* first = std::get_if<ExportStream>(&records->front());
  if (first == nullptr) return 0;
  crypto::SeededEntropy entropy(1);
  store::MemoryStore store;
  const auto batch = Pod::copied(first->genesis, {}, entropy);
  if (!batch) return 0;
  RZ_ASSERT(store.commit(*batch).has_value());
  const Now now{Tick{1'000'000}, UnixMs{1'700'000'000'000}};
  auto opened = Pod::open({}, identity::DeviceKeys::random(entropy), store, {}, entropy, now);
  RZ_ASSERT(opened.has_value());
  for (const ExportRecord& record : *records) {
    if (!opened->import_record(now, record)) break;
  }
  const Output out = opened->take_output(now);
  RZ_ASSERT(out.send.empty());
  if (out.persist) RZ_ASSERT(store.commit(out.persist->batch).has_value());
  // What was taken in opens again.
  RZ_ASSERT(Pod::open({}, identity::DeviceKeys::random(entropy), store, {}, entropy, now).has_value());
  return 0;
}
