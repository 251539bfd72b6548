// The files of a device's folder beside its store, and where the folder is.
//
//   store.db …      the store (store/sqlite_store.h), `promise` beside it
//   device.key      the device's secret, hexadecimal, mode 0600; while a recovery is under way recover.key instead
//   device.key.next the key that is to take its place, from before the pod is told of it until it does
//   device.key.old  those that it took the place of, newest first, until nothing is readable with them alone any more
//   paper.key       the paper key's seed until its owner has confirmed the paper, mode 0600
//   api.token       what requests to the page and the API carry, mode 0600
//   daemon.json     {pid, http, url} while the daemon runs
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/entropy.h"
#include "identity/keys.h"
#include "identity/paper.h"

namespace rz::host {

// ${XDG_DATA_HOME:-~/.local/share}/rhizome.
std::string default_folder();

struct DeviceFiles {
  std::string folder;

  std::string path(std::string_view name) const { return folder + "/" + std::string(name); }

  // Makes the folder, mode 0700.
  Status prepare() const;

  // Errors: not_found, store_damaged (not a key), store_io.
  Result<identity::DeviceKeys> read_keys(std::string_view name = "device.key") const;
  Status write_keys(const identity::DeviceKeys& keys, std::string_view name = "device.key") const;
  // The key that is to take this one's place: drawn on first use, and durable.
  Result<identity::DeviceKeys> next_keys(crypto::Entropy& entropy) const;
  // Whether the next key is here and is this one. Errors: those of read_keys but not_found.
  Result<bool> has_next_key(const crypto::PublicKey& wanted) const;
  // The next key takes the place of this one, which is kept beside it. A crash in between does no harm: it is to be
  // called again then. Errors: store_io, disk_full, fsync_failed, not_found (there is no next key).
  Status take_next_keys() const;
  // Newest first; empty where there are none. Errors: store_damaged, store_io.
  Result<std::vector<identity::DeviceKeys>> former_keys() const;
  void drop_former_keys() const;
  // This device was removed: what it could read with is gone.
  void drop_keys() const;
  // Nothing once the paper is confirmed.
  Result<std::optional<identity::PaperKey>> read_paper() const;
  Status write_paper(const identity::PaperKey& paper) const;
  void drop_paper() const;
  // Made on first use.
  Result<std::string> api_token(crypto::Entropy& entropy) const;
  // Where the process that runs on this folder answers: daemon.json.
  Status tell_where(std::uint16_t http_port) const;
  void forget_where() const;
};

// The page's address, with the token that opens it.
std::string page_url(std::uint16_t http_port, std::string_view token);

// Whole files. write: to a temporary name, synced, then renamed, with that mode.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);
Status write_file(const std::string& path, std::string_view content, unsigned mode);

}  // namespace rz::host
