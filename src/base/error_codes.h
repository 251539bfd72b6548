// The one table of error codes. A code is a promise to every caller in every language (it is the C ABI): numbers are
// never reused, never renumbered. Each room has a range of a hundred.
//
// RZ_ERROR_CODES(X) expands X(name, number, what it means, in words a person reads).
#pragma once

#include <cstdint>
#include <string_view>

// clang-format off
#define RZ_ERROR_CODES(X) \
  /* base: 1 to 99 */ \
  X(internal,            1, "a bug of ours was noticed and contained") \
  X(bad_hex,             2, "not hexadecimal") \
  X(limit_exceeded,      3, "larger than a limit of the format") \
  X(unknown_outcome,     4, "it is not known whether this took effect") \
  X(unsupported,         5, "known, but not offered here") \
  X(bad_argument,        6, "an argument is out of range") \
  X(not_found,           7, "there is no such thing") \
  /* crypto: 100 to 199 */ \
  X(crypto_unavailable,  100, "the cryptographic library did not start") \
  X(sealed_too_short,    101, "too short to be sealed") \
  X(not_authentic,       102, "altered, or sealed with another key") \
  /* store: 200 to 299 */ \
  X(damaged_record,      200, "a stored record does not match its checksum") \
  X(store_damaged,       201, "the store is damaged") \
  X(store_behind_promise, 202, "the store is older than what was promised from it") \
  X(disk_full,           203, "no space left on the disk") \
  X(fsync_failed,        204, "the disk did not confirm a write: the process must end") \
  X(store_locked,        205, "another process has this store open") \
  X(store_io,            206, "the disk failed to read or write") \
  X(promise_damaged,     207, "neither slot of the promise is readable") \
  X(promise_missing,     208, "the store has data but no promise") \
  X(promise_foreign,     209, "the promise belongs to another store") \
  X(store_too_new,       210, "the store was written by a newer version") \
  X(store_closed,        211, "the store takes no more writes") \
  X(store_repairing,     212, "the store is being repaired and may not promise anything") \
  /* ipld: 300 to 399 */ \
  X(truncated,            300, "the input ends in the middle of something") \
  X(trailing_bytes,       301, "something follows where the input should end") \
  X(too_deep,             302, "nested deeper than the format allows") \
  X(too_large,            303, "larger than the format allows") \
  X(invalid_utf8,         304, "text that is not UTF-8") \
  X(bad_varint,           305, "a varint that is too long or not minimal") \
  X(unexpected_kind,      306, "an item of another kind than the format says") \
  X(unexpected_count,     307, "another number of items or bytes than the format says") \
  X(integer_range,        308, "an integer that does not fit") \
  X(indefinite_length,    309, "an indefinite length, which DAG-CBOR does not have") \
  X(not_minimal,          310, "a number or length not in its shortest form") \
  X(unsorted_keys,        311, "keys of a map out of order") \
  X(duplicate_key,        312, "a key of a map twice") \
  X(key_not_text,         313, "a key of a map that is not text") \
  X(unknown_tag,          314, "a CBOR tag other than 42") \
  X(bad_link,             315, "a link that holds no CID") \
  X(float_not_finite,     316, "a float that is NaN or infinite") \
  X(float_width,          317, "a float that is not 64 bits wide") \
  X(bad_simple,           318, "a simple value other than false, true and null") \
  X(reserved_head,        319, "a CBOR head that is reserved") \
  X(bad_cid,              320, "not a CID") \
  X(unknown_base,         321, "not a known multibase") \
  X(bad_base_text,        322, "text that its base does not allow") \
  X(unknown_hash,         323, "not a known hash function") \
  X(digest_too_long,      324, "a digest longer than is taken") \
  X(bad_digest_length,    325, "a digest of another length than its function has") \
  X(hash_mismatch,        326, "the bytes are not those that the hash names") \
  X(unknown_codec,        327, "not a known codec") \
  X(bad_json,             328, "not JSON") \
  X(not_canonical,        329, "valid, but not in the one canonical form") \
  X(bad_number,           330, "a number that can't be held exactly as written") \
  X(reserved_key,         331, "a map that uses the reserved key \"/\"") \
  X(pb_wire_type,         332, "a DAG-PB field of the wrong wire type") \
  X(pb_unknown_field,     333, "a field that DAG-PB does not have") \
  X(pb_field_order,       334, "a DAG-PB field out of order or twice") \
  X(pb_missing_hash,      335, "a DAG-PB link without a hash") \
  X(unsorted_links,       336, "DAG-PB links out of order") \
  X(pb_bad_shape,         337, "a value that has no DAG-PB form") \
  X(raw_not_bytes,        338, "a value that is not bytes has no raw form") \
  X(car_bad_header,       339, "not the header of a CAR file") \
  X(car_version,          340, "a CAR version other than 1 and 2") \
  X(car_bad_bounds,       341, "offsets of a CAR file that don't fit together") \
  X(car_section_empty,    342, "a CAR section of no bytes") \
  X(unknown_protocol,     343, "a multiaddr protocol that is not known here") \
  X(bad_multiaddr,        344, "not a multiaddr") \
  /* raft: 400 to 499 */ \
  X(raft_not_leader,     400, "this member does not lead") \
  X(raft_transferring,   401, "leadership is being handed over") \
  X(raft_change_in_flight, 402, "another change of the members is under way") \
  X(raft_term_unconfirmed, 403, "the leader has not committed an entry of its own term yet") \
  X(raft_not_caught_up,  404, "a voter to be is not a learner that has caught up") \
  X(raft_busy,           405, "more is waiting to be committed than is allowed") \
  X(raft_damaged,        406, "this member is damaged and may neither vote nor lead") \
  X(raft_bad_configuration, 407, "not a valid configuration") \
  X(raft_unknown_version, 408, "an entry or message of an unknown version") \
  X(raft_unknown_kind,   409, "an entry or message of an unknown kind") \
  X(raft_bad_root,       410, "a root that an entry of this kind does not have") \
  X(raft_bad_payload,    411, "a payload that an entry of this kind does not have") \
  X(raft_bad_chain,      412, "entries that do not continue each other") \
  X(raft_bad_state,      413, "persisted consensus state that contradicts itself") \
  X(raft_wrong_content,  414, "bytes that are not those a snapshot's name asks for") \
  /* log: 500 to 599 */ \
  X(event_version,        500, "an event of a version that is not known here") \
  X(event_kind,           501, "an event of a kind that is not known here") \
  X(integer_too_large,    502, "an integer of 2^53 or more, which the formats do not have") \
  X(parents_order,        503, "parents of an event out of order, twice, or its own predecessor") \
  X(parents_count,        504, "more parents than an event may name") \
  X(body_too_large,       505, "a body larger than the format allows") \
  X(control_sealed,       506, "a control event that names an epoch: control bodies are plaintext") \
  X(genesis_version,      507, "a genesis of a version that is not known here") \
  X(body_hash_mismatch,   508, "a body that is not the one its header names") \
  X(body_size_mismatch,   509, "a body of another size than its header says") \
  X(stream_mismatch,      510, "an event of another stream") \
  X(admission_refused,    511, "a feed that begins with something that does not name its author") \
  X(feed_broken,          512, "an event that does not follow its feed's event before") \
  X(branch_parent,        513, "an event that names events of a branch it does not belong to") \
  X(pending_full,         514, "too many events wait for something missing") \
  X(seal_invalid,         515, "a seal that its author did not make") \
  X(control_right,        516, "a control operation that names another right than its own") \
  X(list_order,           517, "a list out of order or with something twice") \
  X(control_value,        518, "an argument of a control operation that makes no sense") \
  X(link_not_event,       519, "a link to something other than a DAG-CBOR block by SHA-256") \
  X(head_branch_mismatch, 520, "a branch that does not lead to the head tree's root") \
  X(entry_version,        521, "a Raft entry of a version that is not known here") \
  X(entry_kind,           522, "a Raft entry of a kind that is not known here") \
  X(certificate_minority, 523, "fewer than a majority of the voters signed") \
  X(certificate_signature, 524, "a voter's signature that does not verify") \
  X(equivocation_unproven, 525, "two entries that do not show equivocation") \
  X(cut_version,          526, "a cut of a version that is not known here") \
  X(cut_time,             527, "a cut older than the one before") \
  X(run_broken,           528, "a feed run that is not consecutive events of one feed") \
  X(run_version,          529, "a feed run of a version that is not known here") \
  X(run_value,            530, "a feed run with a value that the format does not have") \
  X(run_key,              531, "a plaintext body under a key that is not held here") \
  X(graph_full,           532, "more events than one stream can hold here") \
  X(feed_heads_order,     533, "feed heads out of order") \
  /* net: 600 to 699 */ \
  X(net_bad_length,      600, "a length prefix is not a varint in its shortest form") \
  X(net_frame_too_long,  601, "a frame is longer than agreed") \
  X(net_bad_multistream, 602, "not a multistream-select message") \
  X(net_protocol_refused, 603, "the other side speaks none of the protocols offered") \
  X(net_too_many_proposals, 604, "the other side kept proposing protocols that are not spoken here") \
  X(net_bad_yamux_version, 605, "a yamux frame of an unknown version") \
  X(net_bad_yamux_type,  606, "a yamux frame of an unknown type") \
  X(net_bad_yamux_flags, 607, "a yamux frame with flags that make no sense together") \
  X(net_bad_stream_id,   608, "a yamux stream id that can't be used so") \
  X(net_window_exceeded, 609, "more was sent than the receive window allows") \
  X(net_window_overflow, 610, "a send window grew beyond 32 bits") \
  X(net_flood,           611, "more control frames than an honest peer sends") \
  X(net_stream_limit,    612, "too many streams are open") \
  X(net_stream_closed,   613, "the stream is closed") \
  X(net_stream_reset,    614, "the stream was reset") \
  X(net_session_closed,  615, "the session is closed") \
  X(net_bad_protobuf,    616, "not a protobuf message of this kind") \
  X(net_bad_public_key,  617, "not a libp2p public key") \
  X(net_bad_peer_id,     618, "not a peer id") \
  X(net_bad_signed_key,  619, "not a libp2p certificate extension") \
  X(net_bad_signature,   620, "a signature does not verify") \
  X(net_bad_dns,         621, "not a DNS message") \
  X(net_send_queue_full, 622, "more waits to be sent than is allowed") \
  /* identity: 700 to 799 */ \
  X(code_wrong_length,   700, "a join code has 28 characters") \
  X(code_bad_character,  701, "not a character of a join code") \
  X(code_mistyped,       702, "a join code with a typing mistake") \
  X(join_link_malformed, 703, "not a join link") \
  X(paper_word_count,    704, "a paper key has 24 words") \
  X(paper_unknown_word,  705, "not a word of the paper key's list") \
  X(paper_bad_checksum,  706, "the words of the paper key do not fit together") \
  X(did_malformed,       707, "not a did:rhizome identifier") \
  X(pairing_bad_message, 708, "not a pairing message") \
  X(pairing_out_of_order, 709, "a pairing message that has no place here") \
  X(pairing_wrong_code,  710, "the join code is wrong") \
  X(pairing_used_code,   711, "the join code was used before") \
  X(pairing_expired_code, 712, "the join code has expired") \
  X(pairing_locked_code, 713, "the join code was locked after too many wrong tries") \
  X(pairing_declined,    714, "the owner said no") \
  X(pairing_wrong_inviter, 715, "another device than the one that made the code") \
  X(pairing_cancelled,   716, "pairing was cancelled") \
  X(pairing_timed_out,   717, "pairing took too long") \
  X(authority_missing,   720, "more of the owner's devices have to agree, or the paper key") \
  X(not_a_device,        721, "not a device of this pod") \
  X(device_known,        722, "a device with this key is or was in the pod") \
  X(device_suspended,    723, "this device is suspended") \
  X(successor_promised,  724, "this device has already signed another change") \
  X(identity_contested,  725, "two changes of the identity contradict each other") \
  X(identity_bad_history, 726, "the events of the identity do not fit together") \
  X(genesis_mismatch,    727, "the genesis is not the one that the DID names") \
  X(identity_bad_policy, 728, "not an identity policy") \
  X(epoch_unknown,       730, "the key of this epoch is not here") \
  X(epoch_mismatch,      731, "a key that is not the one its epoch commits to") \
  X(epoch_not_wrapped,   732, "the epoch's key is not wrapped for this reader") \
  X(recovery_wrong_key,  740, "the paper key is not the one that this pod knows") \
  X(recovery_bad_message, 741, "not a recovery message") \
  /* document: 800 to 899 */ \
  X(event_parent_unknown,  800, "an event came before one of its parents") \
  X(path_not_found,        801, "there is nothing at that path") \
  X(wrong_container,       802, "what is at that path is of another type") \
  X(position_out_of_range, 803, "a position or count lies outside the container") \
  X(payload_truncated,     804, "the operations end in the middle") \
  X(payload_not_canonical, 805, "the operations are not in their one canonical form") \
  X(payload_bad_value,     806, "a value that no operation may carry") \
  X(payload_bad_reference, 807, "a reference to a container or event that the payload does not list") \
  X(payload_too_large,     808, "the operations are larger than an event may hold") \
  X(payload_unknown_version, 809, "operations in a format that this program does not know") \
  X(bad_checkpoint,        810, "a saved document is damaged or of another version") \
  /* view: 900 to 999 */ \
  X(view_bad_block,      900, "not a block of a pod snapshot") \
  X(view_block_missing,  901, "a block of the pod snapshot is not here") \
  X(view_bad_boundary,   902, "a node of a pod snapshot that ends where it must not") \
  X(view_bad_order,      903, "keys of a pod snapshot out of order") \
  X(view_bad_shape,      904, "a node of a pod snapshot that does not fit where it stands") \
  X(view_bad_root,       905, "not the root of a pod snapshot") \
  /* sync: 1000 to 1099 */ \
  X(sync_malformed,     1000, "not a message of the sync protocol") \
  X(sync_version,       1001, "the other device speaks another version") \
  X(sync_wrong_pod,     1002, "the other device belongs to another pod") \
  X(sync_out_of_turn,   1003, "a message came where it makes no sense") \
  X(sync_overrun,       1004, "more was sent than was allowed to be under way") \
  /* market: 1100 to 1199 */ \
  /* pod: 1200 to 1299 */ \
  X(pod_exists,          1200, "there is a pod here already") \
  X(pod_read_only,       1201, "this is a copy that can only be read, no device of the pod") \
  X(snapshot_blind,      1202, "this device can't read the pod, so it can't write a snapshot of it") \
  X(snapshot_not_ready,  1203, "a snapshot can't be made of this cut yet") \
  X(export_malformed,    1204, "not an export of a pod") \
  X(export_cut_short,    1205, "an export of a pod that is not whole") \
  X(no_other_device,     1206, "the pod has no other device that could store it") \
  /* host: 1300 to 1399 */ \
  X(address_in_use,   1300, "another program has this port") \
  X(wrong_host,       1301, "the request names another host") \
  X(wrong_origin,     1302, "the request comes from another site") \
  X(not_reachable,    1304, "the daemon is not running, or can't be reached") \
  X(unauthorized,     1303, "the request does not carry the key of this server") \
  X(transport_bad_address, 1350, "not an address that can be listened on or dialled") \
  X(transport_io,        1351, "the operating system refused or broke the connection") \
  X(transport_timeout,   1352, "the other side did not answer in time") \
  X(transport_tls,       1353, "the TLS handshake failed") \
  X(transport_bad_certificate, 1354, "the certificate does not prove a libp2p key") \
  X(transport_wrong_peer, 1355, "who answered is not who was dialled") \
  X(transport_closed,    1356, "the connection is closed") \
  /* cli: 1400 to 1499 */
// clang-format on

namespace rz {

enum class ErrorCode : std::uint16_t {
#define RZ_ERROR_ENUM(name, number, text) name = number,
  RZ_ERROR_CODES(RZ_ERROR_ENUM)
#undef RZ_ERROR_ENUM
};

// The code's name as written in the table ("bad_hex"); "unknown" for a number that is not in it.
std::string_view name_of(ErrorCode code);

// The code's meaning in words.
std::string_view meaning_of(ErrorCode code);

}  // namespace rz
