// The C interface through C's eyes: what comes out equals what the engine itself says, errors leave everything alone,
// nothing leaks (the sanitizers look), and hostile bytes are errors.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <rhizome/document.h>

#include <string>
#include <vector>

#include "capi/cbor.h"
#include "ipld/dag_cbor.h"

extern "C" rz_document* rz_made_in_c(void);

namespace rz::capi {
namespace {

// Takes an output over and releases it.
class Taken {
 public:
  Taken() = default;
  ~Taken() { rz_bytes_free(&bytes_); }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  rz_bytes* out() {
    rz_bytes_free(&bytes_);
    return &bytes_;
  }
  ByteView view() const { return {bytes_.data, bytes_.size}; }
  std::string text() const { return std::string(as_text(view())); }

 private:
  rz_bytes bytes_ = {};
};

struct Handle {
  explicit Handle(std::uint8_t author) {
    std::uint8_t key[RZ_AUTHOR_ID_BYTES] = {author};
    document = rz_document_new(key, 0);
  }
  ~Handle() { rz_document_free(document); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  std::string body() const {
    Taken text;
    EXPECT_EQ(rz_document_text(document, nullptr, 0, text.out()), RZ_OK);
    return text.text();
  }
  Bytes value() const {
    const Bytes root = {0x80};
    Taken value;
    EXPECT_EQ(rz_document_value(document, root.data(), root.size(), value.out()), RZ_OK);
    return to_bytes(value.view());
  }
  rz_code type(std::uint64_t position, std::string_view text) const {
    return rz_document_text_insert(document, nullptr, 0, position, text.data(), text.size(), nullptr);
  }
  rz_code edit(const Bytes& edits, rz_bytes* patches = nullptr) const {
    return rz_document_edit(document, edits.data(), edits.size(), patches);
  }

  rz_document* document = nullptr;
};

struct Closed {
  rz_event event = {};
  Bytes parents;
  Bytes payload;
};

// Closes the open event under a name of the caller's choosing. `depth` stands in for what a log would count.
Closed close(const Handle& of, std::uint8_t author, std::uint8_t id, std::uint64_t seq, std::uint64_t depth) {
  Closed closed;
  Taken parents;
  Taken payload;
  EXPECT_EQ(rz_document_open_parents(of.document, parents.out()), RZ_OK);
  EXPECT_EQ(rz_document_open_payload(of.document, payload.out()), RZ_OK);
  closed.parents = to_bytes(parents.view());
  closed.payload = to_bytes(payload.view());
  closed.event.id[0] = id;
  closed.event.author[0] = author;
  closed.event.seq = seq;
  closed.event.depth = depth;
  closed.event.own = seq + 1;
  closed.event.parents = closed.parents.data();
  closed.event.parents_count = closed.parents.size() / RZ_EVENT_ID_BYTES;
  EXPECT_EQ(rz_document_close_event(of.document, &closed.event, nullptr), RZ_OK);
  return closed;
}

rz_code apply(const Handle& to, const Closed& closed) {
  return rz_document_apply_event(to.document, &closed.event, closed.payload.data(), closed.payload.size(), nullptr);
}

// Writes edits by hand: [name, path, arguments ...].
struct Edits {
  Bytes bytes;
  ipld::dag_cbor::Writer writer{bytes};
  explicit Edits(std::uint64_t count) { writer.array(count); }
  ipld::dag_cbor::Writer& begin(std::string_view name, std::vector<std::string_view> path, std::uint64_t arguments) {
    writer.array(arguments + 2);
    writer.text(name);
    writer.array(path.size());
    for (const auto step : path) writer.text(step);
    return writer;
  }
  void create(std::string_view key, std::string_view type) {
    begin("map_set", {}, 2).text(key);
    writer.map(1);
    writer.text("new");
    writer.text(type);
  }
};

TEST(Document, TwoTypeAtOnceAndMeet) {
  const Handle laptop(1);
  const Handle phone(2);
  ASSERT_EQ(laptop.type(0, "Hello"), RZ_OK);
  const Closed first = close(laptop, 1, 10, 0, 1);
  ASSERT_EQ(apply(phone, first), RZ_OK);
  ASSERT_EQ(phone.body(), "Hello");

  ASSERT_EQ(laptop.type(5, " laptop"), RZ_OK);
  ASSERT_EQ(phone.type(0, "So: "), RZ_OK);
  EXPECT_EQ(rz_document_open_operations(phone.document), 4u);
  const Closed second = close(laptop, 1, 11, 1, 1);
  const Closed third = close(phone, 2, 12, 0, 2);
  ASSERT_EQ(apply(laptop, third), RZ_OK);
  ASSERT_EQ(apply(phone, second), RZ_OK);
  EXPECT_EQ(laptop.body(), "So: Hello laptop");
  EXPECT_EQ(phone.body(), laptop.body());
  EXPECT_EQ(phone.value(), laptop.value());
  EXPECT_EQ(rz_document_event_count(phone.document), 3u);
  EXPECT_EQ(rz_document_contains(phone.document, second.event.id), 1);

  Taken here;
  Taken there;
  ASSERT_EQ(rz_document_version(laptop.document, here.out()), RZ_OK);
  ASSERT_EQ(rz_document_version(phone.document, there.out()), RZ_OK);
  EXPECT_EQ(here.text(), there.text());
  EXPECT_EQ(here.view().size(), 2 * RZ_EVENT_ID_BYTES);
}

TEST(Document, ProvisionalIsShownAndReplaced) {
  const Handle laptop(1);
  const Handle phone(2);
  ASSERT_EQ(laptop.type(0, "typing"), RZ_OK);
  Taken payload;
  ASSERT_EQ(rz_document_open_payload(laptop.document, payload.out()), RZ_OK);
  rz_event open = {};
  open.author[0] = 1;
  open.depth = open.own = 1;
  ASSERT_EQ(rz_document_apply_provisional(phone.document, &open, payload.view().data(), payload.view().size(), nullptr),
            RZ_OK);
  EXPECT_EQ(phone.body(), "typing");
  EXPECT_EQ(rz_document_event_count(phone.document), 0u);
  ASSERT_EQ(rz_document_drop_provisional(phone.document, open.author, nullptr), RZ_OK);
  EXPECT_EQ(phone.body(), "");
  ASSERT_EQ(apply(phone, close(laptop, 1, 10, 0, 1)), RZ_OK);
  EXPECT_EQ(phone.body(), "typing");
  const std::uint8_t id[RZ_EVENT_ID_BYTES] = {10};
  ASSERT_EQ(rz_document_set_effect(phone.document, id, 0, nullptr), RZ_OK);
  EXPECT_EQ(phone.body(), "");
}

TEST(Document, EveryKindOfEdit) {
  const Handle handle(1);
  Edits edits(11);
  edits.create("todos", "list");
  edits.create("title", "text");
  edits.create("count", "counter");
  edits.create("inner", "map");
  auto& insert = edits.begin("list_insert", {"todos"}, 2);
  insert.unsigned_integer(0);
  insert.array(3);
  insert.null();
  insert.boolean(true);
  insert.floating(1.5);
  edits.begin("list_delete", {"todos"}, 2).unsigned_integer(0);
  edits.writer.unsigned_integer(1);
  edits.begin("list_set", {"todos"}, 2).unsigned_integer(1);
  edits.writer.bytes(to_bytes("raw"));
  edits.begin("text_insert", {"title"}, 2).unsigned_integer(0);
  edits.writer.text("Plänts");
  edits.begin("text_delete", {"title"}, 2).unsigned_integer(2);
  edits.writer.unsigned_integer(1);
  edits.begin("counter_add", {"count"}, 1).integer(-5);
  edits.begin("map_delete", {}, 1).text("inner");
  Taken patches;
  ASSERT_EQ(handle.edit(edits.bytes, patches.out()), RZ_OK);
  EXPECT_TRUE(ipld::dag_cbor::check(patches.view()).has_value());

  const auto root = ipld::dag_cbor::decode(handle.value());
  ASSERT_TRUE(root.has_value());
  EXPECT_EQ(root->as_map().size(), 3u);
  EXPECT_EQ(root->find("title")->as_text(), "Plnts");
  EXPECT_EQ(root->find("count")->get_int(), -5);
  ASSERT_EQ(root->find("todos")->as_list().size(), 2u);
  EXPECT_EQ(rz::as_text(root->find("todos")->at(1)->as_bytes()), "raw");

  const Bytes title = {0x81, 0x65, 't', 'i', 't', 'l', 'e'};
  std::uint32_t type = 99;
  std::uint64_t length = 0;
  ASSERT_EQ(rz_document_type(handle.document, title.data(), title.size(), &type), RZ_OK);
  EXPECT_EQ(type, 2u);
  ASSERT_EQ(rz_document_length(handle.document, title.data(), title.size(), &length), RZ_OK);
  EXPECT_EQ(length, 5u);
  Taken slice;
  ASSERT_EQ(rz_document_text_slice(handle.document, title.data(), title.size(), 1, 2, slice.out()), RZ_OK);
  EXPECT_EQ(slice.text(), "ln");
  Taken conflicts;
  ASSERT_EQ(rz_document_conflicts(handle.document, title.data(), title.size(), conflicts.out()), RZ_OK);
  EXPECT_EQ(to_hex(conflicts.view()), "8165506c6e7473");
}

TEST(Document, PatchesAsWritten) {
  const Handle handle(1);
  Taken patches;
  ASSERT_EQ(rz_document_text_insert(handle.document, nullptr, 0, 0, "hi", 2, patches.out()), RZ_OK);
  // [["text_splice", [""], 0, 0, "hi"]]
  EXPECT_EQ(to_hex(patches.view()),
            "81856b746578745f73706c69636581600000"
            "626869");
  ASSERT_EQ(rz_document_text_delete(handle.document, nullptr, 0, 0, 1, patches.out()), RZ_OK);
  EXPECT_EQ(to_hex(patches.view()),
            "81856b746578745f73706c696365816000"
            "0160");
}

TEST(Document, RefusedEditsChangeNothing) {
  const Handle handle(1);
  ASSERT_EQ(handle.type(0, "kept"), RZ_OK);
  EXPECT_EQ(handle.type(5, "beyond"), RZ_POSITION_OUT_OF_RANGE);
  EXPECT_EQ(handle.type(0, "\xff"), RZ_BAD_ARGUMENT);
  EXPECT_EQ(rz_document_text_insert(handle.document, nullptr, 0, 0, nullptr, 3, nullptr), RZ_BAD_ARGUMENT);
  EXPECT_EQ(rz_document_text_insert(handle.document, nullptr, 3, 0, "x", 1, nullptr), RZ_BAD_ARGUMENT);
  const Bytes nowhere = {0x81, 0x61, 'x'};
  EXPECT_EQ(rz_document_text_insert(handle.document, nowhere.data(), nowhere.size(), 0, "x", 1, nullptr),
            RZ_PATH_NOT_FOUND);
  const Bytes root = {0x80};
  EXPECT_EQ(rz_document_text_insert(handle.document, root.data(), root.size(), 0, "x", 1, nullptr), RZ_WRONG_CONTAINER);

  Edits edits(2);  // The first alone would do; the second is refused: all or nothing.
  edits.begin("text_insert", {""}, 2).unsigned_integer(0);
  edits.writer.text("gone ");
  edits.begin("text_delete", {""}, 2).unsigned_integer(100);
  edits.writer.unsigned_integer(1);
  EXPECT_EQ(handle.edit(edits.bytes), RZ_POSITION_OUT_OF_RANGE);
  std::uint64_t offset = 0;
  Taken message;
  rz_document_error(handle.document, message.out(), &offset);
  EXPECT_EQ(offset, 1u);
  EXPECT_FALSE(message.text().empty());
  EXPECT_EQ(handle.body(), "kept");

  std::uint8_t author[RZ_AUTHOR_ID_BYTES] = {9};
  EXPECT_EQ(rz_document_set_author(handle.document, author, 0), RZ_BAD_ARGUMENT);
}

TEST(Document, EventsThatDoNotFit) {
  const Handle handle(1);
  EXPECT_EQ(rz_document_apply_event(handle.document, nullptr, nullptr, 0, nullptr), RZ_BAD_ARGUMENT);
  rz_event event = {};
  event.seq = std::uint64_t{1} << 53;
  EXPECT_EQ(rz_document_apply_event(handle.document, &event, nullptr, 0, nullptr), RZ_BAD_ARGUMENT);
  event.seq = 0;
  event.parents_count = 1;
  EXPECT_EQ(rz_document_apply_event(handle.document, &event, nullptr, 0, nullptr), RZ_BAD_ARGUMENT);
  const std::uint8_t parent[RZ_EVENT_ID_BYTES] = {7};
  event.parents = parent;
  EXPECT_EQ(rz_document_apply_event(handle.document, &event, nullptr, 0, nullptr), RZ_EVENT_PARENT_UNKNOWN);
  EXPECT_EQ(rz_document_close_event(handle.document, &event, nullptr), RZ_BAD_ARGUMENT);
  EXPECT_EQ(rz_document_event_count(handle.document), 0u);
}

TEST(Document, CheckpointRoundTripAndDamage) {
  const Handle handle(1);
  ASSERT_EQ(handle.type(0, "to be kept"), RZ_OK);
  close(handle, 1, 10, 0, 1);
  Taken checkpoint;
  ASSERT_EQ(rz_document_save(handle.document, checkpoint.out()), RZ_OK);
  rz_document* loaded = nullptr;
  ASSERT_EQ(rz_document_load(checkpoint.view().data(), checkpoint.view().size(), &loaded), RZ_OK);
  Taken text;
  EXPECT_EQ(rz_document_text(loaded, nullptr, 0, text.out()), RZ_OK);
  EXPECT_EQ(text.text(), "to be kept");
  rz_document_free(loaded);

  Bytes damaged = to_bytes(checkpoint.view());
  damaged[damaged.size() / 2] ^= 1;
  rz_document* untouched = nullptr;
  EXPECT_EQ(rz_document_load(damaged.data(), damaged.size(), &untouched), RZ_BAD_CHECKPOINT);
  EXPECT_EQ(untouched, nullptr);
}

TEST(Document, FromC) {
  rz_document* document = rz_made_in_c();
  EXPECT_EQ(rz_document_event_count(document), 0u);
  rz_document_free(document);
}

TEST(Base, NamesOfErrors) {
  EXPECT_STREQ(rz_error_name(RZ_OK), "ok");
  EXPECT_STREQ(rz_error_name(RZ_POSITION_OUT_OF_RANGE), "position_out_of_range");
  EXPECT_STREQ(rz_error_name(RZ_BAD_CHECKPOINT), "bad_checkpoint");
  EXPECT_STREQ(rz_error_name(-1), "unknown");
  EXPECT_STREQ(rz_error_name(65536 + 6), "unknown");
  EXPECT_STRNE(rz_error_meaning(RZ_BAD_ARGUMENT), "");
  EXPECT_EQ(rz_abi_version(), static_cast<std::uint32_t>(RZ_ABI_VERSION));
}

TEST(Base, Memory) {
  void* memory = rz_alloc(0);
  EXPECT_NE(memory, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 16, 0u);
  rz_free(memory);
  rz_free(nullptr);
  rz_bytes_free(nullptr);
  rz_bytes none = {};
  rz_bytes_free(&none);
}

// Any bytes at all where edits are expected: refused whole, or applied whole.
RC_GTEST_PROP(Document, HostileEdits, (const std::vector<std::uint8_t>& bytes)) {
  const Handle handle(1);
  const Bytes before = handle.value();
  if (handle.edit(bytes) != RZ_OK) RC_ASSERT(handle.value() == before);
}

// The same with bytes that begin well: valid edits with one byte changed or cut short.
RC_GTEST_PROP(Document, DamagedEdits, (std::uint16_t where, std::uint8_t flip, bool cut)) {
  Edits edits(3);
  edits.create("list", "list");
  auto& insert = edits.begin("list_insert", {"list"}, 2);
  insert.unsigned_integer(0);
  insert.array(2);
  insert.text("é");
  insert.integer(-70000);
  edits.begin("text_insert", {""}, 2).unsigned_integer(0);
  edits.writer.text("text");
  Bytes damaged = edits.bytes;
  const std::size_t at = where % damaged.size();
  if (cut) {
    damaged.resize(at);
  } else {
    damaged[at] ^= flip;
  }
  const Handle handle(1);
  const Bytes before = handle.value();
  const rz_code code = handle.edit(damaged);
  if (code != RZ_OK) RC_ASSERT(handle.value() == before);
  if (cut) RC_ASSERT(code != RZ_OK);
}

}  // namespace
}  // namespace rz::capi
