// One container of a document: a map, a list, a text or a counter, and where it hangs.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "document/register.h"
#include "document/sequence.h"
#include "document/value.h"

namespace rz::document {

using ContainerIndex = std::uint32_t;
inline constexpr ContainerIndex container_root = 0;
inline constexpr ContainerIndex container_body = 1;
// How deep containers nest below the root; deeper ones are not created, null stands in their place.
inline constexpr std::uint32_t depth_max = 64;

struct ContainerLink {
  ContainerIndex container = 0;
  friend bool operator==(ContainerLink, ContainerLink) = default;
};

// A stored value: a scalar, or a container.
using Cell = std::variant<Null, bool, std::int64_t, double, std::string, Bytes, ContainerLink>;

struct Container {
  struct Addition {
    EventIndex event = 0;
    std::uint32_t offset = 0;
    std::int64_t by = 0;
  };

  Type type = Type::map;
  EventIndex creator = event_none;  // event_none for the root and the body.
  std::uint32_t creator_offset = 0;
  std::uint32_t depth = 0;
  ContainerIndex parent = 0;
  ElementId parent_element = element_none;  // Where the parent is a list.
  std::string parent_key;                   // Where it is a map.

  std::map<std::string, Register, std::less<>> keys;  // map
  std::unique_ptr<Sequence> sequence;                 // list, text
  std::map<ElementId, Register> elements;             // list: those that were written after their insertion
  std::vector<Addition> additions;                    // counter

  // Events with an operation of unknown kind: what has one of them in its past is not folded.
  std::vector<EventIndex> unknown;
  // Some events that validly touched it: their children know it, without a walk through the graph.
  std::array<EventIndex, 4> recent{event_none, event_none, event_none, event_none};

  void note(EventIndex event) {
    for (const EventIndex noted : recent) {
      if (noted == event) return;
    }
    for (std::size_t i = recent.size() - 1; i > 0; --i) recent[i] = recent[i - 1];
    recent[0] = event;
  }
};

}  // namespace rz::document
