// Numbers as people read them.
#pragma once
#include <cstdint>
#include <string>

namespace hearth {

/// 1023 -> "1023 B", 1536 -> "1.5 KiB", 41.2 * 2^30 -> "41.2 GiB". Binary units, one decimal.
std::string format_bytes(uint64_t bytes);
/// 5812480 -> "5.8 M", 1100048384 -> "1.1 B". Decimal, one decimal; below a thousand as it is.
std::string format_count(uint64_t count);
/// 0.0123 -> "12.3 ms", 75 -> "1 min 15 s", 0.5e-6 -> "0.5 us"; "-" for what is no duration
/// (negative, infinite, not a number).
std::string format_seconds(double seconds);

}  // namespace hearth
