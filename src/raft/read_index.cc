// Linearisable reads without the log, and without clocks: ReadIndex (dissertation 6.4). No lease: a device that slept
// can't trust its clock.
#include <algorithm>

#include "raft/quorum.h"
#include "raft/raft.h"

namespace rz::raft {
namespace {
constexpr std::size_t queued_reads_max = 4096;
}  // namespace

void Raft::on(const Read& event) {
  const Member* leader = leader_ && role_ == Role::follower ? configuration().find(*leader_) : nullptr;
  if ((role_ != Role::leader && leader == nullptr) || own_reads_.size() >= queued_reads_max) {
    out_->reads.push_back({event.request, true, {}});
    return;
  }
  own_reads_.push_back({event.request, std::nullopt});
  end_silence();
  if (role_ == Role::leader) return queue_read({options_.self, event.request, {}, 0});
  send(*leader, ReadRequest{event.request});
}

void Raft::queue_read(const QueuedRead& read) {
  reads_.push_back(read);
  start_read_round();
}

// One round at a time: reads that come meanwhile share the next one.
void Raft::start_read_round() {
  const bool waiting =
      std::any_of(reads_.begin(), reads_.end(), [](const QueuedRead& read) { return read.round == 0; });
  const bool running =
      std::any_of(reads_.begin(), reads_.end(), [](const QueuedRead& read) { return read.round != 0; });
  if (!waiting || running || commit_ < term_start_) return;
  beat();
  confirm_reads();
}

void Raft::confirm_reads() {
  if (reads_.empty()) return;
  const std::uint64_t confirmed = quorum_value(configuration(), [&](const Member& member) {
    const Progress* progress = progress_of(member);
    return member == options_.self ? round_ : progress == nullptr ? 0 : progress->round;
  });
  const std::vector<QueuedRead> reads = std::exchange(reads_, {});
  for (const QueuedRead& read : reads) {
    if (read.round == 0 || read.round > confirmed) {
      reads_.push_back(read);
    } else if (read.from != options_.self) {
      send(read.from, ReadReply{read.request, read.index, false});
    } else {
      for (OwnRead& own : own_reads_) {
        if (own.request == read.request) own.index = read.index;
      }
    }
  }
  if (reads_.size() < reads.size()) start_read_round();
}

void Raft::finish_reads() {
  if (own_reads_.empty()) return;
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

void Raft::receive(const Message& message, const ReadRequest& request) {
  if (role_ != Role::leader || reads_.size() >= queued_reads_max) {
    return send(message.from, ReadReply{request.request, {}, true});
  }
  const auto same = [&](const QueuedRead& read) {
    return read.from == message.from && read.request == request.request;
  };
  if (std::any_of(reads_.begin(), reads_.end(), same)) return;
  end_silence();
  queue_read({message.from, request.request, {}, 0});
}

void Raft::receive(const Message& message, const ReadReply& reply) {
  if (leader_ != message.from.id) return;
  std::erase_if(own_reads_, [&](OwnRead& read) {
    if (read.request != reply.request || read.index) return false;
    if (!reply.refused) {
      read.index = reply.index;
      return false;
    }
    out_->reads.push_back({read.request, true, {}});
    return true;
  });
}

}  // namespace rz::raft
