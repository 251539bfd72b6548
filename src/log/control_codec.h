// The arguments of every control operation, as bytes: one `Args<Operation>` each with its name, the right it needs, how
// many items it takes, `put` and `get`. Private to control.cc.
#pragma once

#include "log/codec.h"
#include "log/control.h"

namespace rz::log::control_codec {

using codec::Reader;

template <class Op>
struct Args;

// --- Pieces ----------------------------------------------------------------------------------------------------------

inline std::unexpected<Error> out_of_order(std::size_t at, std::string_view what) {
  return fail_at(ErrorCode::list_order, at, words(what, " must ascend"));
}
inline std::unexpected<Error> bad_value(std::size_t at, std::string_view what) {
  return fail_at(ErrorCode::control_value, at, what);
}

// A list whose items must strictly ascend by `key`.
template <class Item, class Key, class ReadItem>
Status get_list(Reader& reader, std::vector<Item>& out, std::string_view what, Key&& key, ReadItem&& read_item) {
  RZ_TRY(const std::size_t count, codec::read_count(reader, list_items_max));
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = reader.offset();
    Item item;
    RZ_CHECK(read_item(item));
    if (!out.empty() && !(key(out.back()) < key(item))) return out_of_order(at, what);
    out.push_back(std::move(item));
  }
  return {};
}

inline void put_audience(Bytes& out, const Audience& audience) {
  cbor::put_array(out, 2);
  cbor::put_uint(out, static_cast<std::uint64_t>(audience.kind));
  codec::put_fixed(out, audience.key);
}
inline Status get_audience(Reader& reader, Audience& audience) {
  RZ_CHECK(reader.expect_array(2));
  RZ_TRY(const std::uint64_t kind, codec::read_uint_up_to(reader, 1, ErrorCode::control_value));
  audience.kind = static_cast<AudienceKind>(kind);
  return reader.expect_fixed(audience.key);
}

template <class Tag>
void put_optional_fixed(Bytes& out, const std::optional<FixedBytes<Tag, 32>>& value) {
  if (value) {
    codec::put_fixed(out, *value);
  } else {
    codec::put_null(out);
  }
}
template <class Tag>
Status get_optional_fixed(Reader& reader, std::optional<FixedBytes<Tag, 32>>& value) {
  RZ_TRY(const bool none, codec::read_null(reader));
  if (none) return {};
  value.emplace();
  return reader.expect_fixed(*value);
}
template <class Tag>
void put_optional_link(Bytes& out, const std::optional<FixedBytes<Tag, 32>>& value) {
  if (value) {
    codec::put_link(out, *value);
  } else {
    codec::put_null(out);
  }
}

inline void put_wraps(Bytes& out, const std::vector<Wrap>& wraps) {
  cbor::put_array(out, wraps.size());
  for (const Wrap& wrap : wraps) {
    cbor::put_array(out, 2);
    codec::put_fixed(out, wrap.reader);
    cbor::put_bytes(out, wrap.sealed);
  }
}
inline Status get_wraps(Reader& reader, std::vector<Wrap>& wraps) {
  return get_list(
      reader, wraps, "wraps", [](const Wrap& wrap) -> const auto& { return wrap.reader; },
      [&reader](Wrap& wrap) -> Status {
        RZ_CHECK(reader.expect_array(2));
        RZ_CHECK(reader.expect_fixed(wrap.reader));
        const std::size_t at = reader.offset();
        RZ_TRY(const ByteView sealed, reader.expect_bytes());
        if (sealed.size() != wrapped_key_bytes) return bad_value(at, "a wrapped key has 80 bytes");
        wrap.sealed = to_bytes(sealed);
        return {};
      });
}

inline void put_blobs(Bytes& out, const std::vector<Blob>& blobs) {
  cbor::put_array(out, blobs.size());
  for (const Blob& blob : blobs) {
    cbor::put_array(out, 3);
    cbor::put_uint(out, blob.codec);
    codec::put_fixed(out, blob.digest);
    cbor::put_uint(out, blob.bytes);
  }
}
inline Status get_blobs(Reader& reader, std::vector<Blob>& blobs) {
  return get_list(
      reader, blobs, "blobs", [](const Blob& blob) { return std::pair(blob.codec, blob.digest); },
      [&reader](Blob& blob) -> Status {
        RZ_CHECK(reader.expect_array(3));
        RZ_TRY(blob.codec, codec::read_uint_up_to(reader, 0x7f, ErrorCode::control_value));
        RZ_CHECK(reader.expect_fixed(blob.digest));
        RZ_TRY(blob.bytes, codec::read_uint(reader));
        return {};
      });
}

