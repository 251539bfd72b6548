// What a device is told that was removed or suspended, and what a device does that hears so of itself, or leaves
// (docs/decisions/0073).
#include <algorithm>

#include "identity/recovery.h"
#include "pod/core.h"
#include "sync/news.h"

namespace rz::pod {

using log::EventIndex;

namespace {

constexpr Duration news_again = seconds(2);          // To one device.
constexpr Duration news_patience = seconds(10);      // For it to say what it has.
constexpr Duration hand_over_patience = seconds(5);  // For the others to go on without the one that leaves.
constexpr std::size_t news_frames_max = 64;
constexpr std::size_t news_rows_max = 65536;

}  // namespace

// --- Telling another -------------------------------------------------------------------------------------------------

// A device of the pod that was shut out, and is not told of it every moment.
bool Core::may_hear(const PublicKey& key) const {
  const identity::Device* device = identity_.find(key);
  if (device == nullptr || key == self_ || !is_member_ || is_device(key)) return false;
  // What it is told must not be lost here once it has acted on it.
  if (device->removed && !durable_cuts_.contains(device->removed->cut)) return false;
  const auto told = told_.find(key);
  return told == told_.end() || told->second + news_again <= now_.tick;
}

void Core::greet_outsider(const PublicKey& device) {
  told_[device] = now_.tick;
  News& news = news_[device];
  news = {};
  news.since = now_.tick;
  wake(now_.tick + news_patience);
  // No cut: so that it says what it has of every stream, of which one is looked at.
  const sync::Hello hello{zero_->id(), cluster_.incarnation, cluster_generation(), 0, {}};
  output_.send.push_back({device, Channel::sync, sync::encode(hello)});
}

// Nothing is taken in from it; it says what it has, and is told.
void Core::hear_outsider(const PublicKey& device, Channel channel, ByteView frame) {
  if (channel != Channel::sync) return;
  News& news = news_.at(device);
  if (++news.frames > news_frames_max) return end_news(device);
  const auto message = sync::decode(frame);
  if (!message) return end_news(device);
  if (const auto* hello = std::get_if<sync::Hello>(&*message)) {
    if (hello->did != zero_->id()) return end_news(device);
    news.greeted = true;
  }
  const auto* have = std::get_if<sync::Have>(&*message);
  if (have == nullptr || !news.greeted) return;
  for (const sync::StreamRows& stream : have->streams) {
    if (stream.stream != zero_->id() || news.rows.size() + stream.rows.size() > news_rows_max) continue;
    news.rows.insert(news.rows.end(), stream.rows.begin(), stream.rows.end());
  }
  if (have->last) tell_news(device, news);
}

// Exactly what proves it: the operation that shut it out, with its past as far as it is lacking, and a removal's cut.
void Core::tell_news(const PublicKey& device, const News& news) {
  const identity::Device* known = identity_.find(device);
  const log::EventGraph& graph = zero_->graph();
  std::vector<EventIndex> heads;
  std::vector<log::EventId> reasons = known->suspended_by;
  if (known->removed) reasons = {known->removed->operation};
  for (const log::EventId& reason : reasons) {
    if (const auto event = graph.find(reason)) heads.push_back(*event);
  }
  log::FeedHeads rows = news.rows;
  std::sort(rows.begin(), rows.end());
  std::vector<bool> lacking(graph.size());
  for (const log::IndexRun& run : graph.missing_for(rows)) {
    for (const EventIndex event : run.events) lacking[event.value] = true;
  }
  std::vector<EventIndex> events = graph.closure(heads);
  std::erase_if(events, [&](EventIndex event) { return !lacking[event.value]; });
  // Of its own events this device seals just these; of others' it has what seals they made.
  const auto seal_of = [&](EventIndex event) -> std::optional<log::Seal> {
    if (graph.author(event) == self_) return log::make_seal(keys_.signing_key(), graph.id(event));
    return graph.covering_seal(event);
  };
  const auto body_of = [this](EventIndex event) { return zero_->body(event); };
  for (const sync::Events& each : sync::news_of(graph, events, body_of, seal_of)) {
    output_.send.push_back({device, Channel::sync, sync::encode(each)});
  }
  if (known->removed) give_cut(device, known->removed->cut);
  end_news(device);
}

void Core::end_news(const PublicKey& device) {
  const Error why{ErrorCode::not_a_device, "this device was suspended or removed"};
  output_.send.push_back({device, Channel::sync, sync::encode(sync::Bye{why.code, why.message})});
  output_.close.push_back({device, why});
  news_.erase(device);
}

void Core::end_silent_news() {
  std::vector<PublicKey> silent;
  for (const auto& [device, news] : news_) {
    if (news.since + news_patience <= now_.tick) {
      silent.push_back(device);
    } else {
      wake(news.since + news_patience);
    }
  }
  for (const PublicKey& device : silent) end_news(device);
  // A silent pod would not notice that it may tell somebody again: nothing else moves its clock.
  for (const auto& [device, told] : told_) {
    if (told + news_again > now_.tick) wake(told + news_again);
  }
}

// --- Hearing it of oneself -------------------------------------------------------------------------------------------

// This device was removed: it stops, and wipes its key if no veto is to be said any more. If it removed itself, not
// before another device knows: otherwise the others would count on it for ever.
void Core::leave(const identity::Device& own) {
  if (own.removed->successor) return hand_on(own);
  const auto event = zero_->graph().find(own.removed->operation);
  const bool by_itself = event && zero_->graph().author(*event) == self_;
  const bool others = std::any_of(identity_.devices.begin(), identity_.devices.end(),
                                  [&](const auto& each) { return each.in_pod() && each.key != self_; });
  if (by_itself && others && !left_told_) {
    leaving_ = own.removed->operation;
    return;
  }
  output_.must_stop = true;
  output_.must_wipe = identity::must_wipe(identity_, self_, recovery_seen_, now_.wall);
}

// Another device stores the removal and was given its cut.
void Core::check_left() {
  if (!leaving_ || left_told_) return;
  const auto event = zero_->graph().find(*leaving_);
  for (const PublicKey& device : cut_given_) {
    const auto peer = peers_.find(device);
    if (peer == peers_.end() || !event) continue;
    const log::EventGraph& graph = zero_->graph();
    if (peer->second.session->peer_stores(zero_->id(), graph.feed(*event), graph.seq(*event))) return left();
  }
}

void Core::left() {
  left_told_ = true;
  if (const identity::Device* own = identity_.find(self_); own != nullptr && own->removed) leave(*own);
}

// The other side shut this device out: one that leaves hears so from a device that knows and stores its removal.
void Core::shut_out(const Peer& peer) {
  if (leaving_ && !peer.session->established()) left();
}

// --- Leaving ---------------------------------------------------------------------------------------------------------

// The device that leads, and leaves, lets the others decide on the order first: alone it would take the order with it.
bool Core::hands_over(const log::Operation& operation) {
  const auto* remove = std::get_if<log::RemoveDevice>(&operation);
  if (remove == nullptr || remove->device != self_ || !raft_ || !raft_->is_leader()) return false;
  const auto reachable =
      std::any_of(peers_.begin(), peers_.end(), [](const auto& entry) { return entry.second.session->established(); });
  if (!reachable || raft_->configuration().voters.size() > 1 || hand_over_until_) return false;
  hand_over_until_ = now_.tick + hand_over_patience;
  membership_soon();
  wake(*hand_over_until_);
  return true;
}

void Core::finish_hand_over() {
  if (!hand_over_until_) return;
  const bool over = !raft_ || (!raft_->is_leader() && !raft_->is_voter());
  if (!over && *hand_over_until_ > now_.tick) return wake(*hand_over_until_);
  if (!successor_durable_) return;
  hand_over_until_.reset();
  write_successor();
}

}  // namespace rz::pod
