#include "document/document.h"

#include <algorithm>

#include "document/impl.h"

namespace rz::document {

Document::Document() : Document(AuthorId{}) {}
Document::Document(const AuthorId& author, std::uint64_t feed) : impl_(std::make_unique<Impl>(author, feed)) {}
Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

void Document::set_author(const AuthorId& author, std::uint64_t feed) {
  impl_->author = author;
  impl_->feed = feed;
}

Result<Patches> Document::apply(const EventInfo& info, ByteView payload) { return impl_->apply(info, payload); }

Result<Patches> Document::apply_all(std::span<const AppliedEvent> events) { return impl_->apply_all(events); }

Result<Patches> Document::set_effect(const EventId& event, bool has_effect) {
  return impl_->set_effect(event, has_effect);
}

Result<Patches> Document::retract(const EventId& event) { return impl_->retract(event); }

Result<Patches> Document::text_insert(const Path& path, std::uint64_t position, std::string_view text) {
  return impl_->text_insert(path, position, text);
}

Result<Patches> Document::text_delete(const Path& path, std::uint64_t position, std::uint64_t count) {
  return impl_->erase(path, Type::text, position, count);
}

Result<Patches> Document::list_insert(const Path& path, std::uint64_t index, std::span<const Value> values) {
  return impl_->list_insert(path, index, values);
}

Result<Patches> Document::list_delete(const Path& path, std::uint64_t index, std::uint64_t count) {
  return impl_->erase(path, Type::list, index, count);
}

Result<Patches> Document::list_set(const Path& path, std::uint64_t index, const Value& value) {
  return impl_->list_set(path, index, value);
}

Result<Patches> Document::map_set(const Path& path, std::string_view key, const Value& value) {
  return impl_->map_write(path, key, &value);
}

Result<Patches> Document::map_delete(const Path& path, std::string_view key) {
  return impl_->map_write(path, key, nullptr);
}

Result<Patches> Document::counter_add(const Path& path, std::int64_t by) { return impl_->counter_add(path, by); }

Result<Patches> Document::transact(std::span<const Edit> edits) { return impl_->transact(edits); }

std::uint64_t Document::open_operations() const { return impl_->open ? impl_->open->builder.units() : 0; }

std::vector<EventId> Document::open_parents() const {
  if (open_operations() == 0) return version();
  std::vector<EventId> ids;
  for (const EventIndex parent : impl_->graph.parents(impl_->open->event)) ids.push_back(impl_->graph.at(parent).id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

Bytes Document::open_payload() const { return impl_->open ? encode_payload(impl_->open->builder.payload()) : Bytes(); }

Result<Patches> Document::close_open_event(const EventInfo& info) { return impl_->close_open_event(info); }

Result<Patches> Document::apply_provisional(const EventInfo& info, ByteView payload_so_far) {
  return impl_->apply_provisional(info, payload_so_far);
}

Result<Patches> Document::drop_provisional(const AuthorId& author, std::uint64_t feed, std::uint64_t seq) {
  Patches out;
  const auto tail = impl_->find_tail(author, feed, seq);
  if (tail != impl_->tails.end()) impl_->drop_tail(tail, out);
  return out;
}

Result<Patches> Document::drop_provisional_of(const AuthorId& author) {
  Patches out;
  for (;;) {
    const auto tail = std::find_if(impl_->tails.begin(), impl_->tails.end(),
                                   [&](const Impl::Tail& candidate) { return candidate.author == author; });
    if (tail == impl_->tails.end()) return out;
    impl_->drop_tail(tail, out);
  }
}

Result<Value> Document::get(const Path& path) const {
  RZ_TRY(const Impl::Found found, impl_->find(path));
  return found.container ? impl_->value_of(*found.container) : impl_->value_of(*found.cell);
}

Result<std::vector<Value>> Document::conflicts(const Path& path) const {
  if (path.empty() || path == body()) {
    RZ_TRY(Value value, get(path));
    return std::vector<Value>{std::move(value)};
  }
  // The last step may be a key whose winner is a deletion: its other values are still of interest.
  RZ_TRY(const ContainerIndex parent, impl_->find_container(Path(path.begin(), path.end() - 1)));
  const Container& container = impl_->containers[parent];
  const Register* reg = nullptr;
  std::vector<Value> values;
  if (const auto* key = std::get_if<std::string>(&path.back()); key != nullptr && container.type == Type::map) {
    const auto found = container.keys.find(*key);
    if (found == container.keys.end()) return fail(ErrorCode::path_not_found, words("no key ", *key));
    reg = &found->second;
  } else {
    RZ_TRY(const Impl::Found found, impl_->find(path));
    reg = found.reg;
    if (reg == nullptr) values.push_back(impl_->value_of(impl_->cells[found.first]));
  }
  if (reg != nullptr) {
    for (const Write& write : reg->live()) {
      if (write.cell != cell_deleted) values.push_back(impl_->value_of(impl_->cells[write.cell]));
    }
  }
  return values;
}

Result<Type> Document::type_of(const Path& path) const {
  RZ_TRY(const ContainerIndex index, impl_->find_container(path));
  return impl_->containers[index].type;
}

Result<std::uint64_t> Document::length(const Path& path) const {
  RZ_TRY(const ContainerIndex index, impl_->find_container(path));
  const Container& container = impl_->containers[index];
  if (container.sequence) return container.sequence->length();
  if (container.type != Type::map) return fail(ErrorCode::wrong_container, "a counter has no length");
  std::uint64_t keys = 0;
  for (const auto& [key, reg] : container.keys) keys += reg.winner() != cell_deleted ? 1 : 0;
  return keys;
}

Result<std::uint64_t> Document::text_bytes(const Path& path) const {
  RZ_TRY(const ContainerIndex index, impl_->find_container(path, Type::text));
  return impl_->containers[index].sequence->rope().size_bytes();
}

Result<std::string> Document::text(const Path& path) const {
  RZ_TRY(const ContainerIndex index, impl_->find_container(path, Type::text));
  return impl_->containers[index].sequence->rope().to_string();
}

Result<std::string> Document::text_slice(const Path& path, std::uint64_t position, std::uint64_t count) const {
  RZ_TRY(const ContainerIndex index, impl_->find_container(path, Type::text));
  const Rope& rope = impl_->containers[index].sequence->rope();
  if (position > rope.length() || count > rope.length() - position) {
    return fail(ErrorCode::position_out_of_range, words("a slice beyond the length of ", rope.length()));
  }
  return rope.slice(position, count);
}

Value Document::value() const { return impl_->value_of(container_root); }

bool Document::needs_upgrade() const {
  return !impl_->unknown_versions.empty() ||
         std::any_of(impl_->containers.begin(), impl_->containers.end(),
                     [](const Container& container) { return !container.unknown.empty(); });
}

Result<bool> Document::needs_upgrade(const Path& path) const {
  RZ_TRY(const ContainerIndex index, impl_->find_container(path));
  return !impl_->unknown_versions.empty() || !impl_->containers[index].unknown.empty();
}

std::vector<EventId> Document::version() const {
  std::vector<EventId> ids;
  for (const EventIndex head : impl_->graph.closed_heads()) ids.push_back(impl_->graph.at(head).id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool Document::contains(const EventId& event) const { return impl_->graph.find(event).has_value(); }

std::vector<EventId> Document::without_effect() const {
  return {impl_->without_effect.begin(), impl_->without_effect.end()};
}

std::uint64_t Document::event_count() const {
  std::uint64_t count = 0;
  for (EventIndex event = 0; event < impl_->graph.size(); ++event) {
    count += impl_->graph.at(event).standing == Graph::Standing::closed ? 1 : 0;
  }
  return count;
}

std::size_t Document::memory_bytes() const { return sizeof(*this) + impl_->memory_bytes(); }

Bytes Document::save() const { return impl_->save(); }

Result<Document> Document::load(ByteView checkpoint) {
  auto impl = std::make_unique<Impl>(AuthorId{}, 0);
  RZ_CHECK(impl->load(checkpoint));
  return Document(std::move(impl));
}

}  // namespace rz::document
