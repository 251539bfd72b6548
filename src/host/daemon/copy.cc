#include "host/daemon/copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>

#include "crypto/initialise.h"
#include "host/daemon/clock.h"
#include "host/entropy.h"
#include "host/store/device_store.h"
#include "ipld/car.h"
#include "log/genesis.h"
#include "pod/pod.h"

namespace rz::host {

namespace {

constexpr std::size_t persist_records = 64;  // Records between two transactions.

struct Checked {
  pod::ExportManifest manifest;
  Bytes genesis;
};

// The file's blocks in their order, each checked against its name.
Status for_each_block(const std::string& path, const std::function<Status(const ipld::car::Header&)>& begins,
                      const std::function<Status(const ipld::car::Block&)>& visit) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::store_io,
                words("can't read ", path, ": ", std::strerror(errno)));
  }
  struct Closing {
    int descriptor;
    ~Closing() { ::close(descriptor); }
  } closing{descriptor};
  ipld::car::Reader reader;
  Bytes buffer(1 << 18);
  for (;;) {
    RZ_TRY(const auto step, reader.next());
    switch (step) {
      case ipld::car::Reader::Step::need_more: {
        const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(ErrorCode::store_io, words("can't read ", path, ": ", std::strerror(errno)));
        if (got == 0) {
          reader.close();
        } else {
          reader.feed(ByteView(buffer).first(static_cast<std::size_t>(got)));
        }
        break;
      }
      case ipld::car::Reader::Step::header:
        RZ_CHECK(begins(reader.header()));
        break;
      case ipld::car::Reader::Step::block:
        RZ_CHECK(visit(reader.block()));
        break;
      case ipld::car::Reader::Step::end:
        return {};
    }
  }
}

Status no_header(const ipld::car::Header&) { return {}; }

// Is it an export, and whole? What its records hold is looked into when they are taken in.
Result<Checked> check_file(const std::string& path) {
  Checked checked;
  std::vector<ipld::Cid> parts;
  std::optional<ipld::Cid> root;
  std::optional<pod::ExportManifest> manifest;
  const auto begins = [&](const ipld::car::Header& header) -> Status {
    if (header.version != 1 || header.roots.size() != 1) {
      return fail(ErrorCode::export_malformed, "this CAR file is no export of a pod: it has not one root");
    }
    root = header.roots.front();
    return {};
  };
  const auto visit = [&](const ipld::car::Block& block) -> Status {
    if (manifest) return fail_at(ErrorCode::export_malformed, block.offset, "something follows the export's end");
    if (block.cid == *root) {
      RZ_TRY(manifest, pod::decode_export_manifest(block.data));
      return {};
    }
    RZ_TRY(const auto records, pod::decode_export_part(block.data, parts.size()));
    if (parts.empty()) {
      const auto* first = std::get_if<pod::ExportStream>(&records.front());
      if (first == nullptr) return fail(ErrorCode::export_malformed, "it does not begin with an identity");
      checked.genesis = first->genesis;
    }
    parts.push_back(block.cid);
    return {};
  };
  RZ_CHECK(for_each_block(path, begins, visit));
  if (!manifest) return fail(ErrorCode::export_cut_short, words(path, " ends too early: copy it again"));
  if (manifest->parts != parts) return fail(ErrorCode::export_malformed, "its parts are not those that it names");
  checked.manifest = *std::move(manifest);
  return checked;
}

Status commit(DeviceStore& store, const store::Batch& batch) { return store.store->commit(batch); }

// Everything in the file, into a store of its own.
Result<Copied> take_in(const DeviceFiles& files, const std::string& path, const Checked& checked,
                       const std::string& name) {
  SystemEntropy entropy;
  RZ_CHECK(files.prepare());
  identity::DeviceKeys keys = identity::DeviceKeys::random(entropy);
  RZ_CHECK(files.write_keys(keys));
  SqliteStore::Options store_options;
  store_options.folder = files.folder;
  RZ_TRY(DeviceStore store, DeviceStore::open(store_options, entropy));
  pod::Options options;
  options.name = name;
  RZ_TRY(const store::Batch first, pod::Pod::copied(checked.genesis, options, entropy));
  RZ_CHECK(commit(store, first));
  RZ_TRY(pod::Pod pod, pod::Pod::open(options, std::move(keys), *store.store, {store::Standing::fresh, std::nullopt},
                                      entropy, now()));
  const auto persist = [&]() -> Status {
    const pod::Output out = pod.take_output(now());
    if (!out.persist) return {};
    RZ_CHECK(commit(store, out.persist->batch));
    pod.persisted(now(), out.persist->ticket);
    return {};
  };
  std::uint64_t part = 0;
  const auto visit = [&](const ipld::car::Block& block) -> Status {
    if (part == checked.manifest.parts.size()) return {};
    RZ_TRY(const auto records, pod::decode_export_part(block.data, part++));
    std::size_t taken = 0;
    for (const pod::ExportRecord& record : records) {
      if (Status done = pod.import_record(now(), record); !done) {
        Error error = done.error();
        error.message = words("part ", part - 1, " of the export: ", error.message);
        return std::unexpected(std::move(error));
      }
      if (++taken % persist_records == 0) RZ_CHECK(persist());
    }
    return persist();
  };
  RZ_CHECK(for_each_block(path, no_header, visit));
  RZ_CHECK(pod.finish_import(now(), checked.manifest));
  RZ_CHECK(persist());
  Copied copied{log::did_text(checked.manifest.did), checked.manifest.events, pod.status(now()).documents,
                checked.manifest.sealed};
  store::Promise promise;
  promise.store_id = store.store->id();
  promise.transaction = store.store->transaction();
  RZ_CHECK(store.promise->write(promise));
  return copied;
}

}  // namespace

Result<Copied> begin_copy(const DeviceFiles& files, const std::string& file, const std::string& name) {
  RZ_CHECK(crypto::initialise());
  RZ_CHECK(identity::check_device_name(name));
  std::error_code error;
  if (std::filesystem::exists(files.folder, error) && !std::filesystem::is_empty(files.folder, error)) {
    return fail(ErrorCode::pod_exists,
                words(files.folder, " is not empty: a copy needs a folder of its own, choose one with --data"));
  }
  RZ_TRY(const Checked checked, check_file(file));
  // Beside it, and renamed when it is whole: whatever happens in between, the folder holds a pod or nothing.
  const DeviceFiles beside{words(files.folder, ".copy-", static_cast<std::int64_t>(::getpid()))};
  std::filesystem::remove_all(beside.folder, error);
  auto copied = take_in(beside, file, checked, name);
  if (copied) {
    std::filesystem::rename(beside.folder, files.folder, error);
    if (!error) return copied;
    copied = fail(ErrorCode::store_io, words("can't rename to ", files.folder, ": ", error.message()));
  }
  std::filesystem::remove_all(beside.folder, error);
  return copied;
}

}  // namespace rz::host
