#include "capi/cbor.h"
#include "ipld/dag_cbor.h"

namespace rz::capi {
namespace {

using ipld::dag_cbor::Writer;

// Writes [name, path, arguments ...].
struct PatchWriter {
  Bytes& out;
  const document::Path& path;

  Writer begin(std::string_view name, std::uint64_t arguments) const {
    Writer writer(out);
    writer.array(arguments + 2);
    writer.text(name);
    writer.array(path.size());
    for (const document::PathStep& step : path) {
      if (const auto* key = std::get_if<std::string>(&step)) {
        writer.text(*key);
      } else {
        writer.unsigned_integer(std::get<std::uint64_t>(step));
      }
    }
    return writer;
  }

  void operator()(const document::TextSplice& splice) const {
    Writer writer = begin("text_splice", 3);
    writer.unsigned_integer(splice.position);
    writer.unsigned_integer(splice.deleted);
    writer.text(splice.inserted);
  }
  void operator()(const document::ListSplice& splice) const {
    Writer writer = begin("list_splice", 3);
    writer.unsigned_integer(splice.index);
    writer.unsigned_integer(splice.deleted);
    writer.encoded(encode_values(splice.inserted));
  }
  void operator()(const document::ListSet& set) const {
    Writer writer = begin("list_set", 2);
    writer.unsigned_integer(set.index);
    writer.encoded(to_dag_cbor(set.value));
  }
  void operator()(const document::MapSet& set) const {
    Writer writer = begin("map_set", 2);
    writer.text(set.key);
    writer.encoded(to_dag_cbor(set.value));
  }
  void operator()(const document::MapDelete& gone) const { begin("map_delete", 1).text(gone.key); }
  void operator()(document::CounterSet set) const { begin("counter_set", 1).integer(set.sum); }
};

}  // namespace

Bytes encode_patches(const document::Patches& patches) {
  Bytes out;
  Writer(out).array(patches.size());
  for (const document::Patch& patch : patches) std::visit(PatchWriter{out, patch.path}, patch.change);
  return out;
}

Bytes encode_values(std::span<const document::Value> values) {
  Bytes out;
  Writer writer(out);
  writer.array(values.size());
  for (const document::Value& value : values) writer.encoded(to_dag_cbor(value));
  return out;
}

}  // namespace rz::capi
