#include "log/run.h"

#include <algorithm>

#include "base/varint.h"

namespace rz::log {
namespace {

constexpr std::uint8_t run_version = 1;
constexpr std::uint8_t run_flag_seal = 0x01;

constexpr std::uint8_t event_flag_control = 0x01;
constexpr int event_form_shift = 1;  // Two bits: a BodyForm.
constexpr std::uint8_t event_form_mask = 0x03;
constexpr std::uint8_t event_flag_epoch = 0x08;
constexpr std::uint8_t event_flag_parents = 0x10;
constexpr std::uint8_t event_flags_known = 0x1f;

// A signed difference as an unsigned number: 0, -1, 1, -2, ...
std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

// Takes the parts of a run off the front.
class Cursor {
 public:
  explicit Cursor(ByteView bytes) : bytes_(bytes) {}

  std::size_t offset() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  Result<ByteView> take(std::uint64_t count) {
    if (count > left()) {
      return fail_at(ErrorCode::truncated, at_, words(count, " bytes needed, ", left(), " left"));
    }
    const ByteView view = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return view;
  }

  Result<std::uint8_t> take_byte() {
    RZ_TRY(const ByteView view, take(1));
    return view[0];
  }

  template <class Tag, std::size_t N>
  Status take_fixed(FixedBytes<Tag, N>& out) {
    RZ_TRY(const ByteView view, take(N));
    std::copy(view.begin(), view.end(), out.bytes.begin());
    return {};
  }

