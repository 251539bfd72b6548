#include "host/transport/scheduler.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace rz::host {

namespace asio = boost::asio;

namespace {

std::chrono::steady_clock::time_point time_point_of(Tick tick) {
  return std::chrono::steady_clock::time_point(std::chrono::microseconds(tick.us));
}

}  // namespace

// Shared with the handlers that Asio holds, which may outlive the Scheduler: they find `gone` then.
struct Scheduler::State : std::enable_shared_from_this<State> {
  explicit State(asio::io_context& context) : io(context), timer(context) {}

  asio::io_context& io;
  asio::steady_timer timer;
  std::map<std::pair<Tick, std::uint64_t>, std::function<void()>> calls;
  std::map<std::uint64_t, Tick> ticks;  // Of each call, for cancel.
  std::deque<std::function<void()>> posted;
  std::uint64_t next_id = 1;
  std::optional<Tick> armed_for;
  bool draining_posted = false;
  bool gone = false;

  static Tick now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return {static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count())};
  }

  void arm() {
    if (gone || calls.empty()) return;
    const Tick first = calls.begin()->first.first;
    if (armed_for && *armed_for <= first) return;
    armed_for = first;
    timer.expires_at(time_point_of(first));
    timer.async_wait([self = shared_from_this(), first](const boost::system::error_code& error) {
      if (self->gone || error || self->armed_for != first) return;
      self->armed_for.reset();
      self->run_due();
    });
  }

  void run_due() {
    const Tick until = now();
    while (!gone && !calls.empty() && calls.begin()->first.first <= until) {
      auto node = calls.extract(calls.begin());
      ticks.erase(node.key().second);
      node.mapped()();
    }
    arm();
  }

  void drain_posted() {
    // Calls posted meanwhile run in the next round, so that sockets get their turn.
    auto round = std::exchange(posted, {});
    draining_posted = false;
    for (auto& call : round) {
      if (gone) return;
      call();
    }
  }
};

Scheduler::Scheduler(asio::io_context& io) : state_(std::make_shared<State>(io)) {}

Scheduler::~Scheduler() {
  state_->gone = true;
  state_->calls.clear();
  state_->posted.clear();
  boost::system::error_code ignored;
  state_->timer.cancel(ignored);
}

Tick Scheduler::now() const { return State::now(); }

TimerId Scheduler::at(Tick when, std::function<void()> call) {
  const std::uint64_t id = state_->next_id++;
  state_->calls.emplace(std::pair(when, id), std::move(call));
  state_->ticks.emplace(id, when);
  state_->arm();
  return {id};
}

void Scheduler::cancel(TimerId& timer) {
  const auto found = state_->ticks.find(std::exchange(timer.value, 0));
  if (found == state_->ticks.end()) return;
  state_->calls.erase({found->second, found->first});
  state_->ticks.erase(found);
}

void Scheduler::post(std::function<void()> call) {
  state_->posted.push_back(std::move(call));
  if (std::exchange(state_->draining_posted, true)) return;
  asio::post(state_->io, [state = state_] {
    if (!state->gone) state->drain_posted();
  });
}

}  // namespace rz::host
