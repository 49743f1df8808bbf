// Bodies that clients pack to save the network: Content-Encoding.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::http {

/// gzip (RFC 1952) and zstd (RFC 8878, which Codex sends), in any case of letters.
bool is_known_packing(std::string_view coding);

/// What `packed` holds, at most `bytes_max` bytes; memory beyond that is bounded too (a zstd window
/// of 8 MiB). `coding` is a known one.
/// Errors: invalid_argument (broken, cut off, or followed by something else), resource_exhausted
/// (more than `bytes_max` come out).
std::string unpack_body(std::string_view packed, std::string_view coding, size_t bytes_max);

}  // namespace hearth::http
