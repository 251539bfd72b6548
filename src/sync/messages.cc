#include "sync/messages.h"

#include <iterator>

#include "ipld/dag_cbor.h"
#include "ipld/utf8.h"

namespace rz::sync {
namespace {

using ipld::Kind;
using ipld::dag_cbor::Reader;
using ipld::dag_cbor::Writer;

enum class Type : std::uint64_t {
  hello = 0,
  have = 1,
  events = 2,
  ack = 3,
  want = 4,
  bye = 5,
  places = 6,
  wanted = 7,
  state = 8,
  cut_wanted = 9,
  cut = 10,
  requests = 16,
  answer = 17,
  introduction = 18
};
enum class LiveType : std::uint64_t { tail = 0, cursor = 1, room = 2 };

constexpr std::uint64_t integer_max = log::integer_end - 1;

std::unexpected<Error> malformed(const Reader& reader, std::string_view what) {
  return fail_at(ErrorCode::sync_malformed, reader.offset(), what);
}

Result<std::uint64_t> read_uint(Reader& reader) {
  RZ_TRY(const std::uint64_t value, reader.expect_uint());
  if (value > integer_max) return malformed(reader, "an integer of 2^53 or more");
  return value;
}

// A list's head, its count held to a limit.
Result<std::size_t> read_list(Reader& reader, std::size_t items_max) {
  RZ_TRY(const std::uint64_t count, reader.expect_array());
  if (count > items_max) {
    return fail_at(ErrorCode::limit_exceeded, reader.offset(), words("a list of ", count, ", at most ", items_max));
  }
  return static_cast<std::size_t>(count);
}

Result<std::vector<log::EventId>> read_ids(Reader& reader, std::size_t items_max) {
  RZ_TRY(const std::size_t count, read_list(reader, items_max));
  std::vector<log::EventId> ids(count);
  for (std::size_t i = 0; i < count; ++i) {
    RZ_CHECK(reader.expect_fixed(ids[i]));
    if (i > 0 && !(ids[i - 1] < ids[i])) return malformed(reader, "ids out of order");
  }
  return ids;
}

void write_ids(Writer& writer, const std::vector<log::EventId>& ids) {
  writer.array(ids.size());
  for (const log::EventId& id : ids) writer.bytes(id.view());
}

Result<bool> read_null(Reader& reader) {
  RZ_TRY(const Kind kind, reader.peek());
  if (kind != Kind::null) return false;
  RZ_CHECK(reader.expect_null());
  return true;
}

void write(Writer& writer, const Hello& hello) {
  writer.array(7);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::hello));
  writer.unsigned_integer(protocol_version);
  writer.bytes(hello.did.view());
  writer.unsigned_integer(hello.incarnation);
  writer.unsigned_integer(hello.generation);
  writer.unsigned_integer(hello.cut_index);
  writer.bytes(hello.cut_hash.view());
}

Result<Message> read_hello(Reader& reader) {
  RZ_TRY(const std::uint64_t version, read_uint(reader));
  if (version != protocol_version) {
    return fail(ErrorCode::sync_version, words("the other device speaks version ", version, " of the sync protocol"));
  }
  Hello hello;
  RZ_CHECK(reader.expect_fixed(hello.did));
  RZ_TRY(hello.incarnation, read_uint(reader));
  RZ_TRY(hello.generation, read_uint(reader));
  RZ_TRY(hello.cut_index, read_uint(reader));
  RZ_CHECK(reader.expect_fixed(hello.cut_hash));
  return hello;
}

void write(Writer& writer, const Have& have) {
  writer.array(3);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::have));
  writer.array(have.streams.size());
  for (const StreamRows& stream : have.streams) {
    writer.array(2);
    writer.bytes(stream.stream.view());
    writer.array(stream.rows.size());
    for (const log::FeedHead& row : stream.rows) {
      writer.array(4);
      writer.bytes(row.feed.author.view());
      writer.unsigned_integer(row.feed.feed.value);
      writer.unsigned_integer(row.seq.value);
      writer.bytes(row.id.view());
    }
  }
  writer.boolean(have.last);
}