inline void put_endorsement(Bytes& out, const Endorsement& endorsement) {
  cbor::put_array(out, 2);
  cbor::put_array(out, endorsement.devices.size());
  for (const CoSignature& signed_by : endorsement.devices) {
    cbor::put_array(out, 2);
    codec::put_fixed(out, signed_by.author);
    codec::put_fixed(out, signed_by.signature);
  }
  if (!endorsement.paper) {
    codec::put_null(out);
    return;
  }
  cbor::put_array(out, 2);
  codec::put_fixed(out, endorsement.paper->key);
  codec::put_fixed(out, endorsement.paper->signature);
}
inline Status get_endorsement(Reader& reader, Endorsement& endorsement) {
  RZ_CHECK(reader.expect_array(2));
  const std::size_t at = reader.offset();
  auto devices_read = get_list(
      reader, endorsement.devices, "co-signatures", [](const CoSignature& by) -> const auto& { return by.author; },
      [&reader](CoSignature& by) -> Status {
        RZ_CHECK(reader.expect_array(2));
        RZ_CHECK(reader.expect_fixed(by.author));
        return reader.expect_fixed(by.signature);
      });
  RZ_CHECK(std::move(devices_read));
  if (endorsement.devices.size() > co_signatures_max) {
    return fail_at(ErrorCode::limit_exceeded, at, words("at most ", co_signatures_max, " co-signatures"));
  }
  RZ_TRY(const bool none, codec::read_null(reader));
  if (none) return {};
  endorsement.paper.emplace();
  RZ_CHECK(reader.expect_array(2));
  RZ_CHECK(reader.expect_fixed(endorsement.paper->key));
  return reader.expect_fixed(endorsement.paper->signature);
}

inline void put_device(Bytes& out, const AddDevice& add) {
  codec::put_fixed(out, add.device);
  codec::put_fixed(out, add.box);
  cbor::put_uint(out, static_cast<std::uint64_t>(add.kind));
  cbor::put_text(out, add.name);
  put_optional_fixed(out, add.fingerprint);
}
inline Status get_device(Reader& reader, AddDevice& add) {
  RZ_CHECK(reader.expect_fixed(add.device));
  RZ_CHECK(reader.expect_fixed(add.box));
  RZ_TRY(const std::uint64_t kind, codec::read_uint_up_to(reader, 2, ErrorCode::control_value));
  add.kind = static_cast<DeviceKind>(kind);
  RZ_TRY(add.name, codec::read_text(reader, text_bytes_max));
  return get_optional_fixed(reader, add.fingerprint);
}

inline Status get_predecessors(Reader& reader, std::vector<EventId>& predecessors) {
  return codec::read_links(reader, predecessors, predecessors_max);
}

// --- Of any stream ---------------------------------------------------------------------------------------------------

template <>
struct Args<Grant> {
  static constexpr std::string_view name = "grant", right = rights::grant;
  static constexpr std::uint64_t count = 5;
  static void put(Bytes& out, const Grant& grant) {
    put_audience(out, grant.audience);
    cbor::put_array(out, grant.rights.names().size());
    for (const std::string& each : grant.rights.names()) cbor::put_text(out, each);
    cbor::put_text(out, grant.path);
    if (grant.expires) {
      cbor::put_uint(out, grant.expires->ms);
    } else {
      codec::put_null(out);
    }
    put_optional_link(out, grant.proof);
  }
  static Status get(Reader& reader, Grant& grant) {
    RZ_CHECK(get_audience(reader, grant.audience));
    std::vector<std::string> names;
    auto names_read = get_list(
        reader, names, "rights", [](const std::string& each) -> const auto& { return each; },
        [&reader](std::string& each) -> Status {
          RZ_TRY(each, codec::read_text(reader, right_bytes_max));
          return {};
        });
    RZ_CHECK(std::move(names_read));
    grant.rights = RightSet(std::move(names));
    RZ_TRY(grant.path, codec::read_text(reader, text_bytes_max));
    RZ_TRY(const bool forever, codec::read_null(reader));
    if (!forever) {
      RZ_TRY(const std::uint64_t ms, codec::read_uint(reader));
      grant.expires = UnixMs{ms};
    }
    return codec::read_optional_link(reader, grant.proof);
  }
};

