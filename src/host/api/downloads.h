// What is made on request and then fetched: a pod snapshot, an export (docs/guides/api.md, "Downloads").
//
// POST makes it, a slice at a time between the daemon's other work, into a file without a name in the pod's folder, and
// answers with what was made; GET /api/downloads/NAME then gives it out, once. Nothing of it is held in memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "host/api/json.h"
#include "host/daemon/car_file.h"
#include "host/http/http_server.h"

namespace rz::host {

class Daemon;

class Downloads {
 public:
  using Answer = std::function<void(HttpResponse)>;
  // What is to be made: blocks, and at their end the root and what to say of it.
  struct Source {
    std::function<Result<std::optional<view::Block>>()> next;
    std::function<ipld::Cid()> root;
    std::function<Json()> about;
  };

  explicit Downloads(Daemon& daemon) : daemon_(daemon) {}

  // Answer when it is made. Errors: those of Pod::snapshot, limit_exceeded (one is being made).
  void make_snapshot(const Answer& answer);
  void make_export(bool sealed, const Answer& answer);
  // Errors: not_found.
  void give(const std::string& name, const Answer& answer);

 private:
  struct Making;
  // Of each name the newest is kept.
  void make(const std::string& name, Result<Source> source, const Answer& answer);
  void go_on(const std::shared_ptr<Making>& making);

  Daemon& daemon_;
  std::map<std::string, std::shared_ptr<Making>> making_;
  std::map<std::string, std::shared_ptr<CarFile>> made_;
};

}  // namespace rz::host
