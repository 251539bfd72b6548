// What events cost: to verify a caught-up feed, to write, to seal, to hold, to send, to order and to judge. Time is
// this thread's on a processor: nothing here waits.
//
// Usage: log_bench [--events N]
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "crypto/initialise.h"
#include "figure.h"
#include "log/counts.h"
#include "log/order.h"
#include "log/run.h"

namespace {

using namespace rz;
using namespace rz::log;
using Clock = bench::CpuClock;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "log_bench: %s\n", result.error().to_string().c_str());
  std::exit(1);
}
void must(Status status) {
  if (status) return;
  std::fprintf(stderr, "log_bench: %s\n", status.error().to_string().c_str());
  std::exit(1);
}

constexpr std::size_t plaintext_bytes = 24;  // A keystroke or two.

struct Stage {
  crypto::SeededEntropy entropy{7};
  std::vector<crypto::SigningKey> keys;
  std::vector<EventId> admissions;
  Bytes genesis;
  StreamId stream;
  crypto::Secret32 secret = crypto::Secret32::random(entropy);
  EpochId epoch{body_hash(as_bytes("epoch")).bytes};

  Stage() {
    Genesis made;
    made.owner = Did{body_hash(as_bytes("owner")).bytes};
    genesis = encode_genesis(made);
    stream = stream_id_of_block(genesis);
    for (int i = 0; i < 3; ++i) {
      keys.push_back(crypto::SigningKey::from_seed(crypto::Secret32::random(entropy)));
      admissions.push_back(EventId{body_hash(as_bytes(words("device ", i))).bytes});
    }
  }
  EventGraph graph() const {
    EventGraph made = must(EventGraph::from_genesis(genesis));
    for (std::size_t i = 0; i < keys.size(); ++i) made.admit_author(keys[i].public_key(), admissions[i]);
    return made;
  }
  IdentityFacts facts() const {
    IdentityFacts made;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      made.devices.push_back({Did{body_hash(as_bytes("owner")).bytes}, keys[i].public_key(), admissions[i],
                              RightSet::all(), std::nullopt});
    }
    std::sort(made.devices.begin(), made.devices.end(),
              [](const DeviceFact& a, const DeviceFact& b) { return a.device < b.device; });
    return made;
  }
};

Bytes plaintext_of(std::size_t at) {
  Bytes plaintext(plaintext_bytes, static_cast<std::uint8_t>(at));
  std::memcpy(plaintext.data(), &at, sizeof at);
  return plaintext;
}

// One feed of `count` events, as runs of 1,024 with a seal each, in both forms that a body may travel in.
struct Wire {
  std::vector<Bytes> stored;
  std::vector<Bytes> plain;
  std::size_t stored_bytes = 0;
  std::size_t plain_bytes = 0;
};

Wire make_wire(const Stage& stage, const BodyKey& key, std::size_t count) {
  Wire wire;
  EventGraph graph = stage.graph();
  const FeedName feed{stage.keys[0].public_key(), FeedId{123456789}};
  FeedRun stored, plain;
  Header header = graph.next_header(feed, stage.admissions[0]);
  for (std::size_t i = 0; i < count; ++i) {
    header.seq = Seq{i};
    header.time = UnixMs{1'700'000'000'000 + i * 137};
    header.epoch = stage.epoch;
    const Bytes plaintext = plaintext_of(i);
    Bytes sealed = must(key.seal(header, plaintext));
    stored.events.push_back({header, BodyForm::stored, std::move(sealed)});
    plain.events.push_back({header, BodyForm::plain, plaintext});
    header.prev = event_id(header);
    if ((i + 1) % events_per_seal_max == 0 || i + 1 == count) {
      stored.seal = plain.seal = make_seal(stage.keys[0], header.prev);
      wire.stored.push_back(must(encode_run(stored)));
      wire.plain.push_back(must(encode_run(plain)));
      wire.stored_bytes += wire.stored.back().size();
      wire.plain_bytes += wire.plain.back().size();
      stored.events.clear();
      plain.events.clear();
    }
  }
  return wire;
}

double receive(const Stage& stage, const std::vector<Bytes>& runs, const BodyKeys& keys, EventGraph& graph) {
  const auto begun = Clock::now();
  for (const Bytes& run : runs) must(offer_run(graph, must(decode_run(run, stage.stream, keys))));
  return seconds_since(begun);
}

