// A request as one line for people.
#pragma once
#include <string>

#include "hearth/serve/http/access_line.h"

namespace hearth::serve {

/// "200 POST /api/chat  812 ms  4096 bytes  127.0.0.1:54321  req_…": what was asked, how long the
/// answer took, who asked, and the request's id; between them, where it is so, the key's name and
/// that the answer was broken off or the client left before it began.
std::string access_text(const http::AccessLine& line);

}  // namespace hearth::serve
