#include "log/control.h"

#include "log/control_codec.h"

namespace rz::log {
namespace {

using codec::Reader;
using control_codec::Args;

template <class Op>
constexpr bool is_unknown = std::is_same_v<Op, Unknown>;

// Tries the alternatives of Operation one after the other by name; the last one, Unknown, takes what is left.
template <std::size_t at = 0>
Result<Operation> decode_named(Reader& reader, std::string_view name, std::uint64_t argument_count,
                               std::string_view right, std::size_t right_at) {
  using Op = std::variant_alternative_t<at, Operation>;
  if constexpr (is_unknown<Op>) {
    Unknown unknown{std::string(name), {}, argument_count};
    const ByteView arguments = reader.rest();
    for (std::uint64_t i = 0; i < argument_count; ++i) RZ_CHECK(reader.skip());
    unknown.arguments = to_bytes(arguments.first(arguments.size() - reader.rest().size()));
    return Operation{std::move(unknown)};
  } else {
    if (name != Args<Op>::name) return decode_named<at + 1>(reader, name, argument_count, right, right_at);
    if (right != Args<Op>::right) {
      return fail_at(ErrorCode::control_right, right_at,
                     words("\"", name, "\" needs the right \"", Args<Op>::right, "\", not \"", right, "\""));
    }
    if (argument_count != Args<Op>::count) {
      return fail_at(ErrorCode::unexpected_count, 0,
                     words("\"", name, "\" has ", Args<Op>::count, " arguments, not ", argument_count));
    }
    Op operation;
    RZ_CHECK(Args<Op>::get(reader, operation));
    return Operation{std::move(operation)};
  }
}

Bytes encode_unchecked(const ControlBody& body) {
  Bytes out;
  std::visit(
      [&](const auto& operation) {
        using Op = std::decay_t<decltype(operation)>;
        if constexpr (is_unknown<Op>) {
          cbor::put_array(out, 2 + operation.argument_count);
          cbor::put_text(out, body.right);
          cbor::put_text(out, operation.operation);
          append(out, operation.arguments);
        } else {
          cbor::put_array(out, 2 + Args<Op>::count);
          cbor::put_text(out, body.right);
          cbor::put_text(out, Args<Op>::name);
          Args<Op>::put(out, operation);
        }
      },
      body.operation);
  return out;
}

}  // namespace

std::string_view operation_name(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> std::string_view {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (is_unknown<Op>) {
          return op.operation;
        } else {
          return Args<Op>::name;
        }
      },
      operation);
}

std::string_view right_needed(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> std::string_view {
        using Op = std::decay_t<decltype(op)>;
        if constexpr (is_unknown<Op>) {
          return {};
        } else {
          return Args<Op>::right;
        }
      },
      operation);
}

ControlBody control(Operation operation) {
  RZ_REQUIRE(!std::holds_alternative<Unknown>(operation));
  std::string right(right_needed(operation));
  return {std::move(right), std::move(operation)};
}

Result<Bytes> encode_control(const ControlBody& body) {
  Bytes out = encode_unchecked(body);
  // What this version would not read back, it doesn't write: the decoder is the one place that knows the rules.
  RZ_CHECK(decode_control(out));
  return out;
}

Result<ControlBody> decode_control(ByteView bytes) {
  if (bytes.size() > body_bytes_max) {
    return fail(ErrorCode::body_too_large, words("a body of ", bytes.size(), " bytes, at most ", body_bytes_max));
  }
  Reader reader(bytes);
  RZ_TRY(const std::uint64_t items, reader.expect_array());
  if (items < 2) return fail_at(ErrorCode::unexpected_count, 0, "a control body has a right and an operation");
  ControlBody body;
  const std::size_t right_at = reader.offset();
  RZ_TRY(body.right, codec::read_text(reader, right_bytes_max));
  RZ_TRY(const std::string name, codec::read_text(reader, right_bytes_max));
  RZ_TRY(body.operation, decode_named(reader, name, items - 2, body.right, right_at));
  RZ_CHECK(reader.finish());
  return body;
}

const Endorsement* endorsement_of(const Operation& operation) {
  return std::visit(
      [](const auto& op) -> const Endorsement* {
        if constexpr (requires { op.endorsement; }) {
          return &op.endorsement;
        } else {
          return nullptr;
        }
      },
      operation);
}

Endorsement* endorsement_of(Operation& operation) {
  return const_cast<Endorsement*>(endorsement_of(std::as_const(operation)));
}

Bytes endorsement_message(const StreamId& stream, const AuthorKey& author, const Operation& operation) {
  ControlBody body = control(operation);
  if (Endorsement* endorsement = endorsement_of(body.operation)) *endorsement = {};
  Bytes out;
  cbor::put_array(out, 3);
  codec::put_fixed(out, stream);
  codec::put_fixed(out, author);
  cbor::put_bytes(out, encode_unchecked(body));
  return out;
}

Bytes enter_message(const AuthorKey& author, const StreamId& stream) {
  Bytes out;
  cbor::put_array(out, 2);
  codec::put_fixed(out, author);
  codec::put_fixed(out, stream);
  return out;
}

Bytes rotation_message(const Did& did, const AuthorKey& device, const AuthorKey& successor,
                       const crypto::BoxPublicKey& box) {
  Bytes out;
  cbor::put_array(out, 4);
  codec::put_fixed(out, did);
  codec::put_fixed(out, device);
  codec::put_fixed(out, successor);
  codec::put_fixed(out, box);
  return out;
}

}  // namespace rz::log
