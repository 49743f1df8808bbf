// A disk that runs full in the middle of a file, for the tests of what is written.
#pragma once
#include <signal.h>
#include <sys/resource.h>

#include <cstdint>

#include "hearth/base/error.h"

namespace hearth::store {

/// While one exists, no file that this process writes grows beyond `bytes_max`.
class FullDisk {
 public:
  explicit FullDisk(uint64_t bytes_max) {
    previous_handler_ = ::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    HEARTH_CHECK(::getrlimit(RLIMIT_FSIZE, &previous_) == 0);
    const rlimit limit{.rlim_cur = bytes_max, .rlim_max = previous_.rlim_max};
    HEARTH_CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &previous_);
    ::signal(SIGXFSZ, previous_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit previous_{};
  void (*previous_handler_)(int) = nullptr;
};

}  // namespace hearth::store
