// Saving a document and opening it again without replaying its events (docs/formats/document.md, "Checkpoint").
//
// The operations are saved in order of arrival, with what is shown beside them. Open and provisional events are left
// out; a sequence that they touched is replayed when it is opened. The file is a cache, but it is read as if somebody
// wanted to harm us: every number is checked before it is used for anything.
#include <algorithm>
#include <bit>
#include <cmath>

#include "base/varint.h"
#include "document/checkpoint_io.h"
#include "document/impl.h"

namespace rz::document {
namespace {

constexpr std::uint64_t checkpoint_version = 1;
constexpr std::string_view checkpoint_magic = "RZDC";

struct CellWriter {
  CheckpointWriter& out;
  void operator()(Null) const { out.number(0); }
  void operator()(bool value) const { out.number(value ? 2 : 1); }
  void operator()(std::int64_t value) const {
    out.number(3);
    out.signed_number(value);
  }
  void operator()(double value) const {
    out.number(4);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) out.bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  void operator()(const std::string& value) const {
    out.number(5);
    out.sized(as_bytes(value));
  }
  void operator()(const Bytes& value) const {
    out.number(6);
    out.sized(value);
  }
  void operator()(ContainerLink link) const {
    out.number(7);
    out.number(link.container);
  }
};

Result<Cell> read_cell(CheckpointReader& in) {
  RZ_TRY(const std::uint64_t tag, in.number(8));
  switch (tag) {
    case 0:
      return Cell(Null{});
    case 1:
    case 2:
      return Cell(tag == 2);
    case 3: {
      RZ_TRY(const std::int64_t value, in.signed_number());
      return Cell(value);
    }
    case 4: {
      RZ_TRY(const ByteView bytes, in.take(8));
      std::uint64_t bits = 0;
      for (const std::uint8_t byte : bytes) bits = bits << 8 | byte;
      const auto value = std::bit_cast<double>(bits);
      if (!std::isfinite(value)) return in.bad("a number that is not finite");
      return Cell(value);
    }
    case 5: {
      RZ_TRY(std::string text, in.text());
      return Cell(std::move(text));
    }
    case 6: {
      RZ_TRY(const ByteView bytes, in.sized());
      return Cell(to_bytes(bytes));
    }
    default: {
      RZ_TRY(const std::uint64_t container, in.number(element_end));
      return Cell(ContainerLink{static_cast<ContainerIndex>(container)});
    }
  }
}

// Saved numbers of events: closed ones only, in their order.
class Saver {
 public:
  explicit Saver(const Document::Impl& from) : from_(from), saved_(from.graph.size(), event_none) {}

  Bytes run() {
    out_.bytes = to_bytes(checkpoint_magic);
    out_.number(checkpoint_version);
    append(out_.bytes, from_.author.view());
    out_.number(from_.feed);
    put_events();
    out_.number(from_.without_effect.size());
    for (const EventId& id : from_.without_effect) append(out_.bytes, id.view());
    put_event_list(from_.unknown_versions);
    out_.number(from_.cells.size());
    for (const Cell& cell : from_.cells) std::visit(CellWriter{out_}, cell);
    out_.number(from_.containers.size());
    for (const Container& container : from_.containers) put_container(container);
    out_.seal();
    return std::move(out_.bytes);
  }

 private:
  void put_events() {
    std::vector<EventIndex> closed;
    for (EventIndex event = 0; event < from_.graph.size(); ++event) {
      if (from_.graph.at(event).standing != Graph::Standing::closed) continue;
      saved_[event] = static_cast<EventIndex>(closed.size());
      closed.push_back(event);
    }
    out_.number(closed.size());
    for (std::size_t i = 0; i < closed.size(); ++i) put_event(closed[i], i == 0 ? event_none : closed[i - 1]);
  }

  void put_event(EventIndex index, EventIndex previous) {
    const Graph::Event& event = from_.graph.at(index);
    const auto parents = from_.graph.parents(index);
    const Graph::Event* last = previous != event_none ? &from_.graph.at(previous) : nullptr;
    const bool follows = last != nullptr && last->author == event.author && last->feed == event.feed &&
                         last->seq + 1 == event.seq && last->depth == event.depth && last->own + 1 == event.own &&
                         parents.size() == 1 && parents[0] == previous;
    out_.number((event.has_effect ? 1u : 0u) | (event.has_operations ? 2u : 0u) | (follows ? 4u : 0u));
    append(out_.bytes, event.id.view());
    if (follows) return;
    append(out_.bytes, from_.graph.author(event.author).view());
    for (const std::uint64_t number : {event.feed, event.seq, event.depth, event.own}) out_.number(number);
    out_.number(parents.size());
    for (const EventIndex parent : parents) out_.number(saved_[parent]);
  }

