// The guard against DNS rebinding: a foreign page makes its own name point at 127.0.0.1, and the
// browser then sees one origin. The Host header still carries the foreign name.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hearth::http {

/// True when `host` (of the Host header, with or without a port) can mean this machine: an IP
/// address (no name, so nothing to rebind), localhost, this machine's `own_name`, a name that ends
/// in .localhost, .local or .internal, or one of `configured`.
bool is_allowed_host(std::string_view host, std::string_view own_name,
                     const std::vector<std::string>& configured);

/// The machine's name as the system knows it; empty when it has none.
std::string own_host_name();

}  // namespace hearth::http
