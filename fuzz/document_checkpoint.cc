// A saved document that somebody tampered with: refused, or opened to something that can be read and edited. The
// checksum is made right first, or nothing behind it would ever be reached.
#include "base/assert.h"
#include "document/checkpoint_io.h"
#include "document/document.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rz;
  using namespace rz::document;
  CheckpointWriter writer{Bytes(data, data + size)};
  writer.seal();
  auto opened = Document::load(writer.bytes);
  if (!opened) return 0;
  (void)to_json(opened->value());
  AuthorId author;
  author.bytes[0] = 99;
  opened->set_author(author, 7);
  RZ_ASSERT(opened->text_insert(body(), 0, "x").has_value() || opened->needs_upgrade());
  for (const EventId& head : opened->version()) {
    RZ_ASSERT(opened->set_effect(head, false).has_value());
    RZ_ASSERT(opened->set_effect(head, true).has_value());
  }
  (void)to_json(opened->value());
  return 0;
}
