// For tests and benchmarks: reads an editing trace (josephg/editing-traces) from a gzipped JSON file.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "document/document.h"
#include "document/payload.h"
#include "document/utf8.h"

namespace rz::document::testing {

struct TracePatch {
  std::uint64_t position = 0;
  std::uint64_t deleted = 0;
  std::string inserted;
};
struct TraceTxn {
  std::vector<std::uint32_t> parents;
  std::uint32_t agent = 0;
  std::vector<TracePatch> patches;
};
struct Trace {
  bool is_concurrent = false;
  std::string start;
  std::string end;
  std::vector<TraceTxn> txns;
  std::uint64_t edits() const {
    std::uint64_t count = 0;
    for (const TraceTxn& txn : txns) count += txn.patches.size();
    return count;
  }
};

// A reader of just the JSON that traces are made of; a malformed file ends the program.
class TraceReader {
 public:
  explicit TraceReader(std::string json) : json_(std::move(json)) {}

  Trace read() {
    Trace trace;
    object([&](const std::string& key) {
      if (key == "startContent") {
        trace.start = string();
      } else if (key == "endContent") {
        trace.end = string();
      } else if (key == "kind") {
        trace.is_concurrent = string() == "concurrent";
      } else if (key == "txns") {
        array([&] { trace.txns.push_back(txn()); });
      } else {
        skip();
      }
    });
    return trace;
  }

 private:
  TraceTxn txn() {
    TraceTxn read;
    object([&](const std::string& key) {
      if (key == "parents") {
        array([&] { read.parents.push_back(static_cast<std::uint32_t>(number())); });
      } else if (key == "agent") {
        read.agent = static_cast<std::uint32_t>(number());
      } else if (key == "patches") {
        array([&] {
          TracePatch patch;
          int field = 0;
          array([&] {
            if (field == 0) patch.position = number();
            if (field == 1) patch.deleted = number();
            if (field == 2) patch.inserted = string();
            ++field;
          });
          read.patches.push_back(std::move(patch));
        });
      } else {
        skip();
      }
    });
    return read;
  }

  char peek() {
    while (json_[at_] == ' ' || json_[at_] == '\n' || json_[at_] == '\t' || json_[at_] == '\r') ++at_;
    return json_[at_];
  }
  void expect(char c) {
    if (peek() != c) std::abort();
    ++at_;
  }
  template <class Each>
  void object(Each each) {
    expect('{');
    while (peek() != '}') {
      const std::string key = string();
      expect(':');
      each(key);
      if (peek() == ',') ++at_;
    }
    ++at_;
  }
  template <class Each>
  void array(Each each) {
    expect('[');
    while (peek() != ']') {
      each();
      if (peek() == ',') ++at_;
    }
    ++at_;
  }
  std::uint64_t number() {
    peek();
    std::uint64_t value = 0;
    while (json_[at_] >= '0' && json_[at_] <= '9') value = value * 10 + static_cast<std::uint64_t>(json_[at_++] - '0');
    return value;
  }
  std::uint32_t hex4() {
    const auto value = static_cast<std::uint32_t>(std::strtoul(json_.substr(at_, 4).c_str(), nullptr, 16));
    at_ += 4;
    return value;
  }
  static void put_utf8(std::string& out, std::uint32_t c) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) return put(c);
    if (c < 0x800) {
      put(0xc0 | c >> 6);
    } else {
      if (c < 0x10000) {
        put(0xe0 | c >> 12);
      } else {
        put(0xf0 | c >> 18);
        put(0x80 | (c >> 12 & 63));
      }
      put(0x80 | (c >> 6 & 63));
    }
    put(0x80 | (c & 63));
  }
  std::string string() {
    expect('"');
    std::string out;
    while (json_[at_] != '"') {
      if (json_[at_] != '\\') {
        out += json_[at_++];
        continue;
      }
      const char escape = json_[at_ + 1];
      at_ += 2;
      if (escape == 'u') {
        std::uint32_t c = hex4();
        if (c >= 0xd800 && c < 0xdc00) {
          at_ += 2;
          c = 0x10000 + ((c - 0xd800) << 10) + (hex4() - 0xdc00);
        }
        put_utf8(out, c);
      } else {
        out += escape == 'n'   ? '\n'
               : escape == 't' ? '\t'
               : escape == 'r' ? '\r'
               : escape == 'b' ? '\b'
               : escape == 'f' ? '\f'
                               : escape;
      }
    }
    ++at_;
    return out;
  }
  void skip() {
    if (peek() == '"') {
      string();
    } else if (peek() == '{') {
      object([&](const std::string&) { skip(); });
    } else if (peek() == '[') {
      array([&] { skip(); });
    } else {
      while (json_[at_] != ',' && json_[at_] != '}' && json_[at_] != ']') ++at_;
    }
  }

  std::string json_;
  std::size_t at_ = 0;
};

