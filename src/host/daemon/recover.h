// Recovery: a pod comes back onto this machine from the paper and whoever still stores it (docs/formats/recovery.md).
//
// What happens to the folder: nothing before a member has let this device in. Then `recover.key` and a store that
// fills; an attempt that breaks off goes on where it was. At the end, in this order: the next paper (`paper.key`), the
// recovery in the store, `device.key`. A folder with a read-only copy out of an export is made a device in place.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "host/daemon/files.h"
#include "identity/paper_sheet.h"
#include "pod/pod.h"

namespace rz::host {

struct RecoverOptions {
  std::vector<std::string> at;  // Tried before the paper's addresses.
  std::string name;
  bool others_live = false;  // The devices that decide on the order are not lost: leave it to them.
  bool offline = false;      // From the copy in the folder alone; the others learn of it later.
  bool partial = false;      // Go on although not everything came that the member said it stores.
  std::function<void(const std::string& address)> dialling;
  std::function<void(const pod::RecoveryProgress&)> progress;  // Not more often than ten times a second.
};

struct Recovered {
  std::string did;
  std::string peer_id;
  std::vector<std::string> paper_words;      // The next paper's.
  std::vector<std::string> paper_addresses;  // Where the pod's devices listen, always-on ones first.
  std::string served_by;                     // The member's name; empty: nobody.
  std::size_t documents = 0;
  std::size_t unreadable = 0;        // Of these, without a key for them.
  std::uint64_t events = 0;          // Here, of all streams.
  std::uint64_t events_missing = 0;  // With `partial`.
  std::optional<UnixMs> newest;      // As the clock of the device that wrote it claimed.
  std::vector<std::string> lost;     // The pod's other personal devices.
  bool announced = true;             // A member stores the recovery: the others will hear of it.
};

// Blocks until it is done or has failed; a second call goes on where the first one was. Errors: not_reachable (nobody
// answered), recovery_wrong_key (who answered lets nobody in with this paper), sync_wrong_pod, pod_exists,
// transport_timeout (the transfer came to a halt), bad_argument (no DID, no address), store_*.
Result<Recovered> recover_pod(const DeviceFiles& files, const identity::PaperReading& paper,
                              const RecoverOptions& options);

// Where the devices of a pod listen, for the paper: always-on devices first, then the others, this one last.
std::vector<std::string> addresses_for_paper(const pod::Pod& pod, pod::Now now);

}  // namespace rz::host
