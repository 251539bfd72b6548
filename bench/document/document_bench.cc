// What the document engine costs, on recorded keystrokes where they are at hand. CPU time of the one thread; the median
// of several runs.
//
// Usage: document_bench [--traces DIR] [--runs N]
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "document/document.h"
#include "document/test_traces.h"
#include "figure.h"

namespace {

using namespace rz::document;
using rz::document::testing::events_of;
using rz::document::testing::read_trace;
using rz::document::testing::Trace;
using rz::document::testing::TraceTxn;

double cpu_ms() {
  return std::chrono::duration<double, std::milli>(rz::bench::CpuClock::now().time_since_epoch()).count();
}

const rz::bench::Printer printer(0, nullptr);

void print(const std::string& name, double value, const char* unit) { printer.print({name, value, unit}); }

[[noreturn]] void broken(const std::string& what) {
  std::fprintf(stderr, "document_bench: %s\n", what.c_str());
  std::exit(1);
}

double median_ms(int runs, const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const double begin = cpu_ms();
    work();
    times.push_back(cpu_ms() - begin);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

AuthorId one_author() {
  AuthorId author;
  author.bytes[0] = 1;
  return author;
}

EventInfo next_event(std::uint64_t& seq, const std::vector<EventId>& parents) {
  EventInfo info;
  info.id = rz::document::testing::trace_event_id(1'000'000'000 + seq);
  info.author = one_author();
  info.seq = seq;
  info.depth = 1;
  info.own = ++seq;
  info.parents = parents;
  return info;
}

struct Recorded {
  std::vector<std::vector<EventId>> parents;
  std::vector<rz::Bytes> payloads;
  std::vector<AppliedEvent> events;
};

// Types a whole trace into a document, closing an event every `per_event` transactions.
Document type_in(const Trace& trace, std::size_t per_event, Recorded* recorded) {
  Document document(one_author());
  std::uint64_t seq = 0;
  std::vector<EventInfo> infos;
  const auto close = [&] {
    if (document.open_operations() == 0) return;
    const auto parents = document.open_parents();
    const EventInfo info = next_event(seq, parents);
    if (recorded != nullptr) {
      recorded->parents.push_back(parents);
      recorded->payloads.push_back(document.open_payload());
      infos.push_back(info);
    }
    if (!document.close_open_event(info)) broken("close_open_event");
  };
  if (!trace.start.empty() && !document.text_insert(body(), 0, trace.start)) broken("start");
  std::size_t count = 0;
  for (const TraceTxn& txn : trace.txns) {
    for (const auto& patch : txn.patches) {
      if (patch.deleted > 0 && !document.text_delete(body(), patch.position, patch.deleted)) broken("delete");
      if (!patch.inserted.empty() && !document.text_insert(body(), patch.position, patch.inserted)) broken("insert");
    }
    if (++count % per_event == 0) close();
  }
  close();
  if (recorded != nullptr) {
    recorded->events.resize(infos.size());
    for (std::size_t i = 0; i < infos.size(); ++i) {
      recorded->events[i].info = infos[i];
      recorded->events[i].info.parents = recorded->parents[i];
      recorded->events[i].payload = recorded->payloads[i];
    }
  }
  return document;
}

// What a saved state takes, and what it takes to open it and read the text.
void checkpoints(const std::string& name, const Document& document, int runs) {
  const rz::Bytes checkpoint = document.save();
  const std::string end = document.text(body()).value();
  print(name + " checkpoint", static_cast<double>(checkpoint.size()), "bytes");
  print(name + " open checkpoint",
        median_ms(runs,
                  [&] {
                    const auto opened = Document::load(checkpoint);
                    if (!opened || opened->text(body()).value() != end) broken(name);
                  }),
        "ms");
  const std::size_t before = mallinfo2().uordblks;
  const auto opened = Document::load(checkpoint);
  if (!opened || opened->text(body()).value() != end) broken(name);
  print(name + " memory", static_cast<double>(mallinfo2().uordblks - before), "bytes");
}

void sequential(const std::string& name, const Trace& trace, int runs) {
  print(name + " typed in",
        median_ms(runs,
                  [&] {
                    if (type_in(trace, 1000, nullptr).text(body()).value() != trace.end) broken(name);
                  }),
        "ms");
  Recorded recorded;
  const Document document = type_in(trace, 1000, &recorded);
  std::size_t bytes = 0;
  for (const auto& payload : recorded.payloads) bytes += payload.size();
  print(name + " operations", static_cast<double>(bytes), "bytes");
  print(name + " merge full history",
        median_ms(runs,
                  [&] {
                    Document merged;
                    if (!merged.apply_all(recorded.events) || merged.text(body()).value() != trace.end) broken(name);
                  }),
        "ms");
  checkpoints(name, document, runs);
}

void concurrent(const std::string& name, const Trace& trace, int runs, bool has_end) {
  const auto events = events_of(trace);
  print(name + " one by one",
        median_ms(runs,
                  [&] {
                    Document merged;
                    for (const AppliedEvent& event : events.events) {
                      if (!merged.apply(event.info, event.payload)) broken(name);
                    }
                    if (has_end && merged.text(body()).value() != trace.end) broken(name);
                  }),
        "ms");
  print(name + " merge full history",
        median_ms(runs,
                  [&] {
                    Document merged;
                    if (!merged.apply_all(events.events)) broken(name);
                    if (has_end && merged.text(body()).value() != trace.end) broken(name);
                  }),
        "ms");
  std::size_t bytes = 0;
  for (const AppliedEvent& event : events.events) bytes += event.payload.size();
  print(name + " operations", static_cast<double>(bytes), "bytes");
  Document document;
  if (!document.apply_all(events.events)) broken(name);
  checkpoints(name, document, runs);
}

// A hundred thousand characters, typed in at a thousand places.
Document large_text() {
  Trace trace;
  rz::Random random(2);
  std::uint64_t length = 0;
  std::uint64_t at = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (i % 100 == 0) at = random.below(length + 1);
    trace.txns.push_back({{}, 0, {{at++, 0, "x"}}});
    ++length;
  }
  return type_in(trace, 1000, nullptr);
}

// One-character edits at places all over a large text, each timed.
void local_latency(Document document, int edits) {
  rz::Random random(1);
  std::vector<std::int64_t> times;
  std::uint64_t at = 0;
  std::uint64_t seq = 1 << 20;
  for (int i = 0; i < edits; ++i) {
    if (i % 50 == 0) at = random.below(document.length(body()).value());
    if (i % 5'000 == 4'999) {
      const auto parents = document.open_parents();
      if (!document.close_open_event(next_event(seq, parents))) broken("close");
    }
    const auto begin = std::chrono::steady_clock::now();
    const bool done = i % 10 == 9 ? document.text_delete(body(), at - 1, 1).has_value()
                                  : document.text_insert(body(), at, "x").has_value();
    const auto end = std::chrono::steady_clock::now();
    if (!done) broken("edit");
    if (i % 10 == 9) {
      --at;
    } else {
      ++at;
    }
    times.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
  }
  std::sort(times.begin(), times.end());
  print("one-character edit to visible p50", static_cast<double>(times[times.size() / 2]) / 1e3, "us");
  print("one-character edit to visible p99", static_cast<double>(times[times.size() * 99 / 100]) / 1e3, "us");
}

void small_document() {
  Document document(one_author());
  std::uint64_t seq = 0;
  rz::Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const std::string letter(1, static_cast<char>('a' + random.below(26)));
    if (!document.text_insert(body(), document.length(body()).value(), letter)) broken("insert");
    if (i % 100 == 99) {
      const auto parents = document.open_parents();
      if (!document.close_open_event(next_event(seq, parents))) broken("close");
    }
  }
  print("1,000-character document memory", static_cast<double>(document.memory_bytes()), "bytes");
  print("1,000-character document checkpoint", static_cast<double>(document.save().size()), "bytes");
}

}  // namespace

int main(int argc, char** argv) {
  int runs = 5;
  std::string dir;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--runs") == 0) runs = std::atoi(argv[i + 1]);
    if (std::strcmp(argv[i], "--traces") == 0) dir = argv[i + 1];
  }
  small_document();
  if (dir.empty()) {
    local_latency(large_text(), 50'000);
    return 0;
  }
  for (const char* name : {"automerge-paper", "rustcode", "json-crdt-patch"}) {
    const auto trace = read_trace(dir + "/" + name + ".json.gz");
    if (!trace) broken(std::string("no trace ") + name);
    if (std::strcmp(name, "automerge-paper") == 0) local_latency(type_in(*trace, 1000, nullptr), 200'000);
    sequential(name, *trace, runs);
  }
  for (const char* name : {"friendsforever", "git-makefile"}) {
    const auto trace = read_trace(dir + "/" + name + ".json.gz");
    if (!trace) broken(std::string("no trace ") + name);
    concurrent(name, *trace, runs, std::strcmp(name, "friendsforever") == 0);
  }
  return 0;
}