Result<StreamRows> read_stream_rows(Reader& reader, std::size_t& rows_left) {
  StreamRows stream;
  RZ_CHECK(reader.expect_array(2));
  RZ_CHECK(reader.expect_fixed(stream.stream));
  RZ_TRY(const std::size_t count, read_list(reader, rows_left));
  rows_left -= count;
  stream.rows.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    log::FeedHead row;
    RZ_CHECK(reader.expect_array(4));
    RZ_CHECK(reader.expect_fixed(row.feed.author));
    RZ_TRY(row.feed.feed.value, read_uint(reader));
    RZ_TRY(row.seq.value, read_uint(reader));
    RZ_CHECK(reader.expect_fixed(row.id));
    if (i > 0 && !(stream.rows.back() < row)) return malformed(reader, "rows out of order");
    stream.rows.push_back(row);
  }
  return stream;
}

Result<Message> read_have(Reader& reader) {
  Have have;
  std::size_t rows_left = rows_per_have_max;
  RZ_TRY(const std::size_t count, read_list(reader, streams_per_have_max));
  have.streams.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    RZ_TRY(StreamRows stream, read_stream_rows(reader, rows_left));
    if (i > 0 && !(have.streams.back().stream < stream.stream)) {
      return malformed(reader, "streams out of order");
    }
    have.streams.push_back(std::move(stream));
  }
  RZ_TRY(have.last, reader.expect_bool());
  return have;
}

void write_seal(Writer& writer, const std::optional<log::Seal>& seal) {
  if (!seal) return writer.null();
  writer.array(2);
  writer.bytes(seal->head.view());
  writer.bytes(seal->signature.view());
}

Result<std::optional<log::Seal>> read_seal(Reader& reader) {
  RZ_TRY(const bool none, read_null(reader));
  if (none) return std::optional<log::Seal>();
  log::Seal seal;
  RZ_CHECK(reader.expect_array(2));
  RZ_CHECK(reader.expect_fixed(seal.head));
  RZ_CHECK(reader.expect_fixed(seal.signature));
  return std::optional(seal);
}

void write(Writer& writer, const Events& events) {
  writer.array(5);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::events));
  writer.unsigned_integer(events.number);
  writer.bytes(events.stream.view());
  writer.bytes(events.run);
  write_seal(writer, events.seal);
}

Result<Message> read_events(Reader& reader) {
  Events events;
  RZ_TRY(events.number, read_uint(reader));
  RZ_CHECK(reader.expect_fixed(events.stream));
  RZ_TRY(const ByteView run, reader.expect_bytes());
  events.run = to_bytes(run);
  RZ_TRY(events.seal, read_seal(reader));
  return events;
}

void write(Writer& writer, const Introduction& introduction) {
  writer.array(3);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::introduction));
  writer.bytes(introduction.run);
  write_seal(writer, introduction.seal);
}

Result<Message> read_introduction(Reader& reader) {
  Introduction introduction;
  RZ_TRY(const ByteView run, reader.expect_bytes());
  introduction.run = to_bytes(run);
  RZ_TRY(introduction.seal, read_seal(reader));
  return introduction;
}

void write(Writer& writer, const Ack& ack) {
  writer.array(2);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::ack));
  writer.unsigned_integer(ack.number);
}

void write(Writer& writer, const Want& want) {
  writer.array(3);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::want));
  writer.bytes(want.stream.view());
  write_ids(writer, want.events);
}

Result<Message> read_want(Reader& reader) {
  Want want;
  RZ_CHECK(reader.expect_fixed(want.stream));
  RZ_TRY(want.events, read_ids(reader, wanted_max));
  return want;
}

void write(Writer& writer, const Bye& bye) {
  writer.array(3);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::bye));
  writer.unsigned_integer(static_cast<std::uint64_t>(bye.code));
  writer.text(bye.text);
}