template <>
struct Args<Revoke> {
  static constexpr std::string_view name = "revoke", right = rights::grant;
  static constexpr std::uint64_t count = 3;
  static void put(Bytes& out, const Revoke& revoke) {
    put_audience(out, revoke.audience);
    put_optional_link(out, revoke.grant);
    codec::put_links(out, revoke.heads);
  }
  static Status get(Reader& reader, Revoke& revoke) {
    RZ_CHECK(get_audience(reader, revoke.audience));
    RZ_CHECK(codec::read_optional_link(reader, revoke.grant));
    return codec::read_links(reader, revoke.heads, list_items_max);
  }
};

template <>
struct Args<OpenEpoch> {
  static constexpr std::string_view name = "epoch", right = rights::write;
  static constexpr std::uint64_t count = 4;
  static void put(Bytes& out, const OpenEpoch& epoch) {
    codec::put_links(out, epoch.joins);
    codec::put_fixed(out, epoch.commitment);
    put_wraps(out, epoch.wraps);
    cbor::put_array(out, epoch.older.size());
    for (const Commitment& older : epoch.older) {
      cbor::put_array(out, 2);
      codec::put_link(out, older.epoch);
      codec::put_fixed(out, older.commitment);
    }
  }
  static Status get(Reader& reader, OpenEpoch& epoch) {
    const std::size_t at = reader.offset();
    RZ_CHECK(codec::read_links(reader, epoch.joins, list_items_max));
    if (epoch.joins.size() == 1) return bad_value(at, "a joint epoch joins at least two");
    RZ_CHECK(reader.expect_fixed(epoch.commitment));
    RZ_CHECK(get_wraps(reader, epoch.wraps));
    return get_list(
        reader, epoch.older, "older commitments", [](const Commitment& older) -> const auto& { return older.epoch; },
        [&reader](Commitment& older) -> Status {
          RZ_CHECK(reader.expect_array(2));
          RZ_CHECK(codec::read_link(reader, older.epoch));
          return reader.expect_fixed(older.commitment);
        });
  }
};

template <>
struct Args<MoreWraps> {
  static constexpr std::string_view name = "wrap", right = rights::write;
  static constexpr std::uint64_t count = 2;
  static void put(Bytes& out, const MoreWraps& more) {
    codec::put_link(out, more.epoch);
    put_wraps(out, more.wraps);
  }
  static Status get(Reader& reader, MoreWraps& more) {
    RZ_CHECK(codec::read_link(reader, more.epoch));
    return get_wraps(reader, more.wraps);
  }
};

template <>
struct Args<Branch> {
  static constexpr std::string_view name = "branch", right = rights::branch;
  static constexpr std::uint64_t count = 2;
  static void put(Bytes& out, const Branch& branch) {
    codec::put_links(out, branch.heads);
    cbor::put_array(out, branch.writers.size());
    for (const AuthorKey& writer : branch.writers) codec::put_fixed(out, writer);
  }
  static Status get(Reader& reader, Branch& branch) {
    RZ_CHECK(codec::read_links(reader, branch.heads, list_items_max));
    return get_list(
        reader, branch.writers, "writers", [](const AuthorKey& writer) -> const auto& { return writer; },
        [&reader](AuthorKey& writer) { return reader.expect_fixed(writer); });
  }
};

template <>
struct Args<Accept> {
  static constexpr std::string_view name = "accept", right = rights::write;
  static constexpr std::uint64_t count = 2;
  static void put(Bytes& out, const Accept& accept) {
    codec::put_links(out, accept.heads);
    if (accept.events) {
      codec::put_links(out, *accept.events);
    } else {
      codec::put_null(out);
    }
  }
  static Status get(Reader& reader, Accept& accept) {
    RZ_CHECK(codec::read_links(reader, accept.heads, list_items_max));
    RZ_TRY(const bool all, codec::read_null(reader));
    if (all) return {};
    accept.events.emplace();
    return codec::read_links(reader, *accept.events, list_items_max);
  }
};

template <>
struct Args<Enter> {
  static constexpr std::string_view name = "enter", right = rights::enter;
  static constexpr std::uint64_t count = 3;
  static void put(Bytes& out, const Enter& enter) {
    codec::put_link(out, enter.grant);
    codec::put_link(out, enter.added);
    codec::put_fixed(out, enter.by_device);
  }
  static Status get(Reader& reader, Enter& enter) {
    RZ_CHECK(codec::read_link(reader, enter.grant));
    RZ_CHECK(codec::read_link(reader, enter.added));
    return reader.expect_fixed(enter.by_device);
  }
};

