// Who becomes established: this device confirms what it has seen for seven days (docs/decisions/0070).
//
// The days are counted, not read off a clock: while the program runs, the lesser of what the wall clock and what the
// monotonic clock say has passed; for the time in which it did not run, what the wall clock says, at most three days.
// So a clock that jumps to 2038, or comes back from 1970, brings nobody forward by more than that, and one that goes
// back only makes the device wait longer.
#include <algorithm>

#include "ipld/dag_cbor.h"
#include "pod/core.h"

namespace rz::pod {

namespace {

constexpr std::uint64_t day_ms = 24ULL * 60 * 60 * 1000;
constexpr std::uint64_t while_off_ms_max = 3 * day_ms;
constexpr Duration look_every = seconds(60);
constexpr std::uint64_t save_every_ms = 60ULL * 60 * 1000;
constexpr std::size_t sightings_max = 4096;

}  // namespace

void Core::save_sightings() {
  sightings_.saved = now_.wall;
  if (sightings_.devices.empty()) return batch_.erase(singleton_key("seen"));
  Bytes value;
  ipld::dag_cbor::Writer writer(value);
  writer.array(2);
  writer.unsigned_integer(sightings_.saved.ms);
  writer.array(sightings_.devices.size());
  for (const auto& [device, sighting] : sightings_.devices) {
    writer.array(3);
    writer.bytes(device.view());
    writer.bytes(sighting.admission.view());
    writer.unsigned_integer(sighting.for_ms);
  }
  batch_.put(singleton_key("seen"), value);
}

// What can't be read is begun anew: the seven days start again, which is the careful side.
Status Core::load_sightings() {
  RZ_TRY(const auto stored, store_.get(singleton_key("seen")));
  if (!stored) return {};
  const auto read = [&]() -> Status {
    ipld::dag_cbor::Reader reader(*stored);
    RZ_CHECK(reader.expect_array(2));
    RZ_TRY(sightings_.saved.ms, reader.expect_uint());
    RZ_TRY(const std::uint64_t count, reader.expect_array());
    if (count > sightings_max) return fail(ErrorCode::limit_exceeded, words(count, " sightings"));
    for (std::uint64_t i = 0; i < count; ++i) {
      log::AuthorKey device;
      Sightings::Sighting sighting;
      RZ_CHECK(reader.expect_array(3));
      RZ_CHECK(reader.expect_fixed(device));
      RZ_CHECK(reader.expect_fixed(sighting.admission));
      RZ_TRY(sighting.for_ms, reader.expect_uint());
      sightings_.devices.emplace(device, sighting);
    }
    return reader.finish();
  }();
  if (!read) {
    sightings_ = {};
    alarm(Alarm::Level::warning,
          "how long new devices have been here can't be read any more: the days are counted anew");
  }
  return {};
}

// What has passed since the last look, as far as it is believed.
std::uint64_t Core::believed_ms() const {
  const UnixMs since = sightings_.looked_at ? sightings_.looked_at->wall : sightings_.saved;
  const std::uint64_t by_wall = now_.wall.ms > since.ms ? now_.wall.ms - since.ms : 0;
  if (!sightings_.looked_at) return std::min(by_wall, while_off_ms_max);
  const std::uint64_t by_ticks = static_cast<std::uint64_t>((now_.tick - sightings_.looked_at->tick).us) / 1000;
  return std::min(by_wall, by_ticks);
}

void Core::confirm_newcomers() {
  std::map<log::AuthorKey, log::EventId> waiting;
  for (const identity::Device& device : identity_.devices) {
    if (identity::awaits_confirmation(identity_, self_, device)) waiting.emplace(device.key, device.admission);
  }
  auto& seen = sightings_.devices;
  const bool same = waiting.size() == seen.size() &&
                    std::equal(waiting.begin(), waiting.end(), seen.begin(), [](const auto& a, const auto& b) {
                      return a.first == b.first && a.second == b.second.admission;
                    });
  if (waiting.empty() && seen.empty()) return;
  if (same && sightings_.looked_at && sightings_.looked_at->tick + look_every > now_.tick) {
    return wake(sightings_.looked_at->tick + look_every);
  }
  const std::uint64_t passed = believed_ms();
  for (auto& [device, sighting] : seen) sighting.for_ms = std::min(sighting.for_ms + passed, log::integer_end - 1);
  const bool first_look = !sightings_.looked_at;
  sightings_.looked_at = now_;
  std::erase_if(seen, [&](const auto& entry) {
    const auto still = waiting.find(entry.first);
    return still == waiting.end() || still->second != entry.second.admission;
  });
  for (const auto& [device, admission] : waiting) seen.try_emplace(device, Sightings::Sighting{admission, 0});
  const bool old = now_.wall.ms < sightings_.saved.ms || now_.wall.ms - sightings_.saved.ms >= save_every_ms;
  if (!same || first_look || old) save_sightings();
  std::vector<identity::SeenDevice> list;
  for (const auto& [device, sighting] : seen) list.push_back({device, sighting.for_ms});
  wake(now_.tick + look_every);
  for (const log::AuthorKey& device : identity::due_confirmations(identity_, self_, list)) {
    const auto operation = identity::draft_confirm(identity_, self_, device);
    if (!operation) continue;
    if (Status done = write_control(*zero_, *operation); !done) {
      return alarm(Alarm::Level::warning, words("a device could not be confirmed: ", done.error().message));
    }
  }
}

}  // namespace rz::pod
