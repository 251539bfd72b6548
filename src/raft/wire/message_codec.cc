#include "raft/wire/message_codec.h"

#include "raft/wire/entry_codec.h"

namespace rz::raft {
namespace {

// Kinds are the positions in MessageBody: new bodies go at its end.
static_assert(std::variant_size_v<MessageBody> == 14);

void put(Bytes& out, const Member& member) {
  cbor::put_array(out, 2);
  cbor::put_bytes(out, member.id.view());
  cbor::put_uint(out, member.incarnation.n);
}

void put(Bytes& out, const Entries& entries) {
  cbor::put_array(out, entries.size());
  for (const Entry& entry : entries) put_entry(out, entry);
}

void put(Bytes& out, const VoteRequest& body) {
  cbor::put_array(out, 3);
  put_bool(out, body.pre);
  put_bool(out, body.by_transfer);
  put_entry_id(out, body.last);
}

void put(Bytes& out, const VoteReply& body) {
  cbor::put_array(out, 2);
  put_bool(out, body.pre);
  put_bool(out, body.granted);
}

void put(Bytes& out, const Append& body) {
  cbor::put_array(out, 3);
  put_entry_id(out, body.prev);
  cbor::put_uint(out, body.commit.n);
  put(out, body.entries);
}

void put(Bytes& out, const AppendReply& body) {
  cbor::put_array(out, 4);
  put_bool(out, body.rejected);
  cbor::put_uint(out, body.match.n);
  put_entry_id(out, body.hint);
  cbor::put_uint(out, body.last_seen.n);
}

void put(Bytes& out, const Heartbeat& body) {
  cbor::put_array(out, 4);
  cbor::put_uint(out, body.commit.n);
  cbor::put_uint(out, body.round);
  put_bool(out, body.wants_reply);
  put_bool(out, body.silent);
}

void put(Bytes& out, const HeartbeatReply& body) {
  cbor::put_array(out, 5);
  cbor::put_uint(out, body.round);
  cbor::put_uint(out, body.match.n);
  cbor::put_uint(out, body.agreed.n);
  put_bool(out, body.silent);
  put_bool(out, body.damaged);
}

void put(Bytes& out, const InstallSnapshot& body) {
  cbor::put_array(out, 1);
  put_snapshot_record(out, body.record);
}

void put(Bytes& out, const ReadRequest& body) {
  cbor::put_array(out, 1);
  cbor::put_uint(out, body.request.n);
}

void put(Bytes& out, const ReadReply& body) {
  cbor::put_array(out, 3);
  cbor::put_uint(out, body.request.n);
  cbor::put_uint(out, body.index.n);
  put_bool(out, body.refused);
}

void put(Bytes& out, const TimeoutNow&) { cbor::put_array(out, 0); }
void put(Bytes& out, const Wake&) { cbor::put_array(out, 0); }
void put(Bytes& out, const Leaving&) { cbor::put_array(out, 0); }

void put(Bytes& out, const RepairRequest& body) {
  cbor::put_array(out, 2);
  cbor::put_uint(out, body.begin.n);
  cbor::put_uint(out, body.end.n);
}

void put(Bytes& out, const RepairReply& body) {
  cbor::put_array(out, 1);
  put(out, body.entries);
}

class Decoder {
 public:
  explicit Decoder(std::shared_ptr<const Bytes> owner) : owner_(std::move(owner)), reader_(*owner_) {}

  Result<Message> message() {
    Message decoded;
    RZ_CHECK(reader_.array_of(7));
    std::size_t at = reader_.offset();
    RZ_TRY(const std::uint64_t version, reader_.unsigned_int());
    if (version != message_version) {
      return fail_at(ErrorCode::raft_unknown_version, at, words("message version ", version));
    }
    at = reader_.offset();
    RZ_TRY(const std::uint64_t kind, reader_.unsigned_int());
    RZ_CHECK(read(decoded.from));
    RZ_CHECK(read(decoded.to));
    RZ_TRY(decoded.generation, read_generation(reader_));
    RZ_TRY(decoded.term.n, reader_.unsigned_int());
    RZ_CHECK(body(kind, at, decoded.body));
    RZ_CHECK(reader_.finish());
    return decoded;
  }

 private:
  // Reads the body of the kind, by its position in the variant.
  template <std::size_t position = 0>
  Status body(std::uint64_t kind, std::size_t at, MessageBody& into) {
    if constexpr (position == std::variant_size_v<MessageBody>) {
      return fail_at(ErrorCode::raft_unknown_kind, at, words("message kind ", kind));
    } else {
      if (kind != position) return body<position + 1>(kind, at, into);
      std::variant_alternative_t<position, MessageBody> decoded;
      RZ_CHECK(read(decoded));
      into = std::move(decoded);
      return {};
    }
  }

  Status read(Member& member) {
    RZ_CHECK(reader_.array_of(2));
    RZ_TRY(member.id, reader_.fixed<NodeId>());
    return read(member.incarnation.n);
  }