template <>
struct Args<Erase> {
  static constexpr std::string_view name = "erase", right = rights::write;
  static constexpr std::uint64_t count = 1;
  static void put(Bytes& out, const Erase& erase) {
    cbor::put_array(out, erase.items.size());
    for (const Erase::Item& item : erase.items) {
      cbor::put_array(out, 2);
      codec::put_link(out, item.event);
      codec::put_fixed(out, item.redacted);
    }
  }
  static Status get(Reader& reader, Erase& erase) {
    return get_list(
        reader, erase.items, "erased events", [](const Erase::Item& item) -> const auto& { return item.event; },
        [&reader](Erase::Item& item) -> Status {
          RZ_CHECK(reader.expect_array(2));
          RZ_CHECK(codec::read_link(reader, item.event));
          return reader.expect_fixed(item.redacted);
        });
  }
};

template <>
struct Args<Root> {
  static constexpr std::string_view name = "root", right = rights::own;
  static constexpr std::uint64_t count = 4;
  static void put(Bytes& out, const Root& root) {
    cbor::put_array(out, root.heads.size());
    for (const Root::Head& head : root.heads) {
      cbor::put_array(out, 4);
      codec::put_link(out, head.event);
      for (const std::uint64_t value : {head.depth, head.own, head.effective.ms}) cbor::put_uint(out, value);
    }
    cbor::put_array(out, root.authors.size());
    for (const Root::Author& author : root.authors) {
      cbor::put_array(out, 4);
      codec::put_fixed(out, author.author);
      for (const std::uint64_t value : {author.depth, author.own, author.effective.ms}) cbor::put_uint(out, value);
    }
    codec::put_link(out, root.state);
    codec::put_links(out, root.controls);
  }
  static Status get(Reader& reader, Root& root) {
    const auto numbers = [&reader](auto& item) -> Status {
      RZ_TRY(item.depth, codec::read_uint(reader));
      RZ_TRY(item.own, codec::read_uint(reader));
      RZ_TRY(item.effective.ms, codec::read_uint(reader));
      return {};
    };
    auto heads_read = get_list(
        reader, root.heads, "heads", [](const Root::Head& head) -> const auto& { return head.event; },
        [&](Root::Head& head) -> Status {
          RZ_CHECK(reader.expect_array(4));
          RZ_CHECK(codec::read_link(reader, head.event));
          return numbers(head);
        });
    RZ_CHECK(std::move(heads_read));
    auto authors_read = get_list(
        reader, root.authors, "authors", [](const Root::Author& author) -> const auto& { return author.author; },
        [&](Root::Author& author) -> Status {
          RZ_CHECK(reader.expect_array(4));
          RZ_CHECK(reader.expect_fixed(author.author));
          return numbers(author);
        });
    RZ_CHECK(std::move(authors_read));
    RZ_CHECK(codec::read_link(reader, root.state));
    return codec::read_links(reader, root.controls, list_items_max);
  }
};

template <>
struct Args<Attach> {
  static constexpr std::string_view name = "attach", right = rights::write;
  static constexpr std::uint64_t count = 1;
  static void put(Bytes& out, const Attach& attach) { put_blobs(out, attach.blobs); }
  static Status get(Reader& reader, Attach& attach) { return get_blobs(reader, attach.blobs); }
};

template <>
struct Args<Release> {
  static constexpr std::string_view name = "release", right = rights::write;
  static constexpr std::uint64_t count = 1;
  static void put(Bytes& out, const Release& release) { put_blobs(out, release.blobs); }
  static Status get(Reader& reader, Release& release) { return get_blobs(reader, release.blobs); }
};

// --- Of the catalogue ------------------------------------------------------------------------------------------------

template <>
struct Args<List> {
  static constexpr std::string_view name = "list", right = rights::create;
  static constexpr std::uint64_t count = 2;
  static void put(Bytes& out, const List& list) {
    cbor::put_bytes(out, list.genesis);
    cbor::put_uint(out, static_cast<std::uint64_t>(list.keeping));
  }
  static Status get(Reader& reader, List& list) {
    const std::size_t at = reader.offset();
    RZ_TRY(list.genesis, codec::read_bytes(reader, genesis_bytes_max));
    if (!decode_genesis(list.genesis)) return bad_value(at, "the bytes are no genesis of a stream with an owner");
    RZ_TRY(const std::uint64_t keeping, codec::read_uint_up_to(reader, 1, ErrorCode::control_value));
    list.keeping = static_cast<Keeping>(keeping);
    return {};
  }
};

