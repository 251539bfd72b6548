// Records of the own store that somebody tampered with: blocks of runs, heads of checkpoints, summaries. What decodes,
// encodes to the same bytes.
#include "base/assert.h"
#include "crypto/initialise.h"
#include "pod/document_records.h"
#include "pod/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::pod;
  static const bool is_ready = crypto::initialise().has_value();
  RZ_ASSERT(is_ready);
  const ByteView input(data, size);
  if (const auto split = split_record(input)) {
    std::vector<Bytes> runs;
    for (const ByteView run : *split) runs.push_back(to_bytes(run));
    RZ_ASSERT(equal(pod::encode_record(runs), input));
  }
  (void)pod::decode_record(input, log::StreamId{});
  if (const auto head = decode_checkpoint_head(input)) RZ_ASSERT(equal(encode_checkpoint_head(*head), input));
  if (const auto summary = decode_summary(input)) RZ_ASSERT(equal(encode_summary(*summary), input));
  return 0;
}
