// What the tests of engines behind sockets share: waiting for something, and what a process holds.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "hearth/serve/engine/answer_request.h"

namespace hearth::serve {

inline constexpr std::chrono::seconds kPatience{30};  // far more than a busy machine needs

/// True as soon as `condition` is; false when it is not for kPatience.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Files, pipes and sockets that this process has open.
inline int count_open_descriptors() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count - 1;  // the iterator's own
}

/// A request that FakeEngine understands.
inline AnswerRequest script(const std::string& text) {
  AnswerRequest request;
  request.prompt = TextPrompt{.text = text, .suffix = {}};
  return request;
}

}  // namespace hearth::serve