Result<Message> read_bye(Reader& reader) {
  Bye bye;
  RZ_TRY(const std::uint64_t code, read_uint(reader));
  if (code > 0xffff) return malformed(reader, "an error code above 65535");
  bye.code = static_cast<ErrorCode>(code);
  RZ_TRY(const std::string_view text, reader.expect_text());
  if (text.size() > bye_text_bytes_max) return fail(ErrorCode::limit_exceeded, "a farewell of over 512 bytes");
  bye.text = std::string(text);
  return bye;
}

void write_place(Writer& writer, const Place& place, bool with_signature) {
  writer.array(with_signature ? 4 : 3);
  writer.bytes(place.device.view());
  writer.unsigned_integer(place.counter);
  writer.array(place.addresses.size());
  for (const ipld::Multiaddr& address : place.addresses) writer.bytes(address.bytes());
  if (with_signature) writer.bytes(place.signature.view());
}

void write(Writer& writer, const Places& places) {
  writer.array(2);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::places));
  writer.array(places.places.size());
  for (const Place& place : places.places) write_place(writer, place, true);
}

Result<Place> read_place(Reader& reader) {
  Place place;
  RZ_CHECK(reader.expect_array(4));
  RZ_CHECK(reader.expect_fixed(place.device));
  RZ_TRY(place.counter, read_uint(reader));
  RZ_TRY(const std::size_t count, read_list(reader, place_addresses_max));
  for (std::size_t i = 0; i < count; ++i) {
    RZ_TRY(const ByteView bytes, reader.expect_bytes());
    RZ_TRY(ipld::Multiaddr address, ipld::Multiaddr::decode(bytes));
    place.addresses.push_back(std::move(address));
  }
  RZ_CHECK(reader.expect_fixed(place.signature));
  return place;
}

Result<Message> read_places(Reader& reader) {
  Places places;
  RZ_TRY(const std::size_t count, read_list(reader, places_max));
  for (std::size_t i = 0; i < count; ++i) {
    RZ_TRY(Place place, read_place(reader));
    if (i > 0 && !(places.places.back().device < place.device)) return malformed(reader, "places out of order");
    places.places.push_back(std::move(place));
  }
  return places;
}

void write(Writer& writer, const StateWanted& wanted) {
  writer.array(2);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::wanted));
  writer.bytes(wanted.content.view());
}

void write(Writer& writer, const State& state) {
  writer.array(2);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::state));
  writer.bytes(state.bytes);
}

void write(Writer& writer, const CutWanted& wanted) {
  writer.array(2);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::cut_wanted));
  writer.bytes(wanted.root.view());
}

void write(Writer& writer, const CutTree& cut) {
  writer.array(2);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::cut));
  writer.bytes(log::encode_head_list(cut.heads));
}

void write_requests(Writer& writer, const std::vector<Request>& open) {
  writer.array(open.size());
  for (const Request& request : open) {
    writer.array(2);
    writer.unsigned_integer(request.since.ms);
    writer.bytes(request.operation);
  }
}

void write(Writer& writer, const Requests& requests) {
  writer.array(5);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::requests));
  writer.bytes(requests.asker.view());
  writer.unsigned_integer(requests.counter);
  write_requests(writer, requests.open);
  writer.bytes(requests.signature.view());
}

Result<Message> read_requests(Reader& reader) {
  Requests requests;
  RZ_CHECK(reader.expect_fixed(requests.asker));
  RZ_TRY(requests.counter, read_uint(reader));
  RZ_TRY(const std::size_t count, read_list(reader, requests_max));
  for (std::size_t i = 0; i < count; ++i) {
    RZ_CHECK(reader.expect_array(2));
    RZ_TRY(const std::uint64_t since, read_uint(reader));
    RZ_TRY(const ByteView operation, reader.expect_bytes());
    if (operation.size() > request_bytes_max) {
      return fail_at(ErrorCode::limit_exceeded, reader.offset(), "a request of over 20 KiB");
    }
    requests.open.push_back({UnixMs{since}, to_bytes(operation)});
  }
  RZ_CHECK(reader.expect_fixed(requests.signature));
  return requests;
}

