// DAG-PB: what is strict encodes to these very bytes, and goes through the data model and back.
#include "base/assert.h"
#include "ipld/dag_pb.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::ipld;
  const ByteView input(data, size);
  const auto historical = dag_pb::decode(input, dag_pb::Form::historical);
  if (const auto node = dag_pb::decode(input)) {
    RZ_ASSERT(historical.has_value());
    RZ_ASSERT(*historical == *node);
    RZ_ASSERT(equal(*dag_pb::encode(*node), input));
    RZ_ASSERT(*dag_pb::from_value(dag_pb::to_value(*node)) == *node);
  }
  if (historical) {
    dag_pb::Node sorted = *historical;
    dag_pb::sort_links(sorted);
    RZ_ASSERT(dag_pb::decode(*dag_pb::encode(sorted)).has_value());
  }
  return 0;
}
