// A read-only copy: a pod that came out of an export. It is no device: it writes nothing, votes on nothing and dials
// nobody, until a join code or the paper key makes it one, which erases the singleton `read_only`.
#include "pod/core.h"

namespace rz::pod {

Status Core::load_read_only() {
  RZ_TRY(const auto mark, store_.get(singleton_key("read_only")));
  read_only_ = mark.has_value();
  return {};
}

Status Core::check_writable() const {
  if (!read_only_) return {};
  return fail(ErrorCode::pod_read_only,
              "this is a copy of a pod that can only be read: `rhizome join CODE`, with a code from one of the pod's "
              "devices, or the paper key (`rhizome recover`) makes it a device that can write");
}

}  // namespace rz::pod
