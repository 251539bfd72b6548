// The protocols that every transport answers by itself: identify, identify push and ping. Internal.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "host/transport/connection_impl.h"

namespace rz::host {

// Serves a fresh inbound stream, if its protocol is one of them.
bool is_service(std::string_view protocol);
void serve(const std::shared_ptr<StreamImpl>& stream);

void ask_identify(const std::shared_ptr<ConnectionImpl>& connection);
void ping_once(const std::shared_ptr<ConnectionImpl>& connection, std::function<void(Result<Duration>)> callback);

}  // namespace rz::host
