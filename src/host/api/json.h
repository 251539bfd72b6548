// The JSON of the API: what each value looks like. Included by the API's own .cc files only: the library is heavy.
#pragma once

#include <nlohmann/json.hpp>

#include "host/api/text_delta.h"
#include "identity/pairing.h"
#include "pod/pod.h"

namespace rz::host {

using Json = nlohmann::ordered_json;

class Daemon;
struct Recovered;

// Nothing where the text is no JSON object. Never throws.
std::optional<Json> parse_object(std::string_view text);
// Replaces what is not UTF-8 (a broken name in an error, say) instead of throwing.
std::string dump(const Json& json);

Json error_json(const Error& error);
Json status_json(Daemon& daemon);
Json devices_json(Daemon& daemon);
Json cluster_json(Daemon& daemon);
Json documents_json(Daemon& daemon, bool removed = false);
// How far a document's newest write has come, and whether another device has all of it.
Json save_state_json(const pod::Pod& pod, const log::StreamId& document);
// What devices ask of each other, and changes to them that contradict each other (consent.cc).
Json requests_json(Daemon& daemon);
Json rivals_json(Daemon& daemon);
Json event_json(const pod::EventSummary& event);
Json pairing_json(const identity::Inviter::Progress& progress);
Json changes_json(const std::vector<TextChange>& changes);
// Errors: bad_argument, naming the change that is malformed.
Result<std::vector<TextChange>> changes_from(const Json& json);
Json recovered_json(const Recovered& back);
Json addresses_json(const std::vector<ipld::Multiaddr>& addresses);

// The text as a QR code in an SVG of its own size, or empty where it does not fit.
std::string qr_svg(const std::string& text);

}  // namespace rz::host
