// Every maximum and every wait of a pull or push, by name.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace hearth::store {

/// What may be tuned; the defaults suit a registry on the internet and a disk at home.
struct TransferLimits {
  uint64_t chunk_bytes = uint64_t{64} << 20;  // what one request asks for, or sends
  size_t connections_max = 4;                 // at once for one blob
  uint64_t record_bytes = uint64_t{8} << 20;  // received by a connection between two records: what
                                              // a kill can lose of each
  int attempts_max = 5;                       // in a row that bring nothing new
  std::chrono::milliseconds backoff_first{500};  // doubles with each attempt
  std::chrono::milliseconds backoff_max{8000};
  std::chrono::seconds connect_timeout{15};
  std::chrono::seconds stall_timeout{30};  // without a byte in either direction
};

inline constexpr size_t kRemoteManifestBytesMax = size_t{4} << 20;  // what registries accept
inline constexpr size_t kRemoteLayersMax = 4096;
inline constexpr size_t kAnswerTextBytesMax = size_t{64} << 10;  // kept of an error's body
inline constexpr size_t kTokenAnswerBytesMax = size_t{64} << 10;
inline constexpr size_t kAnswerHeadBytesMax = size_t{64} << 10;
inline constexpr size_t kAddressCharsMax = size_t{8} << 10;
inline constexpr int kRedirectsMax = 5;
inline constexpr std::chrono::seconds kRetryAfterMax{30};  // a server that asks for more gets less

}  // namespace hearth::store