  Result<std::uint64_t> take_varint(std::uint64_t end) {
    Varint varint;
    switch (get_varint(bytes_.subspan(at_), varint)) {
      case VarintState::complete:
        break;
      case VarintState::truncated:
        return fail_at(ErrorCode::truncated, at_, "a varint is cut off");
      case VarintState::not_minimal:
      case VarintState::too_long:
        return fail_at(ErrorCode::bad_varint, at_, "not minimal, or over nine bytes");
    }
    if (varint.value >= end) return fail_at(ErrorCode::run_value, at_, words(varint.value, " is not below ", end));
    at_ += varint.size_bytes;
    return varint.value;
  }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

// What both directions carry from one event to the next.
struct Neighbour {
  EpochId epoch;
  std::uint64_t time_ms = 0;
};

std::unexpected<Error> broken(std::size_t at, std::string_view why) {
  return fail(ErrorCode::run_broken, words("event ", at, " ", why));
}

Status put_event(Bytes& out, const RunEvent& event, std::size_t at, Neighbour& before) {
  const Header& header = event.header;
  RZ_CHECK(check_header(header));
  const bool is_sealed = !header.epoch.is_zero();
  if (event.form == BodyForm::plain && !is_sealed) return broken(at, "is not sealed: its body goes as stored");
  const std::size_t overhead = event.form == BodyForm::plain ? crypto::siv_overhead_bytes : 0;
  if (event.form != BodyForm::absent && event.body.size() + overhead != header.size) {
    return broken(at, "has a body of another size than its header says");
  }
  if (event.form == BodyForm::absent && !event.body.empty()) return broken(at, "has bytes for an absent body");
  std::uint8_t flags = header.kind == EventKind::control ? event_flag_control : 0;
  flags |= static_cast<std::uint8_t>(static_cast<std::uint8_t>(event.form) << event_form_shift);
  if (header.epoch != before.epoch) flags |= event_flag_epoch;
  if (!header.parents.empty()) flags |= event_flag_parents;
  out.push_back(flags);
  put_varint(out, zigzag(static_cast<std::int64_t>(header.time.ms) - static_cast<std::int64_t>(before.time_ms)));
  put_varint(out, header.size - overhead);
  if ((flags & event_flag_epoch) != 0) append(out, header.epoch.view());
  if ((flags & event_flag_parents) != 0) {
    put_varint(out, header.parents.size());
    for (const EventId& parent : header.parents) append(out, parent.view());
  }
  append(out, event.form == BodyForm::absent ? header.body.view() : ByteView(event.body));
  before = {header.epoch, header.time.ms};
  return {};
}

// Fills in the header but for `prev` and what the run has in common, and takes the body.
Status take_body(Cursor& cursor, DecodedEvent& event, std::uint64_t size, const BodyKeys& keys) {
  Header& header = event.header;
  const std::size_t at = cursor.offset();
  if (event.form == BodyForm::absent) {
    header.size = size;
    return cursor.take_fixed(header.body);
  }
  RZ_TRY(const ByteView body, cursor.take(size));
  if (event.form == BodyForm::stored) {
    header.size = size;
    header.body = body_hash(body);
    event.stored = to_bytes(body);
    return {};
  }
  const BodyKey* key = keys ? keys(header.epoch) : nullptr;
  if (!key) return fail_at(ErrorCode::run_key, at, words("no key of epoch ", header.epoch.brief()));
  if (key->epoch() != header.epoch) return fail_at(ErrorCode::run_key, at, "the key is of another epoch");
  RZ_TRY(event.stored, key->seal(header, body));
  event.plaintext = to_bytes(body);
  return {};
}

Status take_event(Cursor& cursor, DecodedEvent& event, Neighbour& before, const BodyKeys& keys) {
  Header& header = event.header;
  const std::size_t at = cursor.offset();
  RZ_TRY(const std::uint8_t flags, cursor.take_byte());
  const auto form = static_cast<std::uint8_t>(flags >> event_form_shift & event_form_mask);
  if ((flags & ~event_flags_known) != 0 || form > static_cast<std::uint8_t>(BodyForm::absent)) {
    return fail_at(ErrorCode::run_value, at, words("flags ", flags));
  }
  event.form = static_cast<BodyForm>(form);
  header.kind = (flags & event_flag_control) != 0 ? EventKind::control : EventKind::operations;
  RZ_TRY(const std::uint64_t shift, cursor.take_varint(integer_end * 2));
  const std::int64_t time = static_cast<std::int64_t>(before.time_ms) + unzigzag(shift);
  if (time < 0 || static_cast<std::uint64_t>(time) >= integer_end) {
    return fail_at(ErrorCode::run_value, at, "a time outside [0, 2^53)");
  }
  header.time = UnixMs{static_cast<std::uint64_t>(time)};
  const std::size_t overhead = event.form == BodyForm::plain ? crypto::siv_overhead_bytes : 0;
  RZ_TRY(const std::uint64_t size, cursor.take_varint(body_bytes_max - overhead + 1));
  header.epoch = before.epoch;
  if ((flags & event_flag_epoch) != 0) {
    RZ_CHECK(cursor.take_fixed(header.epoch));
    if (header.epoch == before.epoch) return fail_at(ErrorCode::run_value, at, "the epoch does not change");
  }
  if (event.form == BodyForm::plain && header.epoch.is_zero()) {
    return fail_at(ErrorCode::run_value, at, "plaintext of a body that is not sealed");
  }
  if ((flags & event_flag_parents) != 0) {
    RZ_TRY(const std::uint64_t count, cursor.take_varint(parents_max + 1));
    if (count == 0) return fail_at(ErrorCode::run_value, at, "a list of no parents");
    if (count * 32 > cursor.left()) return fail_at(ErrorCode::truncated, at, "parents are cut off");
    header.parents.resize(static_cast<std::size_t>(count));
    for (EventId& parent : header.parents) RZ_CHECK(cursor.take_fixed(parent));
  }
  if (auto status = check_header(header); !status) {
    status.error().offset = at;
    return std::unexpected(std::move(status).error());
  }
  before = {header.epoch, header.time.ms};
  return take_body(cursor, event, size, keys);
}

}  // namespace

Result<Bytes> encode_run(const FeedRun& run) {
  if (run.events.empty() || run.events.size() > run_events_max) {
    return fail(ErrorCode::limit_exceeded, words(run.events.size(), " events in a run, at most ", run_events_max));
  }
  const Header& first = run.events.front().header;
  Bytes out{run_version, run.seal ? run_flag_seal : std::uint8_t{0}};
  append(out, first.author.view());
  put_varint(out, first.feed.value);
  put_varint(out, first.seq.value);
  append(out, first.prev.view());
  put_varint(out, run.events.size());
  Neighbour before;
  EventId prev = first.prev;
  for (std::size_t i = 0; i < run.events.size(); ++i) {
    const Header& header = run.events[i].header;
    if (header.author != first.author || header.feed != first.feed || header.stream != first.stream) {
      return broken(i, "belongs to another feed");
    }
    if (header.seq.value != first.seq.value + i || header.prev != prev)
      return broken(i, "does not follow the one before");
    RZ_CHECK(put_event(out, run.events[i], i, before));
    prev = event_id(header);
  }
  if (run.seal) {
    if (run.seal->head != prev) return broken(run.events.size() - 1, "is not what the seal is on");
    append(out, run.seal->signature.view());
  }
  if (out.size() > run_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("a run of ", out.size(), " bytes, at most ", run_bytes_max));
  }
  return out;
}

Result<DecodedRun> decode_run(ByteView bytes, const StreamId& stream, const BodyKeys& keys) {
  if (bytes.size() > run_bytes_max) {
    return fail(ErrorCode::limit_exceeded, words("a run of ", bytes.size(), " bytes, at most ", run_bytes_max));
  }
  Cursor cursor(bytes);
  RZ_TRY(const std::uint8_t version, cursor.take_byte());
  if (version != run_version) return fail_at(ErrorCode::run_version, 0, words("version ", version));
  RZ_TRY(const std::uint8_t flags, cursor.take_byte());
  if ((flags & ~run_flag_seal) != 0) return fail_at(ErrorCode::run_value, 1, words("flags ", flags));
  Header shared;
  shared.stream = stream;
  RZ_CHECK(cursor.take_fixed(shared.author));
  RZ_TRY(shared.feed.value, cursor.take_varint(integer_end));
  RZ_TRY(const std::uint64_t first_seq, cursor.take_varint(integer_end - run_events_max));
  RZ_CHECK(cursor.take_fixed(shared.prev));
  const std::size_t count_at = cursor.offset();
  RZ_TRY(const std::uint64_t count, cursor.take_varint(run_events_max + 1));
  constexpr std::size_t event_bytes_min = 3;
  if (count == 0 || count * event_bytes_min > cursor.left()) {
    return fail_at(ErrorCode::run_value, count_at, words(count, " events"));
  }
  DecodedRun run;
  run.events.reserve(static_cast<std::size_t>(count));
  Neighbour before;
  Bytes block;
  for (std::uint64_t i = 0; i < count; ++i) {
    DecodedEvent& event = run.events.emplace_back();
    event.header.stream = stream;
    event.header.author = shared.author;
    event.header.feed = shared.feed;
    event.header.seq = Seq{first_seq + i};
    event.header.prev = i == 0 ? shared.prev : run.events[static_cast<std::size_t>(i) - 1].id;
    RZ_CHECK(take_event(cursor, event, before, keys));
    block.clear();
    append_header(block, event.header);
    event.id = event_id_of_block(block);
  }
  if ((flags & run_flag_seal) != 0) {
    run.seal.emplace();
    run.seal->head = run.events.back().id;
    RZ_CHECK(cursor.take_fixed(run.seal->signature));
  }
  if (cursor.left() > 0)
    return fail_at(ErrorCode::trailing_bytes, cursor.offset(), words(cursor.left(), " bytes follow"));
  return run;
}

Status offer_run(EventGraph& graph, const DecodedRun& run) {
  if (run.events.empty()) return {};
  const bool covered = run.seal.has_value();
  if (covered && (run.seal->head != run.events.back().id || !verify_seal(run.events.back().header.author, *run.seal))) {
    return fail(ErrorCode::seal_invalid, words("on head ", run.seal->head.brief()));
  }
  std::optional<EventIndex> before;
  for (const DecodedEvent& event : run.events) {
    std::optional<ByteView> body;
    if (event.form != BodyForm::absent) body = event.stored;
    const std::uint32_t size_before = graph.size();
    RZ_TRY(const Offer offer, graph.offer_checked({event.id, event.header, body, true, covered, before}));
    // An event gets its index before those that waited for it.
    before = offer == Offer::admitted ? std::optional(EventIndex{size_before}) : graph.find(event.id);
  }
  if (covered) graph.keep_verified_seal(*run.seal);
  return {};
}

Status restore_run(EventGraph& graph, const DecodedRun& run) {
  for (const DecodedEvent& event : run.events) {
    std::optional<ByteView> body;
    if (event.form != BodyForm::absent) body = event.stored;
    RZ_CHECK(graph.append_with_id(event.id, event.header, body));
  }
  return run.seal ? graph.offer_seal(*run.seal) : Status{};
}

FeedRun make_run(const EventGraph& graph, const IndexRun& run, const std::function<HeldBody(EventIndex)>& body_of) {
  FeedRun made;
  made.events.reserve(run.events.size());
  for (const EventIndex index : run.events) {
    RunEvent event{graph.header(index), BodyForm::absent, {}};
    if (event.header.kind == EventKind::control) {
      event.form = BodyForm::stored;
      event.body = to_bytes(graph.control_bytes(index));
    } else {
      HeldBody held = body_of(index);
      event.form = held.form;
      event.body = std::move(held.bytes);
    }
    made.events.push_back(std::move(event));
  }
  if (!run.events.empty()) {
    const auto seal = graph.covering_seal(run.events.back());
    if (seal && seal->head == graph.id(run.events.back())) made.seal = *seal;
  }
  return made;
}

}  // namespace rz::log
