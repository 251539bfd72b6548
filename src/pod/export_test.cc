// An export: the same pod, read-only, somewhere else; and what is refused.
#include "pod/export.h"

#include <gtest/gtest.h>

#include "sim/network.h"
#include "store/memory_store.h"

namespace rz::pod {
namespace {

using sim::Network;

struct File {
  std::vector<Bytes> parts;
  ExportManifest manifest;
  ExportSummary summary;
};

Result<File> export_of(const Pod& pod, bool sealed = false) {
  RZ_TRY(const auto maker, pod.export_pod(sealed));
  File file;
  for (;;) {
    RZ_TRY(auto block, maker->next());
    if (!block) break;
    file.parts.push_back(std::move(block->data));
  }
  file.summary = maker->summary();
  EXPECT_EQ(view::make_block(file.parts.back()).cid, file.summary.root);
  RZ_TRY(file.manifest, decode_export_manifest(file.parts.back()));
  EXPECT_EQ(encode_export_manifest(file.manifest), file.parts.back());
  file.parts.pop_back();
  return file;
}

// A machine that opens an export.
struct Copy {
  explicit Copy(std::uint64_t seed) : entropy(seed), keys(identity::DeviceKeys::random(entropy)) {}

  Status commit(Now now) {
    Output out = pod->take_output(now);
    EXPECT_TRUE(out.send.empty());
    if (!out.persist) return {};
    RZ_CHECK(store.commit(out.persist->batch));
    pod->persisted(now, out.persist->ticket);
    return {};
  }
  Status open(Now now) {
    RZ_TRY(Pod opened, Pod::open({}, identity::DeviceKeys(keys.secret().clone()), store,
                                 {store::Standing::fresh, std::nullopt}, entropy, now));
    pod.emplace(std::move(opened));
    return {};
  }
  Status take_in(const File& file, Now now) {
    RZ_TRY(const auto first, decode_export_part(file.parts.front(), 0));
    const auto* stream = std::get_if<ExportStream>(&first.front());
    if (stream == nullptr) return fail(ErrorCode::export_malformed, "no identity");
    RZ_TRY(const store::Batch batch, Pod::copied(stream->genesis, {}, entropy));
    RZ_CHECK(store.commit(batch));
    RZ_CHECK(open(now));
    for (std::uint64_t i = 0; i < file.parts.size(); ++i) {
      RZ_TRY(const auto records, decode_export_part(file.parts[i], i));
      for (const ExportRecord& record : records) RZ_CHECK(pod->import_record(now, record));
      RZ_CHECK(commit(now));
    }
    RZ_CHECK(pod->finish_import(now, file.manifest));
    return commit(now);
  }

