// The transport's clock and timers over one io_context: monotonic time as ticks, calls at a tick, calls "as soon as
// possible, but not from here". One thread, as the transport.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/tick.h"

namespace boost::asio {
class io_context;
}

namespace rz::host {

// Names a call that was asked for; 0 names none.
struct TimerId {
  std::uint64_t value = 0;
};

class Scheduler {
 public:
  explicit Scheduler(boost::asio::io_context& io);
  ~Scheduler();  // What was asked for and has not run is forgotten.
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  Tick now() const;
  TimerId at(Tick when, std::function<void()> call);
  TimerId after(Duration delay, std::function<void()> call) { return at(now() + delay, std::move(call)); }
  void cancel(TimerId& timer);  // And sets it to none. Nothing if it has run.
  void post(std::function<void()> call);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace rz::host
