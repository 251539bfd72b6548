// Pairing: how a new device joins, as two state machines, `Inviter` on a device of the pod and `Newcomer` on the new
// one. No password protocol is needed, because the code holds 128 random bits (join_code.h). Messages:
// pairing_messages.h.
//
// Invariants:
//   1. The newcomer proves first: an inviter says nothing that depends on the code to who does not know it.
//   2. A code lets one device in: it is burnt durably (Output::persist, then Persisted) before the inviter answers.
//   3. It is burnt after pairing_failures_max wrong proofs, and after pairing_code_lifetime.
//   4. Only the owner's yes (Answer) leads to an addition, and the owner has seen name and fingerprint by then.
//
// Time: `now` is a clock that counts sleep (CLOCK_BOOTTIME), so that a laptop's lid does not stretch ten minutes. After
// a restart `Inviter` starts from the stored records and has no open code: what was open counts as expired.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/tick.h"
#include "identity/keys.h"
#include "identity/pairing_messages.h"

namespace rz::identity {

inline constexpr int pairing_failures_max = 5;
inline constexpr Duration pairing_code_lifetime = seconds(600);
inline constexpr Duration pairing_answer_lifetime = seconds(600);  // From a right proof to the end of it all.
inline constexpr Duration pairing_silence_max = seconds(30);       // The newcomer's patience for the next message.
inline constexpr std::size_t pairing_records_max = 16;             // Past codes that are still told from wrong ones.

// The host's name for one authenticated connection; never used twice.
struct ConnectionId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(ConnectionId, ConnectionId) = default;
};

// What TLS knows about the connection that a message came on.
struct PairingPeer {
  ConnectionId connection;
  Exporter exporter;
  crypto::PublicKey key;  // The other side's device key, as its certificate proved.
};

enum class CodeState : std::uint8_t { open = 0, used = 1, expired = 2, locked = 3, cancelled = 4 };

// What became of a code. `key` is pairing_key(secret), worthless once the code is no longer open.
struct CodeRecord {
  crypto::Secret32 key;
  CodeState state = CodeState::open;
};

// The list as the host stores it, and back. Errors of decode: pairing_bad_message, limit_exceeded, DAG-CBOR's.
Bytes encode_code_records(const std::vector<CodeRecord>& records);
Result<std::vector<CodeRecord>> decode_code_records(ByteView bytes);

class Inviter {
 public:
  // ---- input ----
  struct Ticked {};
  // The owner asks for a code: an open one is cancelled. `secret` is drawn by the caller.
  struct Invite {
    JoinSecret secret;
    DeviceKind kind = DeviceKind::personal;
  };
  struct Withdraw {};  // The owner no longer wants it: code and pairing under way are over.
  struct Message {
    PairingPeer peer;
    Bytes bytes;
  };
  struct Disconnected {
    ConnectionId connection;
  };
  struct Persisted {
    std::uint64_t revision = 0;  // Records up to this one now survive a crash.
  };
  struct Answer {
    bool accept = false;
  };
  // The addition asked for by Output::add is durable here: what to send.
  struct Added {
    Welcome welcome;
  };
  struct AddFailed {
    std::string why;
  };
  using Input = std::variant<Ticked, Invite, Withdraw, Message, Disconnected, Persisted, Answer, Added, AddFailed>;

  // ---- output: carry out in field order ----
  struct Persist {
    std::uint64_t revision = 0;
    Bytes records;  // encode_code_records; confirm with Persisted.
  };
  struct Send {
    ConnectionId connection;
    Bytes bytes;
  };
  struct Add {
    crypto::PublicKey device;
    crypto::BoxPublicKey box_key;
    std::string name;
    DeviceKind kind = DeviceKind::personal;
  };
  enum class Stage : std::uint8_t { idle, waiting, asking, adding, copying, done, failed };
  // For the owner's screen.
  struct Progress {
    Stage stage = Stage::idle;
    std::string name;           // From `asking` on.
    std::string fingerprint;    // From `asking` on.
    std::optional<Error> why;   // `failed`.
    std::optional<Tick> until;  // `waiting`: when the code expires.
  };
  struct Output {
    std::optional<Persist> persist;
    std::vector<Send> send;
    std::vector<ConnectionId> close;  // After what was sent has left.
    std::optional<Add> add;
    std::optional<Progress> progress;
    std::optional<Tick> wake_at;
  };

  // `device` is this device's key. `records`: as stored, whose open ones become expired.
  Inviter(const crypto::PublicKey& device, std::vector<CodeRecord> records);

  Output step(Tick now, Input input);

  Stage stage() const { return stage_; }
  bool has_open_code() const { return open_.has_value(); }