  bool is_saved(EventIndex event) const { return saved_[event] != event_none; }

  void put_event_list(const std::vector<EventIndex>& events) {
    std::vector<EventIndex> kept;
    for (const EventIndex event : events) {
      if (is_saved(event)) kept.push_back(saved_[event]);
    }
    out_.number(kept.size());
    for (const EventIndex event : kept) out_.number(event);
  }

  bool is_saved(const Register& reg) const {
    return std::any_of(reg.all().begin(), reg.all().end(), [&](const Write& write) { return is_saved(write.event); });
  }

  void put_writes(const Register& reg) {
    std::vector<Write> kept;
    for (const Write& write : reg.all()) {
      if (is_saved(write.event)) kept.push_back(write);
    }
    std::sort(kept.begin(), kept.end(), [](const Write& a, const Write& b) {
      return a.event != b.event ? a.event < b.event : a.offset < b.offset;
    });
    out_.number(kept.size());
    for (const Write& write : kept) {
      out_.number(saved_[write.event]);
      out_.number(write.offset);
      out_.number(write.cell == cell_deleted ? 0 : std::uint64_t{write.cell} + 1);
    }
  }

  void put_container(const Container& container) {
    const bool is_known = container.creator != event_none && is_saved(container.creator);
    out_.number(static_cast<std::uint64_t>(container.type));
    out_.number(is_known ? std::uint64_t{saved_[container.creator]} + 1 : 0);
    out_.number(container.creator_offset);
    out_.number(container.parent);
    const bool has_element = is_known && container.parent_element != element_none;
    out_.number(has_element ? std::uint64_t{container.parent_element} + 1 : 0);
    out_.sized(as_bytes(container.parent_key));
    put_event_list(container.unknown);
    const auto is_kept = [&](const auto& entry) { return is_saved(entry.second); };
    out_.number(static_cast<std::uint64_t>(std::count_if(container.keys.begin(), container.keys.end(), is_kept)));
    for (const auto& [key, reg] : container.keys) {
      if (!is_saved(reg)) continue;
      out_.sized(as_bytes(key));
      put_writes(reg);
    }
    out_.number(
        static_cast<std::uint64_t>(std::count_if(container.elements.begin(), container.elements.end(), is_kept)));
    for (const auto& [element, reg] : container.elements) {
      if (!is_saved(reg)) continue;
      out_.number(element);
      put_writes(reg);
    }
    std::vector<Container::Addition> kept;
    for (const auto& addition : container.additions) {
      if (is_saved(addition.event)) kept.push_back(addition);
    }
    out_.number(kept.size());
    for (const auto& addition : kept) {
      out_.number(saved_[addition.event]);
      out_.number(addition.offset);
      out_.signed_number(addition.by);
    }
    if (container.sequence) put_sequence(*container.sequence);
  }

  void put_sequence(const Sequence& sequence) {
    std::vector<Sequence::Run> kept;
    std::string text;
    for (const Sequence::Run& run : sequence.runs()) {
      if (is_saved(run.event)) kept.push_back(run);
    }
    out_.number(sequence.is_pinned() ? 1 : 0);
    out_.number(sequence.next_id());
    out_.number(kept.size());
    ElementId id = 0;
    for (const Sequence::Run& run : kept) {
      out_.number(static_cast<std::uint64_t>(run.sort));
      out_.number(run.id - id);
      id = run.id + run.length;
      out_.number(run.length);
      out_.number(saved_[run.event]);
      out_.number(run.position);
      out_.number(run.length_after);
      if (run.sort == Sequence::Run::Sort::insert && sequence.is_text()) {
        const std::string_view content = sequence.text_of(run.id, run.length);
        out_.number(content.size() - run.length);
        text += content;
      } else {
        out_.number(run.content);
      }
    }
    if (sequence.is_text()) out_.sized(as_bytes(text));
    const bool is_whole = kept.size() == sequence.runs().size();
    out_.number(is_whole ? 1 : 0);
    if (!is_whole) return;
    if (sequence.is_text()) return out_.sized(as_bytes(sequence.rope().to_string()));
    std::vector<std::pair<ElementId, std::uint32_t>> shown;
    sequence.order().for_each([&](ElementId first, std::uint32_t length) {
      if (!shown.empty() && shown.back().first + shown.back().second == first) {
        shown.back().second += length;
      } else {
        shown.emplace_back(first, length);
      }
    });
    out_.number(shown.size());
    for (const auto& [first, length] : shown) {
      out_.number(first);
      out_.number(length);
    }
  }

