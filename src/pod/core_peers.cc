// The other devices: sync sessions, live tails and cursors, and where everybody listens.
#include <algorithm>

#include "pod/core.h"
#include "raft/wire/message_codec.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr std::uint64_t events_at_once_max = 2048;  // To one device in one output, about.
constexpr std::size_t early_bytes_max = 8 * 1024 * 1024;
constexpr std::size_t live_documents_max = 256;  // Of one device.

// Whether the other device is known to store all of stream zero that is here.
bool stores_all(const sync::Session& session, const StreamReplica& zero) {
  const log::EventGraph& graph = zero.graph();
  const std::vector<EventIndex> heads = graph.chain_heads();
  return std::all_of(heads.begin(), heads.end(), [&](EventIndex head) {
    return session.peer_stores(zero.id(), graph.feed(head), graph.seq(head));
  });
}

}  // namespace

void Core::connected(const PublicKey& device) {
  if (!is_device(device) && may_hear(device)) return greet_outsider(device);
  if (!is_device(device) && may_introduce_itself(device)) {
    strangers_[device] = {now_.tick};
    return;
  }
  if (!is_device(device)) {
    output_.close.push_back({device, Error{ErrorCode::not_a_device, "this is no device of this pod"}});
    return;
  }
  add_peer(device, std::nullopt);
  introduce(device);
}

void Core::add_peer(const PublicKey& device, std::optional<Hash256> guest) {
  news_.erase(device);
  if (const auto known = peers_.find(device); known != peers_.end()) drop_live(device, known->second);
  Peer peer;
  peer.guest = guest;
  peer.connection = next_connection_++;
  peer.last_heard = now_.tick;
  const sync::Hello hello{zero_->id(), cluster_.incarnation, cluster_generation(), cluster_.applied.n, applied_hash()};
  peer.session = std::make_unique<sync::Session>(*this, self_, hello);
  peers_.insert_or_assign(device, std::move(peer));
  if (!guest) last_heard_[device] = now_.tick;
}

void Core::disconnected(const PublicKey& device) {
  news_.erase(device);
  strangers_.erase(device);
  const auto peer = peers_.find(device);
  if (peer == peers_.end()) return;
  drop_live(device, peer->second);
  peers_.erase(peer);
  membership_soon();  // However short it is away: it was.
}

// Ends the connection for what the other side did, or may no longer do.
void Core::drop_peer(const PublicKey& device, const Error& why) {
  const std::string text = why.message.substr(0, 256);
  output_.send.push_back({device, Channel::sync, sync::encode(sync::Bye{why.code, text})});
  output_.close.push_back({device, why});
  disconnected(device);
}

void Core::received(const PublicKey& device, Channel channel, ByteView frame) {
  const auto found = peers_.find(device);
  if (found == peers_.end()) {
    if (news_.contains(device)) return hear_outsider(device, channel, frame);
    if (strangers_.contains(device)) hear_stranger(device, channel, frame);
    return;
  }
  if (found->second.guest) return;
  found->second.last_heard = now_.tick;
  last_heard_[device] = now_.tick;
  if (channel == Channel::raft) {
    auto message = raft::decode_message(std::make_shared<const Bytes>(to_bytes(frame)));
    if (!message) return drop_peer(device, message.error());
    if (message->from.id != node_of(device)) {
      // A newcomer can't tell yet under which key its inviter began.
      if (!is_member_ || identity_gaps_) return;
      return drop_peer(device, Error{ErrorCode::sync_out_of_turn, "a message in another device's name"});
    }
    if (may_follow(message->generation)) raft_step(raft::Received{*std::move(message)});
    return;
  }
  const Status taken = channel == Channel::sync ? receive_sync(device, found->second, frame)
                                                : receive_live(device, found->second, frame);
  if (!taken) drop_peer(device, taken.error());
}

