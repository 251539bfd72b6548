// What /metrics says, in Prometheus' text form.
#pragma once

#include <string>

namespace rz::host {

class Daemon;

std::string metrics_text(Daemon& daemon);

}  // namespace rz::host