  const Document::Impl& from_;
  std::vector<EventIndex> saved_;
  CheckpointWriter out_;
};

class Loader {
 public:
  Loader(Document::Impl& to, CheckpointReader in) : to_(to), in_(in) {}

  Status run() {
    RZ_TRY(const ByteView magic, in_.take(checkpoint_magic.size()));
    if (as_text(magic) != checkpoint_magic) return in_.bad("not a saved document");
    RZ_TRY(const std::uint64_t version, in_.number());
    if (version != checkpoint_version) return in_.bad("saved by another version");
    RZ_TRY(to_.author, in_.id<AuthorId>());
    RZ_TRY(to_.feed, in_.number());
    RZ_CHECK(read_events());
    RZ_TRY(const std::uint64_t without, in_.count(EventId::size_bytes));
    for (std::uint64_t i = 0; i < without; ++i) {
      RZ_TRY(const EventId id, in_.id<EventId>());
      to_.without_effect.insert(id);
    }
    RZ_CHECK(read_event_list(to_.unknown_versions));
    RZ_TRY(const std::uint64_t cells, in_.count(1));
    for (std::uint64_t i = 0; i < cells; ++i) {
      RZ_TRY(Cell cell, read_cell(in_));
      to_.cells.push_back(std::move(cell));
    }
    RZ_TRY(containers_, in_.count(8));
    if (containers_ < to_.containers.size()) return in_.bad("the root or the body is missing");
    for (std::uint64_t i = 0; i < containers_; ++i) RZ_CHECK(read_container(static_cast<ContainerIndex>(i)));
    if (!in_.at_end()) return in_.bad("bytes after the end");
    for (ContainerIndex i = 0; i < containers_; ++i) RZ_CHECK(check_links(i));
    for (Container& container : to_.containers) {
      for (auto& [key, reg] : container.keys) reg.refold(to_.graph);
      for (auto& [element, reg] : container.elements) reg.refold(to_.graph);
    }
    for (const ContainerIndex index : to_replay_) to_.containers[index].sequence->replay_all();
    return check_shown();
  }

 private:
  Status read_events() {
    RZ_TRY(const std::uint64_t count, in_.count(EventId::size_bytes + 1));
    EventInfo info;
    for (std::uint64_t i = 0; i < count; ++i) {
      RZ_TRY(const std::uint64_t flags, in_.number(8));
      RZ_TRY(info.id, in_.id<EventId>());
      if (to_.graph.find(info.id)) return in_.bad("an event twice");
      Version parents;
      if ((flags & 4) != 0) {
        if (i == 0) return in_.bad("the first event follows another");
        ++info.seq;
        ++info.own;
        parents.push_back(static_cast<EventIndex>(i - 1));
      } else {
        RZ_TRY(info.author, in_.id<AuthorId>());
        for (std::uint64_t* number : {&info.feed, &info.seq, &info.depth, &info.own}) {
          RZ_TRY(*number, in_.number());
        }
        RZ_TRY(const std::uint64_t named, in_.count(1));
        for (std::uint64_t j = 0; j < named; ++j) {
          RZ_TRY(const std::uint64_t parent, in_.number(i));
          parents.push_back(static_cast<EventIndex>(parent));
        }
      }
      const EventIndex event = to_.graph.add(info, std::move(parents), Graph::Standing::closed);
      to_.graph.at(event).has_effect = (flags & 1) != 0;
      to_.graph.at(event).has_operations = (flags & 2) != 0;
      to_.note_closed(event);
    }
    return {};
  }

  Result<EventIndex> event() {
    RZ_TRY(const std::uint64_t number, in_.number(to_.graph.size()));
    return static_cast<EventIndex>(number);
  }

  Status read_event_list(std::vector<EventIndex>& into) {
    RZ_TRY(const std::uint64_t count, in_.count(1));
    for (std::uint64_t i = 0; i < count; ++i) {
      RZ_TRY(const EventIndex listed, event());
      into.push_back(listed);
    }
    return {};
  }