Status Core::receive_sync(const PublicKey& device, Peer& peer, ByteView frame) {
  RZ_TRY(sync::Message message, sync::decode(frame));
  if (peer.guest) RZ_CHECK(check_guest(device, peer, message));
  if (const auto* hello = std::get_if<sync::Hello>(&message)) {
    RZ_CHECK(peer.session->on_hello(*hello));
    if (peer.guest) return {};  // It has no part in the order.
    incarnations_[device] = hello->incarnation;
    told(device);
    raft_step(raft::Connected{node_of(device)});
    membership_soon();
    cluster_.leaving.erase(node_of(device));  // It is back, and so is this device if it meant to sleep.
    if (cluster_.leaving.erase(node_of(self_)) > 0) raft_step(raft::WakeUp{});
    return {};
  }
  const auto* have = std::get_if<sync::Have>(&message);
  const auto* ack = std::get_if<sync::Ack>(&message);
  if (have != nullptr || ack != nullptr) {
    const bool before = stores_all(*peer.session, *zero_);
    RZ_CHECK(have != nullptr ? peer.session->on_have(now_.tick, *have) : peer.session->on_ack(*ack));
    // What it passed over because it did not know who asked, or for what, it understands now.
    if (!before && stores_all(*peer.session, *zero_)) peer.requests_told = false;
    return {};
  }
  if (const auto* want = std::get_if<sync::Want>(&message)) return peer.session->on_want(*want);
  if (const auto* places = std::get_if<sync::Places>(&message)) {
    take_places(device, *places);
    return {};
  }
  if (const auto* bye = std::get_if<sync::Bye>(&message)) {
    alarm(Alarm::Level::info, words(device_name(device), " ended the connection: ", bye->text));
    if (bye->code == ErrorCode::not_a_device) shut_out(peer);
    return {};
  }
  if (std::holds_alternative<sync::Introduction>(message)) return {};  // It is known.
  if (const auto* requests = std::get_if<sync::Requests>(&message)) return take_requests(device, *requests);
  if (const auto* answer = std::get_if<sync::Answer>(&message)) return take_answer(device, *answer);
  if (const auto* wanted = std::get_if<sync::StateWanted>(&message)) {
    give_state(device, *wanted);
    return {};
  }
  if (const auto* wanted = std::get_if<sync::CutWanted>(&message)) {
    give_cut(device, wanted->root);
    return {};
  }
  if (auto* cut = std::get_if<sync::CutTree>(&message)) {
    take_cut(std::move(cut->heads));
    return {};
  }
  if (const auto* state = std::get_if<sync::State>(&message)) {
    take_state(*state);
    return {};
  }
  const auto& events = std::get<sync::Events>(message);
  RZ_CHECK(peer.session->on_events(events, frame.size()));
  if (stream(events.stream) == nullptr) {
    peer.early_bytes += events.run.size();
    if (peer.early_bytes > early_bytes_max) {
      return fail(ErrorCode::sync_overrun, "too many events of streams that nobody listed");
    }
    peer.early[events.stream].push_back(events);
    peer.taken.push_back({events.number, events.stream, std::nullopt, true});
    return {};
  }
  peer.taken.push_back({events.number, events.stream, std::nullopt, false});
  return take_events(device, peer, events);
}

// Errors end the connection: so much waits for something that never came that all of it was dropped.
Status Core::take_events(const PublicKey& device, Peer& peer, const sync::Events& events) {
  StreamReplica& replica = *stream(events.stream);
  close_open(replica);  // The open event's parents were fixed at its first operation.
  const std::uint32_t begin = replica.graph().size();
  const auto taken = replica.take_run(events.run, events.seal, batch_);
  if (!taken) {
    // Nothing that is already here is touched. Whether its sender is at fault or a fork's other half is missing can't
    // be told yet, so it is reported and the connection goes on.
    alarm(Alarm::Level::warning,
          words("events from ", device_name(device), " were refused: ", taken.error().to_string()));
  }
  const auto frame = std::find_if(peer.taken.begin(), peer.taken.end(),
                                  [&events](const Peer::Taken& each) { return each.number == events.number; });
  if (frame != peer.taken.end()) {
    frame->early = false;
    if (taken) frame->last = taken->id;
  }
  if (taken) peer.session->on_taken(events.stream, *taken);
  grew(replica, begin, &device);
  acknowledge_taken(peer);
  if (!taken && taken.error().code == ErrorCode::limit_exceeded) return std::unexpected(taken.error());
  return {};
}

void Core::acknowledge_taken(Peer& peer) {
  while (!peer.taken.empty()) {
    const Peer::Taken& frame = peer.taken.front();
    if (frame.early) return;
    if (frame.last) {
      const StreamReplica& replica = *stream(frame.stream);
      const auto last = replica.graph().find(*frame.last);
      if (!last || last->value >= replica.durable()) return;
    }
    peer.session->acknowledge(frame.number);
    peer.taken.pop_front();
  }
}