inline std::optional<Trace> read_trace(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  std::string json;
  std::vector<char> buffer(1 << 16);
  int got = 0;
  while ((got = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    json.append(buffer.data(), static_cast<std::size_t>(got));
  }
  gzclose(file);
  return TraceReader(std::move(json)).read();
}

// A transaction of a trace as the payload of one event on the body.
inline Bytes payload_of(const TraceTxn& txn) {
  PayloadBuilder builder;
  ContainerName name;
  name.kind = ContainerName::Kind::body;
  for (const TracePatch& patch : txn.patches) {
    if (patch.deleted > 0) {
      builder.erase(builder.container(name), patch.position, static_cast<std::uint32_t>(patch.deleted));
    }
    if (!patch.inserted.empty()) {
      builder.text_insert(builder.container(name), patch.position, patch.inserted,
                          static_cast<std::uint32_t>(utf8::count(patch.inserted)));
    }
  }
  return encode_payload(builder.payload());
}

// The transactions of a trace as closed events, one each; the start content, if any, as an event before them.
struct TraceEvents {
  std::vector<std::vector<EventId>> parents;
  std::vector<Bytes> payloads;
  std::vector<AppliedEvent> events;
};

inline EventId trace_event_id(std::uint64_t index) {
  EventId id;
  std::uint64_t mixed = index + 1;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (i % 8 == 0) {
      mixed += 0x9e3779b97f4a7c15;
      mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
      mixed ^= mixed >> 31;
    }
    id.bytes[i] = static_cast<std::uint8_t>(mixed >> 8 * (i % 8));
  }
  return id;
}

inline TraceEvents events_of(const Trace& trace) {
  TraceEvents made;
  const bool has_start = !trace.start.empty();
  const std::size_t count = trace.txns.size() + (has_start ? 1 : 0);
  std::vector<std::uint64_t> next_seq;
  if (has_start) {
    made.parents.emplace_back();
    made.payloads.push_back(payload_of({{}, 0, {{0, 0, trace.start}}}));
  }
  for (std::size_t i = 0; i < trace.txns.size(); ++i) {
    const TraceTxn& txn = trace.txns[i];
    std::vector<EventId> parents;
    if (trace.is_concurrent) {
      for (const std::uint32_t parent : txn.parents) parents.push_back(trace_event_id(parent));
    } else if (i > 0) {
      parents.push_back(trace_event_id(i - 1));
    }
    if (parents.empty() && has_start) parents.push_back(trace_event_id(~std::uint64_t{0} - 1));
    made.parents.push_back(std::move(parents));
    made.payloads.push_back(payload_of(txn));
  }
  made.events.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_start = has_start && i == 0;
    const std::size_t index = has_start ? i - 1 : i;
    const std::uint32_t agent = is_start ? 0 : trace.txns[index].agent;
    EventInfo& info = made.events[i].info;
    if (next_seq.size() <= agent) next_seq.resize(agent + 1);
    info.id = is_start ? trace_event_id(~std::uint64_t{0} - 1) : trace_event_id(index);
    info.author.bytes[0] = static_cast<std::uint8_t>(agent);
    info.author.bytes[1] = static_cast<std::uint8_t>(agent >> 8);
    info.seq = next_seq[agent]++;
    info.depth = info.own = i + 1;
    info.parents = made.parents[i];
    made.events[i].payload = made.payloads[i];
  }
  return made;
}

}  // namespace rz::document::testing
