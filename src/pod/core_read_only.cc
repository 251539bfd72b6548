// A read-only copy: a pod that came out of an export (export.h). It is no device: it writes nothing, votes on nothing
// and dials nobody, until a join code or the paper key makes it one, which erases the singletons `read_only` and
// `copied_cut`. The keys that came with it (`read_keys`) go once they are wrapped for this device.
#include <algorithm>

#include "ipld/dag_cbor.h"
#include "pod/core.h"

namespace rz::pod {

namespace {

constexpr std::size_t keys_max = 65536;

std::unexpected<Error> malformed(std::string_view what) { return fail(ErrorCode::export_malformed, what); }

}  // namespace

Status Core::load_read_only() {
  RZ_TRY(const auto mark, store_.get(singleton_key("read_only")));
  read_only_ = mark.has_value();
  RZ_TRY(const auto keys, store_.get(singleton_key("read_keys")));
  if (keys) {
    ipld::dag_cbor::Reader reader(*keys);
    RZ_TRY(const std::uint64_t count, reader.expect_array());
    if (count > keys_max) return fail(ErrorCode::limit_exceeded, words(count, " keys"));
    for (std::uint64_t i = 0; i < count; ++i) {
      log::EpochId epoch;
      RZ_CHECK(reader.expect_array(2));
      RZ_CHECK(reader.expect_fixed(epoch));
      RZ_TRY(const ByteView bytes, reader.expect_bytes());
      RZ_TRY(crypto::Secret32 key, crypto::Secret32::from(bytes));
      read_keys_.insert_or_assign(epoch, std::move(key));
    }
    RZ_CHECK(reader.finish());
  }
  RZ_TRY(const auto cut, store_.get(singleton_key("copied_cut")));
  if (read_only_ && cut) {
    RZ_TRY(ClusterState::Committed state, decode_applied(*cut));
    cluster_.to_apply.push_back(std::move(state));
  }
  return {};
}

Status Core::check_writable() const {
  if (!read_only_) return {};
  return fail(ErrorCode::pod_read_only,
              "this is a copy of a pod that can only be read: `rhizome join CODE`, with a code from one of the pod's "
              "devices, or the paper key (`rhizome recover`) makes it a device that can write");
}

// After what is wrapped for this device was opened. Returns how many keys are new.
std::size_t Core::use_read_keys(const identity::EpochTable& table) {
  const std::size_t before = epochs_->size();
  const bool wrapped = std::all_of(read_keys_.begin(), read_keys_.end(),
                                   [this](const auto& each) { return epochs_->find(each.first) != nullptr; });
  if (!read_only_ && !read_keys_.empty() && wrapped) {
    read_keys_.clear();
    batch_.erase(singleton_key("read_keys"));
  }
  for (const auto& [epoch, key] : read_keys_) {
    const auto facts = table.find(epoch);
    if (facts != table.end()) (void)epochs_->add(epoch, key, facts->second.commitment);
  }
  return epochs_->size() - before;
}

void Core::keep_read_keys() {
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(read_keys_.size());
  for (const auto& [epoch, key] : read_keys_) {
    writer.array(2);
    writer.bytes(epoch.view());
    writer.bytes(key.expose());
  }
  batch_.put(singleton_key("read_keys"), value);
  crypto::wipe(value);
}

// --- Taking in an export ---------------------------------------------------------------------------------------------

Status Core::import_record(const ExportRecord& record) {
  if (!read_only_) return fail(ErrorCode::bad_argument, "only a copy takes in an export");
  if (const auto* stream = std::get_if<ExportStream>(&record)) return import_stream(*stream);
  if (const auto* key = std::get_if<ExportKey>(&record)) return import_key(*key);
  if (const auto* run = std::get_if<ExportRun>(&record)) {
    if (importing_ == nullptr) return malformed("events before the stream that they belong to");
    const std::uint32_t begin = importing_->graph().size();
    const auto taken = importing_->take_run(run->run, run->seal, batch_);
    if (!taken) return std::unexpected(taken.error());
    grew(*importing_, begin, nullptr);
    return {};
  }
  if (const auto* tree = std::get_if<ExportTree>(&record)) {
    RZ_TRY(log::HeadList heads, log::decode_head_list(tree->heads));
    take_cut(std::move(heads));
    return {};
  }
  const Bytes& state = std::get<ExportCut>(record).state;
  RZ_TRY(ClusterState::Committed cut, decode_applied(state));
  for (const log::StreamHeads& heads : cut.heads) {
    const StreamReplica* replica = stream(heads.stream);
    for (const log::EventId& head : heads.heads) {
      if (replica == nullptr || !replica->graph().contains(head)) return malformed("a cut of events that are not here");
    }
  }
  batch_.put(singleton_key("copied_cut"), state);
  cluster_.to_apply.push_back(std::move(cut));
  return {};
}

Status Core::import_stream(const ExportStream& begins) {
  const log::StreamId id = log::stream_id_of_block(begins.genesis);
  if (importing_ == nullptr && id != zero_->id()) return malformed("it does not begin with its own identity");
  importing_ = stream(id);
  if (importing_ != nullptr) return {};
  // Listed by an operation that no longer counts, say: still there.
  RZ_TRY(const log::Genesis genesis, log::decode_genesis(begins.genesis));
  if (genesis.owner != zero_->id() && begins.keeping == log::Keeping::kept) return malformed("a stream of another pod");
  RZ_TRY(importing_, add_stream(begins.genesis, begins.keeping));
  admit_devices(*importing_);
  return {};
}

// Only what stream zero commits to: nobody can slip in a key of their own.
Status Core::import_key(const ExportKey& given) {
  if (read_keys_.size() == keys_max) return fail(ErrorCode::limit_exceeded, "more keys than a pod has");
  const identity::EpochTable table = identity::epoch_table(zero_->graph(), zero_counts_);
  const auto facts = table.find(given.epoch);
  if (facts == table.end()) return malformed("a key of an epoch that the identity does not know");
  RZ_CHECK(epochs_->add(given.epoch, given.key, facts->second.commitment));
  read_keys_.insert_or_assign(given.epoch, given.key.clone());
  keep_read_keys();
  choose_epoch();
  for (auto& [id, summary] : summaries_) summary.is_current = false;
  for (StreamReplica* replica : by_number_) {
    if (replica != zero_) replica->keys_came();
  }
  return {};
}

Status Core::finish_import(const ExportManifest& manifest) {
  if (manifest.did != zero_->id()) return malformed("the identity is not the one that it names");
  std::uint64_t events = 0;
  for (const auto& [id, replica] : streams_) {
    events += replica->graph().size();
    if (replica->graph().pending_count() > 0) {
      return fail(ErrorCode::export_cut_short, "events are missing that others build on");
    }
  }
  if (events != manifest.events || streams_.size() != manifest.streams) {
    return fail(ErrorCode::export_cut_short,
                words("it has ", events, " events of ", streams_.size(), " streams, and should have ", manifest.events,
                      " of ", manifest.streams));
  }
  if (!identity_.missing_cuts.empty()) return fail(ErrorCode::export_cut_short, "what a removal names is missing");
  importing_ = nullptr;
  return {};
}

}  // namespace rz::pod