void bench_receiving(const bench::Printer& printer, const Stage& stage, std::size_t count) {
  const BodyKey key(stage.secret, stage.stream, stage.epoch);
  const Wire wire = make_wire(stage, key, count);
  const auto total = static_cast<double>(count);
  const BodyKeys keys = [&key](const EpochId&) { return &key; };
  EventGraph graph = stage.graph();
  const double verifying = receive(stage, wire.stored, {}, graph);
  EventGraph rebuilt = stage.graph();
  const double rebuilding = receive(stage, wire.plain, keys, rebuilt);
  if (rebuilt.digest() != graph.digest()) must(Status(fail(ErrorCode::internal, "rebuilt another graph")));
  printer.print({"verify a caught-up feed", total / verifying, "events/s", "", 0, bench::Better::more});
  printer.print(
      {"the same, ciphertext rebuilt from plaintext", total / rebuilding, "events/s", "", 0, bench::Better::more});
  printer.print({"memory of the graph", static_cast<double>(graph.memory_bytes()) / total, "bytes/event"});
  const double bodies = total * static_cast<double>(plaintext_bytes);
  printer.print(
      {"wire beside the body, as plaintext", (static_cast<double>(wire.plain_bytes) - bodies) / total, "bytes/event"});
  const double sealed = total * static_cast<double>(plaintext_bytes + crypto::siv_overhead_bytes);
  printer.print({"wire beside the body, as ciphertext", (static_cast<double>(wire.stored_bytes) - sealed) / total,
                 "bytes/event"});
}

// An author's own event: header on top of the graph, body sealed, id, into the graph.
void append_one(const Stage& stage, const BodyKey& key, EventGraph& graph, std::size_t who, std::size_t at) {
  Header header = graph.next_header({stage.keys[who].public_key(), FeedId{1}}, stage.admissions[who]);
  header.time = UnixMs{1'700'000'000'000 + at};
  header.epoch = stage.epoch;
  const Bytes sealed = must(key.seal(header, plaintext_of(at)));
  must(graph.append(header, ByteView(sealed)));
}

void bench_writing(const bench::Printer& printer, const Stage& stage, std::size_t count) {
  const BodyKey key(stage.secret, stage.stream, stage.epoch);
  EventGraph graph = stage.graph();
  const std::size_t batches = std::max<std::size_t>(count / 100, 100);
  constexpr std::size_t batch = 100;
  std::vector<double> us;
  std::vector<double> seal_us;
  for (std::size_t i = 0; i < batches; ++i) {
    const auto begun = Clock::now();
    for (std::size_t j = 0; j < batch; ++j) append_one(stage, key, graph, 0, i * batch + j);
    const EventIndex head{graph.size() - 1};
    const auto sealing = Clock::now();
    must(graph.offer_seal(make_seal(stage.keys[0], graph.id(head))));
    us.push_back(seconds_since(begun) * 1e6);
    seal_us.push_back(seconds_since(sealing) * 1e6);
  }
  printer.print({"write 100 events and seal them, p50", bench::quantile(us, 0.5), "us"});
  printer.print({"write 100 events and seal them, p99", bench::quantile(us, 0.99), "us"});
  printer.print({"the seal of such a batch alone, p50", bench::quantile(seal_us, 0.5), "us"});
}

void bench_ordering(const bench::Printer& printer, const Stage& stage, std::size_t count) {
  const BodyKey key(stage.secret, stage.stream, stage.epoch);
  EventGraph graph = stage.graph();
  for (std::size_t i = 0; i < count; ++i) append_one(stage, key, graph, i / 20 % stage.keys.size(), i);
  const auto total = static_cast<double>(count);
  auto begun = Clock::now();
  const auto linear = must(linearise({&graph}, {}));
  printer.print(
      {"linearise, three authors in turns", total / seconds_since(begun), "events/s", "", 0, bench::Better::more});
  begun = Clock::now();
  const Counts counts = what_counts(graph, stage.facts());
  printer.print(
      {"what counts, three authors in turns", total / seconds_since(begun), "events/s", "", 0, bench::Better::more});
  if (linear.events().size() != count || counts.verdicts.front() != Verdict::effect) std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  must(crypto::initialise());
  std::size_t count = 1'000'000;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--events") == 0) count = std::strtoull(argv[i + 1], nullptr, 10);
  }
  const bench::Printer printer(argc, argv);
  const Stage stage;
  bench_receiving(printer, stage, count);
  bench_writing(printer, stage, count / 5);
  bench_ordering(printer, stage, count / 5);
  return 0;
}
