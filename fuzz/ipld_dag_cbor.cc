// DAG-CBOR by every way in: the tree, the borrowing tree, the check and the Reader's skip agree; what decodes encodes
// to these very bytes, also by way of DAG-JSON.
#include "base/assert.h"
#include "ipld/dag_cbor.h"
#include "ipld/dag_json.h"

namespace {

// Takes items as a reader of a known format might, guided by nothing but the input.
void pull(rz::ByteView input) {
  rz::ipld::dag_cbor::Reader reader(input);
  for (;;) {
    const auto kind = reader.peek();
    if (!kind) return;
    bool good = false;
    switch (*kind) {
      case rz::ipld::Kind::null:
        good = reader.expect_null().has_value();
        break;
      case rz::ipld::Kind::boolean:
        good = reader.expect_bool().has_value();
        break;
      case rz::ipld::Kind::integer:
        good = reader.expect_integer().has_value();
        break;
      case rz::ipld::Kind::floating:
        good = reader.expect_float().has_value();
        break;
      case rz::ipld::Kind::text:
        good = reader.expect_text().has_value();
        break;
      case rz::ipld::Kind::bytes:
        good = reader.expect_bytes().has_value();
        break;
      case rz::ipld::Kind::list:
        good = reader.expect_array().has_value();
        break;
      case rz::ipld::Kind::map:
        good = reader.expect_map().has_value();
        break;
      case rz::ipld::Kind::link:
        good = reader.expect_link().has_value();
        break;
    }
    if (!good) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::ipld;
  const ByteView input(data, size);
  const auto value = dag_cbor::decode(input);
  const auto document = dag_cbor::Document::decode_view(input);
  dag_cbor::Reader reader(input);
  const auto skipped = reader.skip_bytes();
  RZ_ASSERT(value.has_value() == document.has_value());
  RZ_ASSERT(value.has_value() == dag_cbor::check(input).has_value());
  RZ_ASSERT(value.has_value() == dag_cbor::links(input).has_value());
  RZ_ASSERT(value.has_value() == (skipped.has_value() && reader.finish().has_value()));
  pull(input);
  if (!value) {
    RZ_ASSERT(value.error().offset <= size);
    return 0;
  }
  RZ_ASSERT(document->root() == *value);
  RZ_ASSERT(equal(*dag_cbor::encode(*value), input));
  RZ_ASSERT(equal(*dag_cbor::encode(document->root()), input));
  if (const auto text = dag_json::encode(*value)) RZ_ASSERT(*dag_json::decode(*text) == *value);
  return 0;
}