template <>
struct Args<Unlist> {
  static constexpr std::string_view name = "unlist", right = rights::own;
  static constexpr std::uint64_t count = 1;
  static void put(Bytes& out, const Unlist& unlist) { codec::put_link(out, unlist.stream); }
  static Status get(Reader& reader, Unlist& unlist) { return codec::read_link(reader, unlist.stream); }
};

// --- Of stream zero
// ----------------------------------------------------------------------------------------------------

template <>
struct Args<AddDevice> {
  static constexpr std::string_view name = "add", right = rights::device;
  static constexpr std::uint64_t count = 5;
  static void put(Bytes& out, const AddDevice& add) { put_device(out, add); }
  static Status get(Reader& reader, AddDevice& add) { return get_device(reader, add); }
};

template <>
struct Args<ConfirmDevice> {
  static constexpr std::string_view name = "confirm", right = rights::device;
  static constexpr std::uint64_t count = 3;
  static void put(Bytes& out, const ConfirmDevice& confirm) {
    codec::put_fixed(out, confirm.device);
    codec::put_link(out, confirm.added);
    put_endorsement(out, confirm.endorsement);
  }
  static Status get(Reader& reader, ConfirmDevice& confirm) {
    RZ_CHECK(reader.expect_fixed(confirm.device));
    RZ_CHECK(codec::read_link(reader, confirm.added));
    return get_endorsement(reader, confirm.endorsement);
  }
};

template <>
struct Args<SuspendDevice> {
  static constexpr std::string_view name = "suspend", right = rights::device;
  static constexpr std::uint64_t count = 1;
  static void put(Bytes& out, const SuspendDevice& suspend) { codec::put_fixed(out, suspend.device); }
  static Status get(Reader& reader, SuspendDevice& suspend) { return reader.expect_fixed(suspend.device); }
};

template <>
struct Args<LiftSuspension> {
  static constexpr std::string_view name = "lift", right = rights::device;
  static constexpr std::uint64_t count = 3;
  static void put(Bytes& out, const LiftSuspension& lift) {
    codec::put_fixed(out, lift.device);
    codec::put_links(out, lift.suspensions);
    put_endorsement(out, lift.endorsement);
  }
  static Status get(Reader& reader, LiftSuspension& lift) {
    RZ_CHECK(reader.expect_fixed(lift.device));
    RZ_CHECK(codec::read_links(reader, lift.suspensions, list_items_max));
    return get_endorsement(reader, lift.endorsement);
  }
};

template <>
struct Args<RemoveDevice> {
  static constexpr std::string_view name = "remove", right = rights::device;
  static constexpr std::uint64_t count = 4;
  static void put(Bytes& out, const RemoveDevice& remove) {
    codec::put_fixed(out, remove.device);
    codec::put_fixed(out, remove.cut);
    codec::put_links(out, remove.predecessors);
    put_endorsement(out, remove.endorsement);
  }
  static Status get(Reader& reader, RemoveDevice& remove) {
    RZ_CHECK(reader.expect_fixed(remove.device));
    RZ_CHECK(reader.expect_fixed(remove.cut));
    RZ_CHECK(get_predecessors(reader, remove.predecessors));
    return get_endorsement(reader, remove.endorsement);
  }
};

template <>
struct Args<RotateKeys> {
  static constexpr std::string_view name = "rotate", right = rights::device;
  static constexpr std::uint64_t count = 7;
  static void put(Bytes& out, const RotateKeys& rotate) {
    codec::put_fixed(out, rotate.device);
    codec::put_fixed(out, rotate.successor);
    codec::put_fixed(out, rotate.successor_box);
    codec::put_fixed(out, rotate.possession);
    codec::put_fixed(out, rotate.cut);
    codec::put_links(out, rotate.predecessors);
    put_endorsement(out, rotate.endorsement);
  }
  static Status get(Reader& reader, RotateKeys& rotate) {
    RZ_CHECK(reader.expect_fixed(rotate.device));
    RZ_CHECK(reader.expect_fixed(rotate.successor));
    RZ_CHECK(reader.expect_fixed(rotate.successor_box));
    RZ_CHECK(reader.expect_fixed(rotate.possession));
    RZ_CHECK(reader.expect_fixed(rotate.cut));
    RZ_CHECK(get_predecessors(reader, rotate.predecessors));
    return get_endorsement(reader, rotate.endorsement);
  }
};

