// An entry inside another block (a certificate, a proof). Not for other rooms.
#pragma once

#include "log/codec.h"
#include "log/entry.h"

namespace rz::log::codec {

void put_entry(Bytes& out, const EntryHeader& entry);
Status read_entry(Reader& reader, EntryHeader& entry);

}  // namespace rz::log::codec