  Status read_writes(Register& reg) {
    RZ_TRY(const std::uint64_t count, in_.count(3));
    for (std::uint64_t i = 0; i < count; ++i) {
      Write write;
      RZ_TRY(write.event, event());
      RZ_TRY(const std::uint64_t offset, in_.number(units_max));
      RZ_TRY(const std::uint64_t cell, in_.number(to_.cells.size() + 1));
      write.offset = static_cast<std::uint32_t>(offset);
      write.cell = cell == 0 ? cell_deleted : static_cast<CellIndex>(cell - 1);
      reg.keep(write);
    }
    return {};
  }

  Status read_container(ContainerIndex index) {
    RZ_TRY(const std::uint64_t type, in_.number(4));
    RZ_TRY(const std::uint64_t creator, in_.number(std::uint64_t{to_.graph.size()} + 1));
    RZ_TRY(const std::uint64_t offset, in_.number(units_max));
    RZ_TRY(const std::uint64_t parent, in_.number(index < 2 ? 1 : index));
    if (index >= 2) {
      to_.create(static_cast<Type>(type), creator == 0 ? event_none : static_cast<EventIndex>(creator - 1),
                 static_cast<std::uint32_t>(offset), static_cast<ContainerIndex>(parent));
    }
    Container& container = to_.containers[index];
    if (container.type != static_cast<Type>(type) || container.depth > depth_max) return in_.bad("a wrong container");
    RZ_TRY(const std::uint64_t element, in_.number(std::uint64_t{element_end} + 1));
    container.parent_element = element == 0 ? element_none : static_cast<ElementId>(element - 1);
    RZ_TRY(container.parent_key, in_.text());
    RZ_CHECK(read_event_list(container.unknown));
    RZ_TRY(const std::uint64_t keys, in_.count(2));
    for (std::uint64_t i = 0; i < keys; ++i) {
      RZ_TRY(std::string key, in_.text());
      RZ_CHECK(read_writes(container.keys[key]));
    }
    RZ_TRY(const std::uint64_t elements, in_.count(2));
    for (std::uint64_t i = 0; i < elements; ++i) {
      RZ_TRY(const std::uint64_t id, in_.number(element_end));
      RZ_CHECK(read_writes(container.elements[static_cast<ElementId>(id)]));
    }
    RZ_TRY(const std::uint64_t additions, in_.count(3));
    for (std::uint64_t i = 0; i < additions; ++i) {
      Container::Addition addition;
      RZ_TRY(addition.event, event());
      RZ_TRY(const std::uint64_t at, in_.number(units_max));
      RZ_TRY(addition.by, in_.signed_number());
      addition.offset = static_cast<std::uint32_t>(at);
      container.additions.push_back(addition);
    }
    return container.sequence ? read_sequence(index, *container.sequence) : Status{};
  }

  Status read_sequence(ContainerIndex index, Sequence& sequence) {
    using Sort = Sequence::Run::Sort;
    RZ_TRY(const std::uint64_t pinned, in_.number(2));
    RZ_TRY(const std::uint64_t next_id, in_.number(std::uint64_t{element_end} + 1));
    RZ_TRY(const std::uint64_t count, in_.count(7));
    std::vector<Sequence::Run> runs;
    runs.reserve(static_cast<std::size_t>(count));
    std::uint64_t id = 0;
    std::uint64_t text_bytes = 0;
    std::vector<std::size_t> text_ends;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t fields[7];
      for (std::uint64_t& field : fields) {
        RZ_TRY(field, in_.number(std::uint64_t{1} << 32));
      }
      id += fields[1];
      const std::uint64_t length = fields[2];
      if (fields[0] > 3 || length == 0 || id + length > next_id || fields[3] >= to_.graph.size()) {
        return in_.bad("a wrong run of operations");
      }
      Sequence::Run run;
      run.sort = static_cast<Sort>(fields[0]);
      run.id = static_cast<ElementId>(id);
      run.length = static_cast<std::uint32_t>(length);
      run.event = static_cast<EventIndex>(fields[3]);
      run.position = static_cast<std::uint32_t>(fields[4]);
      run.length_after = static_cast<std::uint32_t>(fields[5]);
      run.content = static_cast<std::uint32_t>(fields[6]);
      if (run.sort == Sort::erase_back && fields[4] + 1 < length) return in_.bad("a deletion before the beginning");
      if (run.sort == Sort::insert) {
        if (sequence.is_text()) {
          run.content = static_cast<std::uint32_t>(text_bytes);
          text_bytes += length + fields[6];
          text_ends.push_back(static_cast<std::size_t>(text_bytes));
        } else if (fields[6] + length > to_.cells.size()) {
          return in_.bad("values are missing");
        }
      }
      id += length;
      runs.push_back(run);
    }
    std::string text;
    if (sequence.is_text()) {
      RZ_TRY(text, in_.text());
      if (text.size() != text_bytes) return in_.bad("text is missing");
      std::size_t end = 0;
      for (const Sequence::Run& run : runs) {
        if (run.sort != Sort::insert) continue;
        const std::string_view content = std::string_view(text).substr(run.content, text_ends[end++] - run.content);
        if (utf8::count(content) != run.length || (!content.empty() && utf8::is_continuation(content[0]))) {
          return in_.bad("text of another length");
        }
      }
    }
    sequence.restore(std::move(runs), std::move(text), static_cast<ElementId>(next_id), pinned != 0);
    RZ_TRY(const std::uint64_t has_shown, in_.number(2));
    if (has_shown == 0) {
      to_replay_.push_back(index);
      return {};
    }
    return read_shown(sequence);
  }

