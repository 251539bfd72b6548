// DAG-JSON: what is canonical encodes to these very bytes; what a person may write means a value that comes back.
#include "base/assert.h"
#include "ipld/dag_cbor.h"
#include "ipld/dag_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::ipld;
  const ByteView input(data, size);
  const auto canonical = dag_json::decode(input);
  const auto tolerant = dag_json::decode(input, dag_json::Form::tolerant);
  if (canonical) {
    RZ_ASSERT(tolerant.has_value());
    RZ_ASSERT(*tolerant == *canonical);
    RZ_ASSERT(equal(*dag_json::encode(*canonical), input));
  }
  if (!tolerant) {
    RZ_ASSERT(tolerant.error().offset <= size);
    return 0;
  }
  const auto text = dag_json::encode(*tolerant);
  RZ_ASSERT(text.has_value());
  RZ_ASSERT(*dag_json::decode(*text) == *tolerant);
  const auto cbor = dag_cbor::encode(*tolerant);
  RZ_ASSERT(cbor.has_value());
  RZ_ASSERT(*dag_cbor::decode(*cbor) == *tolerant);
  return 0;
}
