// Linearisable reads without the log, and without clocks: ReadIndex (dissertation 6.4). No lease: a device that slept
// can't trust its clock.
#include <algorithm>

#include "raft/raft.h"

namespace rz::raft {
namespace {
constexpr std::size_t queued_reads_max = 4096;
}  // namespace

void Raft::on(const Read& event) {
  const Member* leader = role_ == Role::leader ? &options_.self : other_leader();
  if (leader == nullptr || own_reads_.size() >= queued_reads_max) {
    out_->reads.push_back({event.request, true, {}});
    return;
  }
  own_reads_.push_back({event.request, std::nullopt});
  end_silence();
  role_ == Role::leader ? queue_read(*leader, event.request) : send(*leader, ReadRequest{event.request});
}

// A read at the commit index holds if, after it was asked, a quorum still follows this leader. What was committed in
// earlier terms is known only once an entry of its own is committed (6.4): until then a read waits for that entry.
void Raft::queue_read(const Member& from, RequestId request) {
  reads_.push_back({from, request, std::max(commit_, term_start_), round_ + 1});
  serve_reads();
}

void Raft::receive(const Message& message, const ReadRequest& request) {
  if (role_ != Role::leader || reads_.size() >= queued_reads_max) {
    return send(message.from, ReadReply{request.request, {}, true});
  }
  const bool known = std::any_of(reads_.begin(), reads_.end(), [&](const QueuedRead& read) {
    return read.from == message.from && read.request == request.request;
  });
  if (known) return;  // A follower asks again with every heartbeat.
  end_silence();
  queue_read(message.from, request.request);
}

// One round at a time: reads that come meanwhile share the next one.
void Raft::serve_reads() {
  while (!reads_.empty()) {
    const std::uint64_t confirmed = reached(round_, [](const Progress& other) { return other.round; });
    const auto waiting =
        std::find_if(reads_.begin(), reads_.end(), [&](const QueuedRead& read) { return read.round > confirmed; });
    for (auto read = reads_.begin(); read != waiting; ++read) {
      if (read->from != options_.self) {
        send(read->from, ReadReply{read->request, read->index, false});
        continue;
      }
      for (OwnRead& own : own_reads_) {
        if (own.request == read->request) own.index = read->index;
      }
    }
    reads_.erase(reads_.begin(), waiting);
    if (reads_.empty() || reads_.front().round <= round_) return;
    beat();
  }
}

void Raft::finish_reads() {
  std::erase_if(own_reads_, [&](const OwnRead& read) {
    if (!read.index || *read.index > applied_) return false;
    out_->reads.push_back({read.request, false, *read.index});
    return true;
  });
}

void Raft::refuse_own_reads() {
  for (const OwnRead& read : own_reads_) out_->reads.push_back({read.request, true, {}});
  own_reads_.clear();
}

void Raft::receive(const Message& message, const ReadReply& reply) {
  if (leader_ != message.from.id) return;
  std::erase_if(own_reads_, [&](OwnRead& read) {
    if (read.request != reply.request || read.index) return false;
    if (!reply.refused) read.index = reply.index;
    if (reply.refused) out_->reads.push_back({read.request, true, {}});
    return reply.refused;
  });
}

}  // namespace rz::raft
