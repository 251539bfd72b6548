#include "raft/wire/configuration.h"

#include <algorithm>

#include "crypto/sha256.h"
#include "raft/wire/reader.h"

namespace rz::raft {
namespace {

const Member* find_in(const std::vector<Member>& list, const NodeId& id) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const Member& member) { return member.id == id; });
  return at == list.end() ? nullptr : &*at;
}

bool holds(const std::vector<Member>& list, const Member& member) {
  const Member* found = find_in(list, member.id);
  return found != nullptr && *found == member;
}

bool is_sorted_set(const std::vector<Member>& list) {
  return std::adjacent_find(list.begin(), list.end(), [](const Member& a, const Member& b) { return a.id >= b.id; }) ==
         list.end();
}

void put_members(Bytes& out, const std::vector<Member>& list) {
  cbor::put_array(out, list.size());
  for (const Member& member : list) {
    cbor::put_array(out, 2);
    cbor::put_bytes(out, member.id.view());
    cbor::put_uint(out, member.incarnation.n);
  }
}

Result<std::vector<Member>> read_members(Reader& reader) {
  RZ_TRY(const std::size_t count, reader.array(Configuration::members_max));
  std::vector<Member> list(count);
  for (Member& member : list) {
    RZ_CHECK(reader.array_of(2));
    RZ_TRY(member.id, reader.fixed<NodeId>());
    RZ_TRY(member.incarnation.n, reader.unsigned_int());
  }
  return list;
}

}  // namespace

bool Configuration::is_voter(const Member& member) const { return holds(voters, member) || holds(outgoing, member); }

bool Configuration::is_learner(const Member& member) const { return holds(learners, member); }

bool Configuration::is_incoming(const Member& member) const { return holds(voters, member); }

bool Configuration::names(const NodeId& id) const { return find(id) != nullptr; }

const Member* Configuration::find(const NodeId& id) const {
  if (const Member* voter = find_in(voters, id)) return voter;
  if (const Member* learner = find_in(learners, id)) return learner;
  return find_in(outgoing, id);
}

std::vector<Member> Configuration::members() const {
  std::vector<Member> all = voters;
  for (const auto* list : {&learners, &outgoing}) {
    for (const Member& member : *list) {
      if (find_in(all, member.id) == nullptr) all.push_back(member);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

Status check_configuration(const Configuration& configuration) {
  const auto bad = [](std::string_view why) { return fail(ErrorCode::raft_bad_configuration, why); };
  for (const auto* list : {&configuration.voters, &configuration.learners, &configuration.outgoing}) {
    if (list->size() > Configuration::members_max) return bad("too many members");
    if (!is_sorted_set(*list)) return bad("a list of members is not sorted, or names a device twice");
  }
  for (const Member& learner : configuration.learners) {
    if (find_in(configuration.voters, learner.id) != nullptr) return bad("a device is both voter and learner");
  }
  if (configuration.voters.empty() && !(configuration.learners.empty() && configuration.outgoing.empty())) {
    return bad("members, but no voter");
  }
  return {};
}

Bytes encode(const Configuration& configuration) {
  Bytes out;
  cbor::put_array(out, 3);
  put_members(out, configuration.voters);
  put_members(out, configuration.learners);
  put_members(out, configuration.outgoing);
  return out;
}

Result<Configuration> read_configuration(Reader& reader) {
  Configuration configuration;
  const std::size_t at = reader.offset();
  RZ_CHECK(reader.array_of(3));
  RZ_TRY(configuration.voters, read_members(reader));
  RZ_TRY(configuration.learners, read_members(reader));
  RZ_TRY(configuration.outgoing, read_members(reader));
  if (const Status status = check_configuration(configuration); !status) {
    return fail_at(status.error().code, at, status.error().message);
  }
  return configuration;
}

Result<Configuration> decode_configuration(ByteView bytes) {
  Reader reader(bytes);
  RZ_TRY(Configuration configuration, read_configuration(reader));
  RZ_CHECK(reader.finish());
  return configuration;
}

Root root_of(ByteView encoded_configuration) {
  Root root;
  root.bytes = crypto::sha256(encoded_configuration).bytes;
  return root;
}

}  // namespace rz::raft