void Core::poll_sessions() {
  for (const auto& [device, why] : std::exchange(to_drop_, {})) {
    const auto peer = peers_.find(device);
    if (peer == peers_.end()) continue;
    tell_before_drop(device, peer->second);
    drop_peer(device, why);
  }
  if (hold_sends_) return;
  for (auto& [device, peer] : peers_) {
    if (peer.session->established()) tell_requests(device, peer);
    if (peer.session->established()) tell_room(device, peer);
    if (peer.session->established() && !peer.places_told) {
      peer.places_told = true;
      sync::Places all;
      for (const auto& [key, place] : places_) all.places.push_back(place);
      if (!all.places.empty()) output_.send.push_back({device, Channel::sync, sync::encode(all)});
    }
    // A newcomer's whole catch-up in one go would keep everybody else waiting.
    const std::uint64_t sent_before = peer.session->sent_events();
    while (auto frame = peer.session->poll(now_.tick)) {
      output_.send.push_back({device, Channel::sync, *std::move(frame)});
      if (peer.session->sent_events() - sent_before < events_at_once_max) continue;
      wake(now_.tick);
      break;
    }
    if (const auto due = peer.session->wake_at()) wake(*due);
  }
}

// --- Places ----------------------------------------------------------------------------------------------------------

void Core::announce_place() {
  if (options_.addresses.empty() || read_only_) return;
  sync::Place place;
  place.device = self_;
  place.addresses = options_.addresses;
  if (place.addresses.size() > sync::place_addresses_max) place.addresses.resize(sync::place_addresses_max);
  const auto known = places_.find(self_);
  if (known != places_.end() && known->second.addresses == place.addresses) return;
  // The wall clock keeps the counter growing across restarts; where it went back, one more than before.
  place.counter = std::max(now_.wall.ms, known == places_.end() ? 1 : known->second.counter + 1);
  place.signature = keys_.signing_key().sign(sync::place_domain, sync::place_message(place));
  places_[self_] = place;
  batch_.put(place_key(self_), sync::encode(sync::Places{{place}}));
  for (auto& [device, peer] : peers_) peer.places_told = false;
}

void Core::load_places() {
  const Bytes prefix{'p'};
  (void)store_.scan(
      store::Reader::Range{prefix, store::prefix_end(prefix)},
      [this](ByteView, ByteView value) {
        auto decoded = sync::decode(value);
        if (!decoded) return true;
        if (const auto* found = std::get_if<sync::Places>(&*decoded)) {
          for (const sync::Place& place : found->places) places_[place.device] = place;
        }
        return true;
      },
      [this](ByteView key) { batch_.erase(key); });
}

void Core::take_places(const PublicKey& device, const sync::Places& places) {
  bool changed = false;
  for (const sync::Place& place : places.places) {
    if (place.device == self_ || !is_device(place.device)) continue;
    const auto known = places_.find(place.device);
    if (known != places_.end() && known->second.counter >= place.counter) continue;
    if (!crypto::verify(place.device, sync::place_domain, sync::place_message(place), place.signature)) continue;
    places_[place.device] = place;
    batch_.put(place_key(place.device), sync::encode(sync::Places{{place}}));
    changed = true;
  }
  if (!changed) return;
  for (auto& [other, peer] : peers_) {
    if (other != device) peer.places_told = false;
  }
}

std::vector<std::pair<PublicKey, std::vector<ipld::Multiaddr>>> Core::places() const {
  std::vector<std::pair<PublicKey, std::vector<ipld::Multiaddr>>> found;
  if (read_only_) return found;
  for (const auto& [device, place] : places_) {
    if (device != self_ && is_device(device)) found.emplace_back(device, place.addresses);
  }
  if (bootstrap_ && !places_.contains(*bootstrap_) && is_device(*bootstrap_)) {
    found.emplace_back(*bootstrap_, bootstrap_places_);
  }
  return found;
}

// --- Live: tails and cursors -----------------------------------------------------------------------------------------

Status Core::receive_live(const PublicKey& device, Peer& peer, ByteView frame) {
  RZ_TRY(const sync::LiveMessage message, sync::decode_live(frame));
  if (const auto* room = std::get_if<sync::Room>(&message)) {
    if (!peer.guest) rooms_[device] = {room->stored, room->free};
    return {};
  }
  const auto* at = std::get_if<sync::Cursor>(&message);
  const log::StreamId id = at != nullptr ? at->stream : std::get<sync::Tail>(message).stream;
  StreamReplica* replica = stream(id);
  if (replica == nullptr || (!peer.live.contains(id) && peer.live.size() >= live_documents_max)) return {};
  if (at != nullptr) {
    peer.live[id].cursor = at->at;
    output_.notices.push_back(CursorsChanged{id});
    return {};
  }
  const auto& tail = std::get<sync::Tail>(message);
  document::Document* document = open_document(*replica);
  if (document == nullptr) return {};
  const document::AuthorId author{device.bytes};
  Result<document::Patches> patches;
  // The live channel may lag behind that of sync: a late tail of an event that is here already says nothing new.
  for (const EventIndex head : replica->graph().heads_of(log::FeedName{device, tail.feed})) {
    if (replica->graph().seq(head).value >= tail.seq.value) return {};
  }
  if (!tail.payload) {
    peer.live[id].tail = false;
    patches = document->drop_provisional(author, tail.feed.value, tail.seq.value);
  } else {
    std::vector<document::EventId> parents;
    for (const log::EventId& parent : tail.parents) parents.push_back(document::EventId{parent.bytes});
    const document::EventInfo info{{}, author, tail.feed.value, tail.seq.value, tail.depth, tail.own, parents};
    peer.live[id].tail = true;
    patches = document->apply_provisional(info, *tail.payload);
  }
  // A tail on events that are still under way is simply not shown yet: the closed event follows.
  if (patches && !patches->empty()) {
    output_.notices.push_back(DocumentChanged{id, *std::move(patches), device});
  }
  return {};
}

