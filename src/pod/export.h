// A whole pod as a file (docs/formats/export.md): all streams with their ciphertext, the head trees of removals, the
// last cut and, unless it is sealed, the keys to read it. What comes out of it is a read-only copy.
//
//   manifest = [1, did: Bytes(32), sealed: Bool, streams: Int, events: Int, [part: Link, ...]]     the CAR's root, last
//   part     = [1, number: Int, [record, ...]]
//   record   = [0, keeping: Int, genesis: Bytes]                      a stream begins: stream zero, the catalogue,
//   others
//            | [1, run: Bytes, null | [head: Link, Bytes(64)]]        events of the stream that began last, and a seal
//            | [2, head list: Bytes]                                  a head tree that a removal names
//            | [3, epoch: Bytes(32), key: Bytes(32)]
//            | [4, state: Bytes]                                      after the last cut: [index, hash, time, head
//            list]
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "crypto/secret.h"
#include "log/control.h"
#include "log/seal.h"
#include "view/block.h"

namespace rz::pod {

inline constexpr std::size_t export_part_bytes_max = std::size_t{5} << 20;  // A run of 4 MiB and what is around it.
inline constexpr std::size_t export_parts_max = 65536;
inline constexpr std::size_t export_manifest_bytes_max = std::size_t{4} << 20;

struct ExportStream {
  log::Keeping keeping = log::Keeping::kept;
  Bytes genesis;
};
struct ExportRun {
  Bytes run;
  std::optional<log::Seal> seal;
};
struct ExportTree {
  Bytes heads;
};
struct ExportKey {
  log::EpochId epoch;
  crypto::Secret32 key;
};
struct ExportCut {
  Bytes state;
};
using ExportRecord = std::variant<ExportStream, ExportRun, ExportTree, ExportKey, ExportCut>;

// Strict; what a record holds is not looked into. `number`: of this part, from 0. Errors: export_malformed,
// limit_exceeded, those of the DAG-CBOR reader, with the offset.
Result<std::vector<ExportRecord>> decode_export_part(ByteView block, std::uint64_t number);
Bytes encode_export_part(const std::vector<ExportRecord>& records, std::uint64_t number);

struct ExportManifest {
  log::Did did;
  bool sealed = false;
  std::uint64_t streams = 0;
  std::uint64_t events = 0;
  std::vector<ipld::Cid> parts;
  friend bool operator==(const ExportManifest&, const ExportManifest&) = default;
};
Bytes encode_export_manifest(const ExportManifest& manifest);
// Strict. Errors: as above.
Result<ExportManifest> decode_export_manifest(ByteView block);

struct ExportSummary {
  ipld::Cid root;  // Empty until all blocks were handed out.
  ExportManifest manifest;
  std::uint64_t keys = 0;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
};

// Pulled block by block, as a SnapshotMaker; what the pod learns meanwhile is not in it.
class ExportMaker {
 public:
  virtual ~ExportMaker() = default;
  virtual Result<std::optional<view::Block>> next() = 0;
  virtual const ExportSummary& summary() const = 0;
};

}  // namespace rz::pod
