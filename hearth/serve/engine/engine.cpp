#include "hearth/serve/engine/engine.h"

#include <iterator>

namespace hearth::serve {
namespace {

// In the order of Thinking.
constexpr std::string_view kThinkingNames[] = {"off", "on", "low", "medium", "high", "max"};

struct CapabilityRow {
  bool Capabilities::*has;
  std::string_view name;
};

// Ollama, types/model/capability.go; "rerank" is ours.
constexpr CapabilityRow kCapabilities[] = {
    {&Capabilities::completion, "completion"}, {&Capabilities::tools, "tools"},
    {&Capabilities::insert, "insert"},         {&Capabilities::embedding, "embedding"},
    {&Capabilities::thinking, "thinking"},     {&Capabilities::rerank, "rerank"},
};

}  // namespace

std::string_view name(Thinking level) { return kThinkingNames[static_cast<size_t>(level)]; }

std::optional<Thinking> find_thinking(std::string_view name) {
  for (size_t i = 0; i < std::size(kThinkingNames); ++i)
    if (kThinkingNames[i] == name) return static_cast<Thinking>(i);
  return std::nullopt;
}

std::vector<std::string> Capabilities::names() const {
  std::vector<std::string> names;
  for (const CapabilityRow& row : kCapabilities)
    if (this->*row.has) names.emplace_back(row.name);
  return names;
}

}  // namespace hearth::serve