  Status read(std::uint64_t& value) {
    RZ_TRY(value, reader_.unsigned_int());
    return {};
  }
  Status read(Index& index) { return read(index.n); }
  Status read(bool& value) {
    RZ_TRY(value, reader_.boolean());
    return {};
  }
  Status read(EntryId& id) {
    RZ_TRY(id, read_entry_id(reader_));
    return {};
  }

  Status read(Entries& entries) {
    const std::size_t start = reader_.offset();
    RZ_TRY(const std::size_t count, reader_.array(message_entries_max));
    std::vector<Entry> decoded;
    // An entry takes 79 bytes or more: what is left of the input bounds what is reserved.
    decoded.reserve(std::min(count, (owner_->size() - start) / 79 + 1));
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t at = reader_.offset();
      RZ_TRY(Entry entry, read_entry(reader_, owner_));
      if (i > 0 && !continues(decoded.back(), entry)) {
        return fail_at(ErrorCode::raft_bad_chain, at, "an entry that does not continue the one before");
      }
      decoded.push_back(std::move(entry));
    }
    if (count > 0) entries = Entries::of(std::move(decoded));
    return {};
  }

  template <class... Fields>
  Status read_fields(Fields&... fields) {
    RZ_CHECK(reader_.array_of(sizeof...(fields)));
    Status status;
    ((status = status ? read(fields) : std::move(status)), ...);
    return status;
  }

  Status read(VoteRequest& body) { return read_fields(body.pre, body.by_transfer, body.last); }
  Status read(VoteReply& body) { return read_fields(body.pre, body.granted); }
  Status read(Append& body) { return read_fields(body.prev, body.commit, body.entries); }
  Status read(AppendReply& body) { return read_fields(body.rejected, body.match, body.hint, body.last_seen); }
  Status read(Heartbeat& body) { return read_fields(body.commit, body.round, body.wants_reply, body.silent); }
  Status read(HeartbeatReply& body) {
    return read_fields(body.round, body.match, body.agreed, body.silent, body.damaged);
  }
  Status read(InstallSnapshot& body) {
    RZ_CHECK(reader_.array_of(1));
    RZ_TRY(body.record, read_snapshot_record(reader_));
    return {};
  }
  Status read(ReadRequest& body) { return read_fields(body.request.n); }
  Status read(ReadReply& body) { return read_fields(body.request.n, body.index, body.refused); }
  Status read(TimeoutNow&) { return reader_.array_of(0); }
  Status read(Wake&) { return reader_.array_of(0); }
  Status read(Leaving&) { return reader_.array_of(0); }
  Status read(RepairRequest& body) { return read_fields(body.begin, body.end); }
  Status read(RepairReply& body) { return read_fields(body.entries); }

  std::shared_ptr<const Bytes> owner_;
  Reader reader_;
};

}  // namespace

bool is_leaders(const MessageBody& body) {
  return std::holds_alternative<Append>(body) || std::holds_alternative<Heartbeat>(body) ||
         std::holds_alternative<InstallSnapshot>(body);
}

bool is_timeless(const MessageBody& body) {
  return std::holds_alternative<Wake>(body) || std::holds_alternative<RepairRequest>(body) ||
         std::holds_alternative<RepairReply>(body);
}

Bytes encode(const Message& message) {
  Bytes out;
  cbor::put_array(out, 7);
  cbor::put_uint(out, message_version);
  cbor::put_uint(out, message.body.index());
  put(out, message.from);
  put(out, message.to);
  put_generation(out, message.generation);
  cbor::put_uint(out, message.term.n);
  std::visit([&](const auto& body) { put(out, body); }, message.body);
  return out;
}

Result<Message> decode_message(std::shared_ptr<const Bytes> bytes) {
  if (bytes->size() > message_bytes_max) return fail_at(ErrorCode::too_large, 0, "a message over its limit");
  return Decoder(std::move(bytes)).message();
}

void put_snapshot_record(Bytes& out, const SnapshotRecord& record) {
  cbor::put_array(out, 4);
  put_entry_id(out, record.last);
  append(out, encode(record.configuration));
  cbor::put_uint(out, record.time.ms);
  cbor::put_bytes(out, record.content.view());
}

Result<SnapshotRecord> read_snapshot_record(Reader& reader) {
  SnapshotRecord record;
  RZ_CHECK(reader.array_of(4));
  RZ_TRY(record.last, read_entry_id(reader));
  RZ_TRY(record.configuration, read_configuration(reader));
  RZ_TRY(record.time.ms, reader.unsigned_int());
  RZ_TRY(record.content, reader.fixed<ContentId>());
  return record;
}

void put_generation(Bytes& out, const Generation& generation) {
  cbor::put_array(out, 2);
  cbor::put_uint(out, generation.number);
  cbor::put_bytes(out, generation.founding.view());
}

Result<Generation> read_generation(Reader& reader) {
  Generation generation;
  RZ_CHECK(reader.array_of(2));
  RZ_TRY(generation.number, reader.unsigned_int());
  RZ_TRY(generation.founding, reader.fixed<FoundingHash>());
  return generation;
}

}  // namespace rz::raft
