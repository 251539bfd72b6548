// Who had which right where: the grants of a stream as a tree, and what the control events in a past say about it.
// Private to counts*.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "log/counts.h"

namespace rz::log {

// A past, as a question: does it hold this event?
struct Past {
  virtual bool holds(EventIndex event) const = 0;

 protected:
  ~Past() = default;
};

// The past of an event, without the event itself.
struct PastOf final : Past {
  PastOf(const EventGraph& graph, EventIndex event) : graph_(graph), event_(event) {}
  bool holds(EventIndex each) const override { return each != event_ && graph_.is_ancestor(each, event_); }

 private:
  const EventGraph& graph_;
  EventIndex event_;
};

class Rights {
 public:
  Rights(const EventGraph& graph, const IdentityFacts& facts);

  struct GrantNode {
    EventIndex event;
    const Grant* grant = nullptr;
    std::optional<EventIndex> proof;  // The grant above; none: the owner's.
    std::uint32_t level = 1;
  };
  // Grants whose proof chain leads to the owner and that give no more than their proof. Ascending by event.
  const std::map<EventIndex, GrantNode>& grants() const { return grants_; }
  const std::vector<EventIndex>& revocations() const { return revocations_; }

  const DeviceFact* owner_device(const AuthorKey& author) const;
  // The device behind a feed that began with `enter`; null for other feeds, and for a device without any right.
  const DeviceFact* visitor(const AuthorKey& author) const;

  // Whether the author has the right, by the identity's facts and the control events in `past`.
  bool has(const AuthorKey& author, std::string_view right, const Past& past) const;
  // The same in an event's own past; remembered.
  bool has_at(EventIndex event, std::string_view right) const;

  // Whether `revocation` takes back `node` itself: made by who may, names its audience, not in its past.
  bool takes_back(EventIndex revocation, const GrantNode& node) const;

  // The grant stands as far as `past` says: no revocation in it takes back the grant or one above.
  bool stands(const GrantNode& node, const Past& past) const;

 private:
  bool is_audience(const AuthorKey& author, const Audience& audience) const;
  std::optional<GrantNode> node_of(EventIndex event, const Grant& grant) const;

  const EventGraph& graph_;
  const IdentityFacts& facts_;
  Did owner_;
  std::map<AuthorKey, const DeviceFact*> visitors_;
  std::map<EventIndex, GrantNode> grants_;
  std::vector<EventIndex> revocations_;
  enum class Memory : std::uint8_t { unknown, no, yes };
  mutable std::map<std::string, std::vector<Memory>, std::less<>> remembered_;  // By right, then by index.
};

}  // namespace rz::log