  crypto::SeededEntropy entropy;
  identity::DeviceKeys keys;
  store::MemoryStore store;
  std::optional<Pod> pod;
};

class Export : public ::testing::Test {
 protected:
  Export() : net_(301) {
    net_.found();
    net_.add(0, "phone");
    net_.add(0, "tablet");
    RZ_ASSERT(net_.converge());
    notes_ = *net_.pod(0).create_document(net_.now(), "Notes", "one");
    big_ = *net_.pod(1).create_document(net_.now(), "Big", std::string(900'000, 'x'));
    for (std::size_t i = 0; i < 3; ++i) net_.pump(i);
    RZ_ASSERT(net_.converge());
    // A history that branches, and a removal with its head tree and its new key.
    net_.cut(0, 1);
    RZ_ASSERT(net_.pod(0).edit_text(net_.now(), notes_, {{3, 0, " two"}}).has_value());
    RZ_ASSERT(net_.pod(1).edit_text(net_.now(), notes_, {{0, 0, "zero "}}).has_value());
    for (std::size_t i = 0; i < 2; ++i) net_.pump(i);
    net_.run(seconds(1));
    net_.heal_all();
    RZ_ASSERT(net_.converge());
    RZ_ASSERT(net_.pod(0).remove_device(net_.now(), net_.key(2), &net_.paper()).has_value());
    net_.pump(0);
    RZ_ASSERT(net_.run_until([&] { return net_.device(2).stopped; }));
    RZ_ASSERT(net_.pod(0).edit_text(net_.now(), notes_, {{0, 0, "after, "}}).has_value());
    net_.pump(0);
    RZ_ASSERT(net_.run_until([&] { return net_.pod(0).state_of(notes_) == WriteState::committed; }));
  }

  Network net_;
  log::StreamId notes_;
  log::StreamId big_;
};

TEST_F(Export, OpensAsTheSamePodThatCantWrite) {
  const auto file = export_of(net_.pod(0));
  ASSERT_TRUE(file.has_value()) << file.error().to_string();
  EXPECT_GE(file->parts.size(), 2u);
  EXPECT_FALSE(file->manifest.sealed);
  Copy copy(7);
  const Status taken = copy.take_in(*file, net_.now());
  ASSERT_TRUE(taken.has_value()) << taken.error().to_string();
  const auto check = [&] {
    EXPECT_EQ(copy.pod->frontier(), net_.pod(0).frontier());
    for (const log::StreamId& id : {notes_, big_}) EXPECT_EQ(*copy.pod->text(id), *net_.pod(0).text(id));
    EXPECT_EQ(copy.pod->state_of(notes_), WriteState::committed);
    const PodStatus status = copy.pod->status(net_.now());
    EXPECT_TRUE(status.read_only);
    EXPECT_EQ(status.did, net_.pod(0).status(net_.now()).did);
    EXPECT_EQ(status.devices, 2u);
    EXPECT_TRUE(copy.pod->places().empty());
    EXPECT_FALSE(copy.pod->is_device(net_.key(0)));
    EXPECT_TRUE(copy.pod->alarms().empty());
  };
  check();
  // After a restart too, and nothing is written by itself.
  ASSERT_TRUE(copy.open(net_.now()).has_value());
  ASSERT_TRUE(copy.commit(net_.now()).has_value());
  check();
  copy.pod->tick({net_.now().tick + seconds(600), net_.now().wall});
  EXPECT_EQ(copy.pod->frontier(), net_.pod(0).frontier());
  // Every write is refused.
  EXPECT_EQ(copy.pod->create_document(net_.now(), "Mine", "").error().code, ErrorCode::pod_read_only);
  EXPECT_EQ(copy.pod->rename_document(net_.now(), notes_, "Mine").error().code, ErrorCode::pod_read_only);
  EXPECT_EQ(copy.pod->edit_text(net_.now(), notes_, {{0, 0, "x"}}).error().code, ErrorCode::pod_read_only);
  EXPECT_EQ(copy.pod->suspend_device(net_.now(), net_.key(1)).error().code, ErrorCode::pod_read_only);
  EXPECT_EQ(copy.pod->rename_device(net_.now(), net_.key(1), "x").error().code, ErrorCode::pod_read_only);
  EXPECT_EQ(copy.pod->remove_device(net_.now(), net_.key(1), &net_.paper()).error().code, ErrorCode::pod_read_only);
  EXPECT_EQ(*copy.pod->text(notes_), *net_.pod(0).text(notes_));
  // A copy of the copy, and the same snapshot.
  const auto again = export_of(*copy.pod);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->manifest.events, file->manifest.events);
  Copy second(8);
  ASSERT_TRUE(second.take_in(*again, net_.now()).has_value());
  EXPECT_EQ(second.pod->frontier(), net_.pod(0).frontier());
}

TEST_F(Export, SealedCarriesNoKey) {
  const auto open = export_of(net_.pod(0), false);
  const auto sealed = export_of(net_.pod(0), true);
  ASSERT_TRUE(sealed.has_value());
  EXPECT_GT(open->summary.keys, 0u);
  EXPECT_EQ(sealed->summary.keys, 0u);
  for (std::uint64_t i = 0; i < sealed->parts.size(); ++i) {
    const auto records = decode_export_part(sealed->parts[i], i);
    ASSERT_TRUE(records.has_value());
    for (const ExportRecord& record : *records) {
      EXPECT_FALSE(std::holds_alternative<ExportKey>(record));
    }
    EXPECT_EQ(as_text(sealed->parts[i]).find("zero "), std::string_view::npos);
  }
  Copy copy(9);
  ASSERT_TRUE(copy.take_in(*sealed, net_.now()).has_value());
  EXPECT_FALSE(copy.pod->text(notes_).has_value());
  EXPECT_EQ(copy.pod->documents().size(), 2u);
  EXPECT_EQ(copy.pod->frontier(), net_.pod(0).frontier());
}

TEST_F(Export, DecodesToWhatEncodesTheSame) {
  const auto file = export_of(net_.pod(0));
  for (std::uint64_t i = 0; i < file->parts.size(); ++i) {
    const auto records = decode_export_part(file->parts[i], i);
    ASSERT_TRUE(records.has_value()) << records.error().to_string();
    EXPECT_EQ(encode_export_part(*records, i), file->parts[i]);
    EXPECT_EQ(decode_export_part(file->parts[i], i + 1).error().code, ErrorCode::export_malformed);
    Bytes longer = file->parts[i];
    longer.push_back(0);
    EXPECT_FALSE(decode_export_part(longer, i).has_value());
  }
}

// What fails is found out before the copy is called whole.
TEST_F(Export, MissingPartsAndForeignThingsAreRefused) {
  const auto file = *export_of(net_.pod(0));
  File cut{{file.parts.begin(), file.parts.end() - 1}, file.manifest, {}};
  if (!cut.parts.empty()) EXPECT_EQ(Copy(1).take_in(cut, net_.now()).error().code, ErrorCode::export_cut_short);
  // A key that the identity does not commit to; one of an epoch that it does not know.
  std::vector<ExportRecord> records = *decode_export_part(file.parts[0], 0);
  for (ExportRecord& record : records) {
    if (auto* key = std::get_if<ExportKey>(&record)) key->key = *crypto::Secret32::from(Bytes(32, 1));
  }
  File foreign = file;
  foreign.parts[0] = encode_export_part(records, 0);
  EXPECT_EQ(Copy(2).take_in(foreign, net_.now()).error().code, ErrorCode::epoch_mismatch);
  for (ExportRecord& record : records) {
    if (auto* key = std::get_if<ExportKey>(&record)) key->epoch = log::EpochId{{{1}}};
  }
  foreign.parts[0] = encode_export_part(records, 0);
  EXPECT_EQ(Copy(3).take_in(foreign, net_.now()).error().code, ErrorCode::export_malformed);
  // The manifest of another count.
  foreign = file;
  foreign.manifest.events += 1;
  EXPECT_EQ(Copy(4).take_in(foreign, net_.now()).error().code, ErrorCode::export_cut_short);
  foreign = file;
  foreign.manifest.did = log::Did{{{1}}};
  EXPECT_EQ(Copy(5).take_in(foreign, net_.now()).error().code, ErrorCode::export_malformed);
}

// A seal that was altered, a body, a header: nothing of it comes in as if it were the author's.
TEST_F(Export, AlteredRecordsNeverPassForWhole) {
  const auto file = *export_of(net_.pod(0));
  Random random(5);
  std::size_t refused = 0;
  for (int round = 0; round < 60; ++round) {
    File altered = file;
    Bytes& part = altered.parts[random.below(altered.parts.size())];
    part[random.below(part.size())] ^= static_cast<std::uint8_t>(1 + random.below(255));
    Copy copy(static_cast<std::uint64_t>(round) + 100);
    if (!copy.take_in(altered, net_.now())) {
      ++refused;
      continue;
    }
    // It took in something that is whole: then it is the same pod, but for what no event says (the order's time, say).
    EXPECT_EQ(copy.pod->frontier(), net_.pod(0).frontier());
    EXPECT_EQ(*copy.pod->text(notes_), *net_.pod(0).text(notes_));
  }
  EXPECT_GT(refused, 50u);
}

TEST_F(Export, ABlindPeerExportsSealedOnly) {
  const std::size_t cloud = net_.add(0, "cloud", log::DeviceKind::cloud);
  ASSERT_TRUE(net_.run_until([&] {
    return net_.pod(cloud).frontier() == net_.pod(0).frontier() && net_.pod(cloud).identity().missing_cuts.empty();
  }));
  EXPECT_EQ(export_of(net_.pod(cloud)).error().code, ErrorCode::snapshot_blind);
  const auto sealed = export_of(net_.pod(cloud), true);
  ASSERT_TRUE(sealed.has_value()) << sealed.error().to_string();
  Copy copy(11);
  const Status taken = copy.take_in(*sealed, net_.now());
  ASSERT_TRUE(taken.has_value()) << taken.error().to_string();
  EXPECT_EQ(copy.pod->frontier(), net_.pod(0).frontier());
}

}  // namespace
}  // namespace rz::pod