  Status read_shown(Sequence& sequence) {
    if (sequence.is_text()) {
      RZ_TRY(const ByteView shown, in_.sized());
      if (!utf8::is_valid(as_text(shown))) return in_.bad("text that is no UTF-8");
      sequence.restore_shown(as_text(shown));
      return {};
    }
    RZ_TRY(const std::uint64_t count, in_.count(2));
    for (std::uint64_t i = 0; i < count; ++i) {
      RZ_TRY(const std::uint64_t first, in_.number(element_end));
      RZ_TRY(const std::uint64_t length, in_.number(element_end));
      for (std::uint64_t j = 0; j < length; ++j) {
        if (!sequence.has_element(static_cast<ElementId>(first + j))) return in_.bad("an element that is not there");
      }
      if (length == 0) return in_.bad("no elements");
      sequence.restore_shown(static_cast<ElementId>(first), static_cast<std::uint32_t>(length));
    }
    return {};
  }

  // A container hangs where it says, below its parent: no cycles, no second place.
  Status check_links(ContainerIndex index) {
    const Container& container = to_.containers[index];
    const auto check = [&](CellIndex cell) -> Status {
      const auto* link = cell == cell_deleted ? nullptr : std::get_if<ContainerLink>(&to_.cells[cell]);
      if (link == nullptr) return {};
      if (link->container >= containers_ || link->container <= index || link->container < 2 ||
          to_.containers[link->container].parent != index) {
        return in_.bad("a container in a wrong place");
      }
      return {};
    };
    for (const auto& [key, reg] : container.keys) {
      for (const Write& write : reg.all()) RZ_CHECK(check(write.cell));
    }
    for (const auto& [element, reg] : container.elements) {
      if (!container.sequence || container.type != Type::list || !container.sequence->has_element(element)) {
        return in_.bad("a write to no element");
      }
      for (const Write& write : reg.all()) RZ_CHECK(check(write.cell));
    }
    const bool is_child = index >= 2 && container.parent_element != element_none;
    if (is_child) {
      const Container& parent = to_.containers[container.parent];
      if (parent.type != Type::list || !parent.sequence->has_element(container.parent_element)) {
        return in_.bad("a container in no element");
      }
    }
    if (index >= 2) {
      const Type parent = to_.containers[container.parent].type;
      if (parent != Type::map && parent != Type::list) return in_.bad("a container in a text or counter");
    }
    if (container.type != Type::list) return {};
    for (const Sequence::Run& run : container.sequence->runs()) {
      if (run.sort != Sequence::Run::Sort::insert) continue;
      for (std::uint32_t i = 0; i < run.length; ++i) RZ_CHECK(check(run.content + i));
    }
    return {};
  }

  Status check_shown() {
    for (const Container& container : to_.containers) {
      if (!container.sequence || container.sequence->runs().empty()) continue;
      if (container.sequence->runs().back().length_after != container.sequence->length()) {
        return in_.bad("what is shown does not fit the operations");
      }
    }
    return {};
  }

  Document::Impl& to_;
  CheckpointReader in_;
  std::uint64_t containers_ = 0;
  std::vector<ContainerIndex> to_replay_;
};

}  // namespace

Bytes Document::Impl::save() const { return Saver(*this).run(); }

Status Document::Impl::load(ByteView bytes) {
  RZ_TRY(const CheckpointReader reader, CheckpointReader::open(bytes));
  return Loader(*this, reader).run();
}

}  // namespace rz::document
