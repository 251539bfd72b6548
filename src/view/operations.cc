#include "view/operations.h"

#include "ipld/dag_cbor.h"
#include "log/order.h"
#include "log/run.h"

namespace rz::view {

using log::EventIndex;

namespace {

constexpr std::uint64_t operations_version = 1;
constexpr std::size_t run_events_max = 1024;

ipld::Cid put(std::deque<Block>& out, Bytes data) {
  out.push_back(make_block(std::move(data)));
  return out.back().cid;
}

Bytes encode_part(const std::vector<Bytes>& runs) {
  Bytes data;
  ipld::dag_cbor::Writer writer(data);
  writer.array(2);
  writer.unsigned_integer(operations_version);
  writer.array(runs.size());
  for (const Bytes& run : runs) writer.bytes(run);
  return data;
}

// Bodies of control events as they are; what somebody wrote into stream zero besides is of no use, and only named.
log::HeldBody body_of(const log::EventGraph& zero, EventIndex event) {
  const ByteView control = zero.control_bytes(event);
  if (control.empty()) return {};
  return {log::BodyForm::stored, to_bytes(control)};
}

// The events in their order, cut into runs of one chain.
std::vector<log::IndexRun> canonical_runs(const log::EventGraph& zero) {
  std::vector<EventIndex> all;
  for (std::uint32_t i = 0; i < zero.size(); ++i) all.push_back(EventIndex{i});
  std::vector<log::IndexRun> runs;
  std::size_t bytes = 0;
  for (const EventIndex event : log::sorted_by_order(zero, all)) {
    const bool follows = !runs.empty() && zero.prev(event) == runs.back().events.back();
    if (!follows || runs.back().events.size() == run_events_max || bytes > part_bytes_max) {
      runs.push_back({zero.feed(event), zero.seq(event), {}});
      bytes = 0;
    }
    runs.back().events.push_back(event);
    bytes += zero.body_size(event) + 64;
  }
  return runs;
}

Result<RemovalHeads> read_removal(ipld::dag_cbor::Reader& reader, Hash256& root) {
  RemovalHeads removal;
  RZ_CHECK(reader.expect_array(3));
  RZ_CHECK(reader.expect_fixed(root));
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > log::list_items_max) return fail_at(ErrorCode::limit_exceeded, reader.offset(), words(count, " heads"));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    RZ_TRY(const ipld::Cid link, reader.expect_link());
    const auto digest = link.codec() == ipld::Codec::dag_cbor ? link.sha256_digest() : std::nullopt;
    if (!digest) return fail_at(ErrorCode::link_not_event, at, "a head that is no event");
    removal.heads.push_back(log::EventId{digest->bytes});
  }
  RZ_TRY(const ipld::Kind kind, reader.peek());
  if (kind == ipld::Kind::null) {
    RZ_CHECK(reader.expect_null());
    if (!removal.heads.empty()) return fail(ErrorCode::view_bad_block, "heads without a branch that proves them");
    return removal;
  }
  RZ_TRY(const ByteView branch, reader.expect_bytes());
  RZ_TRY(removal.branch, log::decode_branch(branch));
  return removal;
}

// Adds a run's events to a graph that has what they name.
Status take_run(log::EventGraph& zero, ByteView bytes) {
  RZ_TRY(const log::DecodedRun run, log::decode_run(bytes, zero.stream(), [](const log::EpochId&) { return nullptr; }));
  if (run.seal) return fail(ErrorCode::view_bad_block, "a seal among the operations");
  for (const log::DecodedEvent& event : run.events) {
    if (zero.contains(event.id)) return fail(ErrorCode::view_bad_block, "an event twice");
    const bool has_body = event.form != log::BodyForm::absent;
    RZ_CHECK(
        zero.append_with_id(event.id, event.header, has_body ? std::optional<ByteView>(event.stored) : std::nullopt));
  }
  return {};
}

}  // namespace

Result<RemovalProofs> prove_removals(const identity::IdentityState& state, const identity::RemovalCuts& cuts) {
  RemovalProofs proofs;
  for (const identity::Device& device : state.devices) {
    if (!device.removed) continue;
    const Hash256& root = device.removed->cut;
    const log::HeadList* list = cuts.find(root);
    if (list == nullptr) return fail(ErrorCode::not_found, "the heads that a removal names are not here");
    RemovalHeads& proof = proofs[root];
    for (const log::StreamHeads& heads : *list) {
      if (heads.stream != state.did) continue;
      proof.heads = heads.heads;
      RZ_TRY(proof.branch, log::make_branch(*list, state.did));
    }
  }
  return proofs;
}

