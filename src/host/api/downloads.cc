#include "host/api/downloads.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "host/daemon/clock.h"
#include "host/daemon/daemon.h"
#include "log/genesis.h"

namespace rz::host {

namespace {

constexpr Duration slice = milliseconds(4);  // Then whatever else waits has its turn.

HttpResponse refusal(const Error& error) {
  const int status = error.code == ErrorCode::not_found        ? 404
                     : error.code == ErrorCode::limit_exceeded ? 429
                     : error.code == ErrorCode::disk_full      ? 507
                                                               : 409;
  return {status, "application/json", dump(error_json(error)), nullptr};
}

}  // namespace

struct Downloads::Making {
  std::string name;
  Source source;
  CarFile file;
  Answer answer;
};

void Downloads::make_snapshot(const Answer& answer) {
  auto maker = daemon_.pod().snapshot();
  if (!maker) return answer(refusal(maker.error()));
  const std::shared_ptr<pod::SnapshotMaker> shared = *std::move(maker);
  const auto about = [shared] {
    const pod::SnapshotSummary& summary = shared->summary();
    return Json{{"root", summary.root.to_string()},
                {"cut_index", summary.cut_index},
                {"cut", summary.cut.hex()},
                {"streams", summary.streams},
                {"documents", summary.documents},
                {"blocks", summary.blocks},
                {"bytes", summary.bytes}};
  };
  make("snapshot", Source{[shared] { return shared->next(); }, [shared] { return shared->summary().root; }, about},
       answer);
}

void Downloads::make_export(bool sealed, const Answer& answer) {
  auto maker = daemon_.pod().export_pod(sealed);
  if (!maker) return answer(refusal(maker.error()));
  const std::shared_ptr<pod::ExportMaker> shared = *std::move(maker);
  const auto about = [shared] {
    const pod::ExportSummary& summary = shared->summary();
    return Json{{"root", summary.root.to_string()},
                {"did", log::did_text(summary.manifest.did)},
                {"sealed", summary.manifest.sealed},
                {"keys", summary.keys},
                {"streams", summary.manifest.streams},
                {"events", summary.manifest.events},
                {"blocks", summary.blocks},
                {"bytes", summary.bytes}};
  };
  make("export", Source{[shared] { return shared->next(); }, [shared] { return shared->summary().root; }, about},
       answer);
}

void Downloads::make(const std::string& name, Result<Source> source, const Answer& answer) {
  if (!source) return answer(refusal(source.error()));
  if (making_.contains(name)) {
    return answer(refusal({ErrorCode::limit_exceeded, words("a ", name, " is being made already: wait for it")}));
  }
  auto file = CarFile::unnamed(daemon_.files().folder);
  if (!file) return answer(refusal(file.error()));
  auto making = std::make_shared<Making>(Making{name, *std::move(source), *std::move(file), answer});
  making_[name] = making;
  go_on(making);
}

void Downloads::go_on(const std::shared_ptr<Making>& making) {
  const auto end = [&](const Error& error) {
    making_.erase(making->name);
    making->answer(refusal(error));
  };
  const Tick until = now().tick + slice;
  while (now().tick < until) {
    auto block = making->source.next();
    if (!block) return end(block.error());
    if (*block) {
      if (Status put = making->file.put(**block); !put) return end(put.error());
      continue;
    }
    const ipld::Cid root = making->source.root();
    if (Status finished = making->file.finish(&root); !finished) return end(finished.error());
    Json about = making->source.about();
    about["car_bytes"] = making->file.size_bytes();
    about["car"] = words("/api/downloads/", making->name);
    made_[making->name] = std::make_shared<CarFile>(std::move(making->file));
    making_.erase(making->name);
    return making->answer({200, "application/json", dump(about), nullptr});
  }
  // The daemon may end before: then nobody goes on.
  boost::asio::post(daemon_.io(), [this, weak = std::weak_ptr<Making>(making)] {
    if (const auto going_on = weak.lock()) go_on(going_on);
  });
}

void Downloads::give(const std::string& name, const Answer& answer) {
  const auto found = made_.find(name);
  if (found == made_.end()) {
    return answer(
        refusal({ErrorCode::not_found, words("there is no ", name, " to fetch: make one with POST /api/", name)}));
  }
  const std::shared_ptr<CarFile> file = std::move(found->second);
  made_.erase(found);
  HttpResponse response;
  response.content_type = "application/vnd.ipld.car; version=1";
  response.stream =
      std::make_shared<HttpStream>(HttpStream{file->size_bytes(), [file](std::uint64_t offset, std::size_t bytes_max) {
                                                return file->read(offset, bytes_max);
                                              }});
  answer(std::move(response));
}

}  // namespace rz::host