void write(Writer& writer, const Answer& answer) {
  writer.array(6);
  writer.unsigned_integer(static_cast<std::uint64_t>(Type::answer));
  writer.bytes(answer.asker.view());
  writer.bytes(answer.request.view());
  writer.bytes(answer.device.view());
  writer.boolean(answer.yes);
  writer.bytes(answer.signature.view());
}

Result<Message> read_answer(Reader& reader) {
  Answer answer;
  RZ_CHECK(reader.expect_fixed(answer.asker));
  RZ_CHECK(reader.expect_fixed(answer.request));
  RZ_CHECK(reader.expect_fixed(answer.device));
  RZ_TRY(answer.yes, reader.expect_bool());
  RZ_CHECK(reader.expect_fixed(answer.signature));
  return answer;
}

Result<Message> read_body(Reader& reader, Type type) {
  switch (type) {
    case Type::hello:
      return read_hello(reader);
    case Type::have:
      return read_have(reader);
    case Type::events:
      return read_events(reader);
    case Type::ack: {
      RZ_TRY(const std::uint64_t number, read_uint(reader));
      return Ack{number};
    }
    case Type::want:
      return read_want(reader);
    case Type::bye:
      return read_bye(reader);
    case Type::places:
      return read_places(reader);
    case Type::wanted: {
      StateWanted wanted;
      RZ_CHECK(reader.expect_fixed(wanted.content));
      return wanted;
    }
    case Type::state: {
      RZ_TRY(const ByteView bytes, reader.expect_bytes());
      return State{to_bytes(bytes)};
    }
    case Type::cut_wanted: {
      CutWanted wanted;
      RZ_CHECK(reader.expect_fixed(wanted.root));
      return wanted;
    }
    case Type::cut: {
      RZ_TRY(const ByteView list, reader.expect_bytes());
      RZ_TRY(log::HeadList heads, log::decode_head_list(list));
      return CutTree{std::move(heads)};
    }
    case Type::requests:
      return read_requests(reader);
    case Type::answer:
      return read_answer(reader);
    case Type::introduction:
      return read_introduction(reader);
  }
  return fail(ErrorCode::sync_malformed, words("no message has type ", static_cast<std::uint64_t>(type)));
}

// By type; zero: there is none.
constexpr std::uint64_t fields_of[] = {7, 3, 5, 2, 3, 3, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 5, 6, 3};

}  // namespace

Bytes place_message(const Place& place) {
  Bytes out;
  Writer writer(out);
  write_place(writer, place, false);
  return out;
}

Bytes requests_message(const log::Did& did, const Requests& requests) {
  Bytes out;
  Writer writer(out);
  writer.array(4);
  writer.bytes(did.view());
  writer.bytes(requests.asker.view());
  writer.unsigned_integer(requests.counter);
  write_requests(writer, requests.open);
  return out;
}

Bytes decline_message(const log::Did& did, const log::AuthorKey& asker, const Hash256& request) {
  Bytes out;
  Writer writer(out);
  writer.array(3);
  writer.bytes(did.view());
  writer.bytes(asker.view());
  writer.bytes(request.view());
  return out;
}

Bytes encode(const Message& message) {
  Bytes out;
  Writer writer(out);
  std::visit([&writer](const auto& body) { write(writer, body); }, message);
  return out;
}

Result<Message> decode(ByteView frame) {
  if (frame.size() > frame_bytes_max) return fail(ErrorCode::limit_exceeded, "a frame of over 4 MiB");
  Reader reader(frame);
  RZ_TRY(const std::uint64_t fields, reader.expect_array());
  RZ_TRY(const std::uint64_t type, read_uint(reader));
  if (type >= std::size(fields_of) || fields_of[type] == 0)
    return fail(ErrorCode::sync_malformed, words("no message has type ", type));
  if (fields != fields_of[type]) return fail(ErrorCode::sync_malformed, words("a message of ", fields, " fields"));
  RZ_TRY(Message message, read_body(reader, static_cast<Type>(type)));
  RZ_CHECK(reader.finish());
  return message;
}