template <>
struct Args<SetPolicy> {
  static constexpr std::string_view name = "policy", right = rights::device;
  static constexpr std::uint64_t count = 3;
  static void put(Bytes& out, const SetPolicy& policy) {
    cbor::put_bytes(out, policy.policy);
    codec::put_links(out, policy.predecessors);
    put_endorsement(out, policy.endorsement);
  }
  static Status get(Reader& reader, SetPolicy& policy) {
    RZ_TRY(policy.policy, codec::read_bytes(reader, small_bytes_max));
    RZ_CHECK(get_predecessors(reader, policy.predecessors));
    return get_endorsement(reader, policy.endorsement);
  }
};

template <>
struct Args<SetServices> {
  static constexpr std::string_view name = "services", right = rights::device;
  static constexpr std::uint64_t count = 1;
  static void put(Bytes& out, const SetServices& set) {
    cbor::put_array(out, set.services.size());
    for (const SetServices::Service& service : set.services) {
      cbor::put_array(out, 3);
      cbor::put_text(out, service.id);
      cbor::put_text(out, service.type);
      cbor::put_text(out, service.endpoint);
    }
  }
  static Status get(Reader& reader, SetServices& set) {
    return get_list(
        reader, set.services, "services", [](const SetServices::Service& each) -> const auto& { return each.id; },
        [&reader](SetServices::Service& each) -> Status {
          RZ_CHECK(reader.expect_array(3));
          RZ_TRY(each.id, codec::read_text(reader, text_bytes_max));
          RZ_TRY(each.type, codec::read_text(reader, text_bytes_max));
          RZ_TRY(each.endpoint, codec::read_text(reader, text_bytes_max));
          return {};
        });
  }
};

template <>
struct Args<Recover> {
  static constexpr std::string_view name = "recover", right = rights::enter;
  static constexpr std::uint64_t count = 9;
  static void put(Bytes& out, const Recover& recover) {
    put_device(out, recover.device);
    codec::put_fixed(out, recover.next_recovery_hash);
    codec::put_fixed(out, recover.next_recovery_box);
    codec::put_links(out, recover.predecessors);
    put_endorsement(out, recover.endorsement);
  }
  static Status get(Reader& reader, Recover& recover) {
    RZ_CHECK(get_device(reader, recover.device));
    RZ_CHECK(reader.expect_fixed(recover.next_recovery_hash));
    RZ_CHECK(reader.expect_fixed(recover.next_recovery_box));
    RZ_CHECK(get_predecessors(reader, recover.predecessors));
    const std::size_t at = reader.offset();
    RZ_CHECK(get_endorsement(reader, recover.endorsement));
    if (!recover.endorsement.paper) return bad_value(at, "a recovery is signed by the paper key");
    return {};
  }
};

template <>
struct Args<Veto> {
  static constexpr std::string_view name = "veto", right = rights::device;
  static constexpr std::uint64_t count = 2;
  static void put(Bytes& out, const Veto& veto) {
    codec::put_link(out, veto.recovery);
    put_endorsement(out, veto.endorsement);
  }
  static Status get(Reader& reader, Veto& veto) {
    RZ_CHECK(codec::read_link(reader, veto.recovery));
    return get_endorsement(reader, veto.endorsement);
  }
};

template <>
struct Args<FoundGeneration> {
  static constexpr std::string_view name = "generation", right = rights::device;
  static constexpr std::uint64_t count = 3;
  static void put(Bytes& out, const FoundGeneration& found) {
    cbor::put_uint(out, found.number);
    put_optional_fixed(out, found.after);
    cbor::put_array(out, found.voters.size());
    for (const AuthorKey& voter : found.voters) codec::put_fixed(out, voter);
  }
  static Status get(Reader& reader, FoundGeneration& found) {
    RZ_TRY(found.number, codec::read_uint(reader));
    RZ_CHECK(get_optional_fixed(reader, found.after));
    return get_list(
        reader, found.voters, "voters", [](const AuthorKey& voter) -> const auto& { return voter; },
        [&reader](AuthorKey& voter) { return reader.expect_fixed(voter); });
  }
};

template <>
struct Args<NameDevice> {
  static constexpr std::string_view name = "name", right = rights::device;
  static constexpr std::uint64_t count = 2;
  static void put(Bytes& out, const NameDevice& named) {
    codec::put_fixed(out, named.device);
    cbor::put_text(out, named.name);
  }
  static Status get(Reader& reader, NameDevice& named) {
    RZ_CHECK(reader.expect_fixed(named.device));
    RZ_TRY(named.name, codec::read_text(reader, text_bytes_max));
    return {};
  }
};

}  // namespace rz::log::control_codec
