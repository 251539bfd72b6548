// CAR: blocks in a file, one after another (ipld.io/specs/transport/car).
//
//   CARv1   varint length | DAG-CBOR {roots, version: 1},  then  varint length | CID | block  until the end
//   CARv2   the pragma (11 bytes), a header of 40 bytes {characteristics, data offset, data size, index offset},
//   padding,
//           a CARv1 of `data size` bytes, padding, an index (not needed here, and not read)
//
// Reader and Writer are sans-IO: the host feeds what it has read and writes what it is handed. Memory is bounded by the
// limits, whatever the input says.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "ipld/cid.h"

namespace rz::ipld::car {

struct Limits {
  std::size_t header_bytes_max = std::size_t{1} << 20;
  std::size_t section_bytes_max = std::size_t{8} << 20;  // A CID and its block.
};

enum class Verify : std::uint8_t {
  hashes,  // Every block against its CID; a hash function not computed here is an error (unsupported).
  known,   // The same, but what can't be computed here passes.
  nothing,
};

struct Header {
  int version = 1;  // 1 or 2: of the file. The roots of a CARv2 are those of the CARv1 inside.
  std::vector<Cid> roots;
  // Only of a CARv2.
  bool fully_indexed = false;
  std::uint64_t data_offset = 0;
  std::uint64_t data_bytes = 0;
  std::uint64_t index_offset = 0;  // 0: no index.
};

// A block; `data` is valid until the next call on the Reader.
struct Block {
  Cid cid;
  ByteView data;
  std::uint64_t offset = 0;  // Of the section (its length) in the file.
};

// Feed, then call next() until it says need_more, and so on; close() when the input has ended.
class Reader {
 public:
  explicit Reader(Verify verify = Verify::hashes, Limits limits = {}) : verify_(verify), limits_(limits) {}

  enum class Step : std::uint8_t { need_more, header, block, end };

  // More input. Copied. Invalidates the last block.
  void feed(ByteView bytes);
  // No more input will come.
  void close() { closed_ = true; }

  // What comes next. `header` and `block` are then readable; `end` repeats. An error is final and repeats. Errors, with
  // the offset in the file: truncated (closed inside a section), car_bad_header, car_version, car_bad_bounds,
  // car_section_empty, too_large, bad_varint, hash_mismatch, unsupported, and those of a CID.
  Result<Step> next();

  const Header& header() const { return header_; }
  const Block& block() const { return block_; }
  std::uint64_t block_count() const { return block_count_; }

 private:
  enum class Where : std::uint8_t { start, v2_header, v2_skip, v1_header, sections, done };

  Result<Step> step();
  Result<Step> start();
  Result<Step> read_v2_header();
  Result<Step> skip_to_data();
  Result<Step> read_v1_header();
  Result<Step> read_section();
  // A length and that many bytes; none where more input is needed.
  Result<std::optional<ByteView>> section(std::size_t bytes_max, std::size_t& prefix_bytes);
  ByteView unread() const;
  bool more_may_come() const;
  void consume(std::size_t bytes);

  Verify verify_;
  Limits limits_;
  Where where_ = Where::start;
  bool closed_ = false;
  Bytes buffer_;
  std::size_t read_ = 0;      // Into buffer_: what was consumed.
  std::uint64_t offset_ = 0;  // In the file: of buffer_[read_].
  std::uint64_t data_end_ = ~std::uint64_t{0};
  std::uint64_t block_count_ = 0;
  Header header_;
  Block block_;
  std::optional<Error> error_;
};

// Where a Writer's bytes go.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual Status write(ByteView bytes) = 0;
};

class BytesSink final : public Sink {
 public:
  explicit BytesSink(Bytes& out) : out_(out) {}
  Status write(ByteView bytes) override {
    append(out_, bytes);
    return {};
  }

 private:
  Bytes& out_;
};

// CARv1.
class Writer {
 public:
  explicit Writer(Sink& sink) : sink_(sink) {}

  // First, and once.
  Status begin(const std::vector<Cid>& roots);
  // The block is not hashed: its maker has just done that. Errors: too_large, the sink's.
  Status put(const Cid& cid, ByteView block);

 private:
  Sink& sink_;
  bool begun_ = false;
};

struct Entry {
  Cid cid;
  Bytes data;
};
struct File {
  Header header;
  std::vector<Entry> blocks;
};
// The whole of a file in memory.
Result<File> read_all(ByteView bytes, Verify verify = Verify::hashes, Limits limits = {});

}  // namespace rz::ipld::car