Bytes encode_live(const LiveMessage& message) {
  Bytes out;
  Writer writer(out);
  if (const auto* tail = std::get_if<Tail>(&message)) {
    writer.array(8);
    writer.unsigned_integer(static_cast<std::uint64_t>(LiveType::tail));
    writer.bytes(tail->stream.view());
    writer.unsigned_integer(tail->feed.value);
    writer.unsigned_integer(tail->seq.value);
    write_ids(writer, tail->parents);
    writer.unsigned_integer(tail->depth);
    writer.unsigned_integer(tail->own);
    tail->payload ? writer.bytes(*tail->payload) : writer.null();
    return out;
  }
  if (const auto* room = std::get_if<Room>(&message)) {
    writer.array(3);
    writer.unsigned_integer(static_cast<std::uint64_t>(LiveType::room));
    writer.unsigned_integer(room->stored);
    writer.unsigned_integer(room->free);
    return out;
  }
  const auto& cursor = std::get<Cursor>(message);
  writer.array(cursor.at ? 4 : 2);
  writer.unsigned_integer(static_cast<std::uint64_t>(LiveType::cursor));
  writer.bytes(cursor.stream.view());
  if (cursor.at) {
    writer.unsigned_integer(cursor.at->first);
    writer.unsigned_integer(cursor.at->second);
  }
  return out;
}

namespace {

Result<LiveMessage> read_tail(Reader& reader) {
  Tail tail;
  RZ_CHECK(reader.expect_fixed(tail.stream));
  RZ_TRY(tail.feed.value, read_uint(reader));
  RZ_TRY(tail.seq.value, read_uint(reader));
  RZ_TRY(tail.parents, read_ids(reader, 257));
  RZ_TRY(tail.depth, read_uint(reader));
  RZ_TRY(tail.own, read_uint(reader));
  RZ_TRY(const bool gone, read_null(reader));
  if (gone) return tail;
  RZ_TRY(const ByteView payload, reader.expect_bytes());
  if (payload.size() > tail_bytes_max) return fail(ErrorCode::limit_exceeded, "a tail of over 64 KiB");
  tail.payload = to_bytes(payload);
  return tail;
}

}  // namespace

Result<LiveMessage> decode_live(ByteView frame) {
  if (frame.size() > tail_bytes_max + 16 * 1024) return fail(ErrorCode::limit_exceeded, "a live frame of over 80 KiB");
  Reader reader(frame);
  RZ_TRY(const std::uint64_t fields, reader.expect_array());
  RZ_TRY(const std::uint64_t type, read_uint(reader));
  LiveMessage message;
  if (type == static_cast<std::uint64_t>(LiveType::tail) && fields == 8) {
    RZ_TRY(message, read_tail(reader));
  } else if (type == static_cast<std::uint64_t>(LiveType::cursor) && (fields == 2 || fields == 4)) {
    Cursor cursor;
    RZ_CHECK(reader.expect_fixed(cursor.stream));
    if (fields == 4) {
      RZ_TRY(const std::uint64_t anchor, read_uint(reader));
      RZ_TRY(const std::uint64_t head, read_uint(reader));
      cursor.at = {anchor, head};
    }
    message = cursor;
  } else if (type == static_cast<std::uint64_t>(LiveType::room) && fields == 3) {
    Room room;
    RZ_TRY(room.stored, read_uint(reader));
    RZ_TRY(room.free, read_uint(reader));
    message = room;
  } else {
    return fail(ErrorCode::sync_malformed, words("no live message of type ", type, " has ", fields, " fields"));
  }
  RZ_CHECK(reader.finish());
  return message;
}

}  // namespace rz::sync
