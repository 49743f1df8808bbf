// Whether a server may listen where it is told to.
#pragma once
#include <span>
#include <string_view>

#include "hearth/serve/http/server.h"

namespace hearth::serve {

/// True for addresses that only this machine reaches: 127.0.0.0/8, ::1, and the former written as
/// IPv6. False for anything that is no address.
bool is_loopback(std::string_view ip);

/// Without a key and without `insecure`, a server listens on loopback only. Errors:
/// invalid_argument naming the first other address and the two ways out. What is no address at all
/// passes: http::Server::start() refuses it and says so.
void check_exposure(std::span<const http::Address> addresses, bool has_keys, bool insecure);

}  // namespace hearth::serve
