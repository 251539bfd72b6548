// DAG-PB in the data model.
#include "ipld/dag_pb.h"

namespace rz::ipld::dag_pb {
namespace {

using Entries = std::vector<std::pair<std::string_view, Value>>;

// The keys are constants, all different.
Value map_of(Entries entries) {
  auto made = Value::map(std::move(entries));
  RZ_ASSERT(made.has_value());
  return *std::move(made);
}

std::unexpected<Error> bad(std::string_view why) { return fail(ErrorCode::pb_bad_shape, why); }

Result<Link> link_from(const Value& value, std::size_t index) {
  if (value.kind() != Kind::map) return bad(words("link ", index, " is no map"));
  Link link;
  for (const MapEntry& entry : value.as_map()) {
    if (entry.key() == "Hash") {
      const auto hash = entry.value().get_link();
      if (!hash) return bad(words("the Hash of link ", index, " is no link"));
      link.hash = *hash;
    } else if (entry.key() == "Name") {
      const auto name = entry.value().get_text();
      if (!name) return bad(words("the Name of link ", index, " is no text"));
      link.name = std::string(*name);
    } else if (entry.key() == "Tsize") {
      link.tsize = entry.value().get_uint();
      if (!link.tsize || *link.tsize >> 63 != 0) return bad(words("the Tsize of link ", index, " is no size"));
    } else {
      return bad(words("link ", index, " has a field \"", entry.key(), "\""));
    }
  }
  if (link.hash.is_empty()) return bad(words("link ", index, " has no Hash"));
  return link;
}

}  // namespace

Value to_value(const Node& node) {
  std::vector<Value> links;
  links.reserve(node.links.size());
  for (const Link& link : node.links) {
    Entries entries;
    entries.emplace_back("Hash", Value::link(link.hash));
    if (link.name) entries.emplace_back("Name", Value::text(*link.name));
    if (link.tsize) entries.emplace_back("Tsize", Value::unsigned_integer(*link.tsize));
    links.push_back(map_of(std::move(entries)));
  }
  Entries entries;
  entries.emplace_back("Links", Value::list(std::move(links)));
  if (node.data) entries.emplace_back("Data", Value::bytes(*node.data));
  return map_of(std::move(entries));
}

Result<Node> from_value(const Value& value) {
  if (value.kind() != Kind::map) return bad(words("a map is needed, not ", name_of(value.kind())));
  Node node;
  for (const MapEntry& entry : value.as_map()) {
    if (entry.key() == "Data") {
      const auto data = entry.value().get_bytes();
      if (!data) return bad("Data is no bytes");
      node.data = to_bytes(*data);
    } else if (entry.key() == "Links") {
      if (entry.value().kind() != Kind::list) return bad("Links is no list");
      for (const Value& item : entry.value().as_list()) {
        RZ_TRY(Link link, link_from(item, node.links.size()));
        node.links.push_back(std::move(link));
      }
    } else {
      return bad(words("a field \"", entry.key(), "\""));
    }
  }
  if (!value.find("Links")) return bad("Links is missing");
  return node;
}

}  // namespace rz::ipld::dag_pb