Result<ipld::Cid> put_operations(const log::EventGraph& zero, ByteView genesis, const RemovalProofs& removals,
                                 std::deque<Block>& out) {
  std::vector<ipld::Cid> parts;
  std::vector<Bytes> runs;
  std::size_t bytes = 0;
  const auto end_part = [&] {
    if (!runs.empty()) parts.push_back(put(out, encode_part(std::exchange(runs, {}))));
    bytes = 0;
  };
  for (const log::IndexRun& run : canonical_runs(zero)) {
    log::FeedRun made = log::make_run(zero, run, [&zero](EventIndex event) { return body_of(zero, event); });
    made.seal.reset();
    RZ_TRY(Bytes encoded, log::encode_run(made));
    if (bytes + encoded.size() > part_bytes_max) end_part();
    bytes += encoded.size();
    runs.push_back(std::move(encoded));
  }
  end_part();
  if (parts.size() > parts_max)
    return fail(ErrorCode::limit_exceeded, "more identity operations than a snapshot holds");
  Bytes data;
  ipld::dag_cbor::Writer writer(data);
  writer.array(4);
  writer.unsigned_integer(operations_version);
  writer.bytes(genesis);
  writer.array(removals.size());
  for (const auto& [root, removal] : removals) {
    writer.array(3);
    writer.bytes(root.view());
    writer.array(removal.heads.size());
    for (const log::EventId& head : removal.heads) writer.link(ipld::Cid::dag_cbor_sha256(Hash256{head.bytes}));
    if (removal.branch) {
      writer.bytes(log::encode_branch(*removal.branch));
    } else {
      writer.null();
    }
  }
  writer.array(parts.size());
  for (const ipld::Cid& part : parts) writer.link(part);
  if (removals.size() > removals_max || data.size() > block_bytes_max) {
    return fail(ErrorCode::limit_exceeded, "more removals than a snapshot holds");
  }
  return put(out, std::move(data));
}

Result<Operations> read_operations(const ipld::Cid& cid, const BlockSource& source) {
  const auto get = [&source](const ipld::Cid& from) -> Result<Bytes> {
    RZ_TRY(Bytes block, source.get(from));
    if (block.size() > block_bytes_max)
      return fail(ErrorCode::limit_exceeded, words(block.size(), " bytes in a block"));
    RZ_CHECK(ipld::verify_block(from, block));
    return block;
  };
  RZ_TRY(const Bytes block, get(cid));
  ipld::dag_cbor::Reader reader(block);
  RZ_CHECK(reader.expect_array(4));
  RZ_TRY(const std::uint64_t version, reader.expect_uint());
  if (version != operations_version) return fail_at(ErrorCode::view_bad_block, 1, words("version ", version));
  RZ_TRY(const ByteView genesis, reader.expect_bytes());
  RZ_CHECK(log::decode_identity_genesis(genesis));
  RZ_TRY(log::EventGraph zero, log::EventGraph::from_genesis(genesis));
  Operations operations{to_bytes(genesis), std::move(zero), {}};
  RZ_TRY(const std::uint64_t removals, reader.expect_array());
  if (removals > removals_max) return fail_at(ErrorCode::limit_exceeded, reader.offset(), words(removals, " removals"));
  for (std::uint64_t i = 0; i < removals; ++i) {
    Hash256 root;
    RZ_TRY(RemovalHeads removal, read_removal(reader, root));
    if (removal.branch) {
      RZ_CHECK(log::verify_branch(root, {operations.zero.stream(), removal.heads}, *removal.branch));
    }
    if (!operations.removals.emplace(root, std::move(removal)).second) {
      return fail_at(ErrorCode::view_bad_block, reader.offset(), "a removal twice");
    }
  }
  RZ_TRY(const std::uint64_t parts, reader.expect_array());
  if (parts > parts_max) return fail_at(ErrorCode::limit_exceeded, reader.offset(), words(parts, " parts"));
  for (std::uint64_t i = 0; i < parts; ++i) {
    RZ_TRY(const ipld::Cid link, reader.expect_link());
    RZ_TRY(const Bytes part, get(link));
    ipld::dag_cbor::Reader runs(part);
    RZ_CHECK(runs.expect_array(2));
    RZ_TRY(const std::uint64_t part_version, runs.expect_uint());
    if (part_version != operations_version) return fail_at(ErrorCode::view_bad_block, 1, words("version ", version));
    RZ_TRY(const std::uint64_t count, runs.expect_array());
    for (std::uint64_t run = 0; run < count; ++run) {
      RZ_TRY(const ByteView bytes, runs.expect_bytes());
      RZ_CHECK(take_run(operations.zero, bytes));
    }
    RZ_CHECK(runs.finish());
  }
  RZ_CHECK(reader.finish());
  // One form for one set of events: made anew it has the same name.
  std::deque<Block> again;
  RZ_TRY(const ipld::Cid same, put_operations(operations.zero, genesis, operations.removals, again));
  if (same != cid) return fail(ErrorCode::view_bad_block, "identity operations in another form than the one they have");
  return operations;
}

ProvenCuts::ProvenCuts(const Operations& operations) {
  for (const auto& [root, removal] : operations.removals) {
    log::HeadList& list = lists_[root];
    if (!removal.heads.empty()) list.push_back({operations.zero.stream(), removal.heads});
  }
}

const log::HeadList* ProvenCuts::find(const Hash256& cut) const {
  const auto found = lists_.find(cut);
  return found == lists_.end() ? nullptr : &found->second;
}

identity::IdentityState fold_operations(const Operations& operations) {
  return identity::fold_identity(operations.zero, ProvenCuts(operations), {}).state;
}

}  // namespace rz::view