void Core::drop_live(const PublicKey& device, Peer& peer) {
  for (auto& [id, live] : peer.live) {
    if (live.cursor) output_.notices.push_back(CursorsChanged{id});
    StreamReplica* replica = stream(id);
    if (!live.tail || replica == nullptr || !replica->document_loaded()) continue;
    auto patches = replica->document()->drop_provisional_of(document::AuthorId{device.bytes});
    if (patches && !patches->empty()) output_.notices.push_back(DocumentChanged{id, *std::move(patches), device});
  }
  peer.live.clear();
}

void Core::tell_tails() {
  const auto listens = [](const auto& each) { return each.second.session->established(); };
  if (std::none_of(peers_.begin(), peers_.end(), listens)) return tails_changed_.clear();
  for (const log::StreamId& id : std::exchange(tails_changed_, {})) {
    StreamReplica* replica = stream(id);
    if (replica == nullptr || !replica->document_loaded()) continue;
    const document::Document& document = *replica->document();
    sync::Tail tail;
    tail.stream = id;
    tail.feed = feed_;
    const log::Header next = replica->graph().next_header({self_, feed_}, own_admission_);
    tail.seq = next.seq;
    for (const document::EventId& parent : document.open_parents()) tail.parents.push_back(log::EventId{parent.bytes});
    std::sort(tail.parents.begin(), tail.parents.end());
    std::tie(tail.depth, tail.own) = replica->next_depth_own(self_);
    // Once closed, the event itself follows by sync and takes the tail's place: nothing to withdraw.
    if (document.open_operations() == 0) continue;
    tail.payload = document.open_payload();
    if (tail.payload->size() > sync::tail_bytes_max || tail.parents.size() > 256) continue;
    const Bytes frame = sync::encode_live(tail);
    for (const auto& [device, peer] : peers_) {
      if (peer.session->established() && !peer.guest) output_.send.push_back({device, Channel::live, frame});
    }
  }
}

void Core::set_cursor(const log::StreamId& document, std::optional<std::pair<std::uint64_t, std::uint64_t>> at) {
  const Bytes frame = sync::encode_live(sync::Cursor{document, at});
  for (const auto& [device, peer] : peers_) {
    if (peer.session->established() && !peer.guest) output_.send.push_back({device, Channel::live, frame});
  }
}

void Core::set_room(const Room& room) {
  const auto apart = [](std::uint64_t now, std::uint64_t told) {
    const std::uint64_t difference = now > told ? now - told : told - now;
    return difference > 1024 * 1024 && difference > told / 16;
  };
  const auto own = rooms_.find(self_);
  const bool changed =
      own == rooms_.end() || apart(room.stored, own->second.stored) || apart(room.free, own->second.free);
  if (!changed) return;
  rooms_[self_] = room;
  for (auto& [device, peer] : peers_) peer.room_told = false;
}

void Core::tell_room(const PublicKey& device, Peer& peer) {
  const auto own = rooms_.find(self_);
  if (peer.room_told || peer.guest || own == rooms_.end()) return;
  peer.room_told = true;
  output_.send.push_back({device, Channel::live, sync::encode_live(sync::Room{own->second.stored, own->second.free})});
}

std::vector<RemoteCursor> Core::cursors(const log::StreamId& document) const {
  std::vector<RemoteCursor> found;
  for (const auto& [device, peer] : peers_) {
    const auto live = peer.live.find(document);
    if (live == peer.live.end() || !live->second.cursor) continue;
    found.push_back({device, device_name(device), live->second.cursor->first, live->second.cursor->second});
  }
  return found;
}

}  // namespace rz::pod