 private:
  struct Open {
    crypto::Secret32 key;
    DeviceKind kind;
    Tick expires_at;
    int failures = 0;
  };
  // One newcomer that proved the code.
  struct Claim {
    PairingPeer peer;
    crypto::Secret32 key;
    DeviceKind kind = DeviceKind::personal;
    Prove prove;
    std::uint64_t burnt_in = 0;  // The revision that must be durable before we answer.
    bool answered = false;       // Our proof is out.
    bool connected = true;
    Tick expires_at;
    std::optional<Bytes> welcome;  // Encoded, once the addition is durable.
  };

  void handle_invite(Tick now, Invite& invite, Output& out);
  void handle_withdraw(Output& out);
  void handle_message(Tick now, Message& message, Output& out);
  void handle_prove(Tick now, const PairingPeer& peer, Prove prove, Output& out);
  void handle_resume(const PairingPeer& peer, Prove prove, Output& out);
  void handle_disconnected(ConnectionId connection);
  void handle_persisted(std::uint64_t revision, Output& out);
  void handle_answer(bool accept, Output& out);
  void handle_added(const Welcome& welcome, Output& out);
  void handle_timers(Tick now, Output& out);

  void claim_code(Tick now, const PairingPeer& peer, Prove prove, Output& out);
  void count_failure(Output& out);
  void answer_claim(Output& out);
  void close_code(CodeState state, Output& out);
  void end_claim(RefusalReason reason, Error why, Output& out);
  void refuse(ConnectionId connection, RefusalReason reason, Output& out);
  void persist(Output& out);
  void tell(Stage stage, Output& out, std::optional<Error> why = std::nullopt);
  PairingChannel channel_of(const PairingPeer& peer) const;

  crypto::PublicKey device_;
  std::vector<CodeRecord> records_;  // Closed codes, oldest first.
  std::optional<Open> open_;
  std::optional<Claim> claim_;
  std::uint64_t revision_ = 0;
  std::uint64_t durable_ = 0;
  Stage stage_ = Stage::idle;
};

class Newcomer {
 public:
  // ---- input ----
  struct Ticked {};
  struct Connected {
    PairingPeer peer;
  };
  struct Message {
    ConnectionId connection;
    Bytes bytes;
  };
  struct Disconnected {
    ConnectionId connection;
  };
  struct Persisted {};  // The welcome is durable.
  struct Cancel {};
  using Input = std::variant<Ticked, Connected, Message, Disconnected, Persisted, Cancel>;

  // ---- output: carry out in field order ----
  struct Send {
    ConnectionId connection;
    Bytes bytes;
  };
  enum class Stage : std::uint8_t { connecting, proving, asking, storing, joined, failed };
  struct Progress {
    Stage stage = Stage::connecting;
    std::string fingerprint;   // From `asking` on: the owner compares it with the inviter's.
    std::optional<Error> why;  // `failed`.
  };
  struct Output {
    std::optional<Welcome> persist;  // Store it, then Persisted.
    std::vector<Send> send;
    std::vector<ConnectionId> close;
    std::optional<Progress> progress;
    std::optional<Tick> wake_at;
  };

  // `inviter`: from the link; none if the code was typed. `name` must satisfy check_device_name.
  Newcomer(const DeviceKeys& keys, const JoinSecret& secret, std::optional<crypto::PublicKey> inviter, std::string name,
           bool browser = false);

  // After Disconnected in `asking` it may be Connected again: the inviter knows it by its key, and goes on.
  Output step(Tick now, Input input);

  Stage stage() const { return stage_; }
  // From `storing` on.
  const std::optional<Welcome>& welcome() const { return welcome_; }

 private:
  void handle_connected(Tick now, const PairingPeer& peer, Output& out);
  void handle_message(Tick now, const Message& message, Output& out);
  void handle_accept(Tick now, const Accept& accept, Output& out);
  void handle_welcome(Welcome welcome, Output& out);
  void handle_disconnected(ConnectionId connection, Output& out);
  void finish(Error why, Output& out);
  void tell(Stage stage, Output& out, std::optional<Error> why = std::nullopt);
  PairingChannel channel() const;

  crypto::PublicKey device_;
  crypto::BoxPublicKey box_key_;
  crypto::Secret32 key_;
  std::optional<crypto::PublicKey> inviter_;
  std::string name_;
  bool browser_;
  std::optional<PairingPeer> peer_;
  Tick deadline_{};
  bool accepted_ = false;
  std::optional<Welcome> welcome_;
  Stage stage_ = Stage::connecting;
};

}  // namespace rz::identity
