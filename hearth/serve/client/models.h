// What the command line asks about models, typed: each function is one request of the native API.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/serve/client/api.h"

namespace hearth::serve {

struct ListedModel {
  std::string name;
  std::string digest;  // 64 hexadecimal digits
  uint64_t size_bytes = 0;
  std::string modified;  // RFC 3339
  std::string family;
  std::string parameter_size;      // "8.0B"
  std::string quantization_level;  // "Q4_K_M"
};

struct RunningModel {
  std::string name;
  std::string digest;
  uint64_t size_bytes = 0;  // weights, cache and buffers
  uint64_t vram_bytes = 0;  // of these on GPUs
  int context = 0;
  std::string expires;  // RFC 3339
};

/// What GET /api/show tells that people read.
struct ShownModel {
  std::string modelfile, parameters, template_text, system, license;
  std::string family, parameter_size, quantization_level;
  std::optional<uint64_t> context_length, embedding_length;
  std::vector<std::string> capabilities;
  std::string json;  // the whole answer, one line
};

/// A step of a pull, push or creation.
struct TransferStep {
  std::string status;        // "pulling 8eeb52dfb3bb"
  std::string digest;        // of the layer, where the step is about one
  uint64_t done_bytes = 0;   // of total_bytes
  uint64_t total_bytes = 0;  // 0: no transfer
};
using OnStep = FunctionRef<void(const TransferStep&)>;

/// Newest first. Errors, also below: those of Api, and corrupt_data for an answer of another shape.
std::vector<ListedModel> list_models(Api& api);
/// Sorted by the longest remaining.
std::vector<RunningModel> running_models(Api& api);
ShownModel show_model(Api& api, const std::string& model, bool verbose);
void copy_model(Api& api, const std::string& source, const std::string& destination);
void remove_model(Api& api, const std::string& model);
/// Unloads it when its answers under way have ended.
void stop_model(Api& api, const std::string& model);
void pull_model(Api& api, const std::string& model, bool insecure, OnStep on_step,
                std::stop_token stop);
void push_model(Api& api, const std::string& model, bool insecure, OnStep on_step,
                std::stop_token stop);

/// POSTs `body` and reads steps until "success". Errors: as above; unavailable when the stream ends
/// without it.
void run_transfer(Api& api, const std::string& target, const Json& body, OnStep on_step,
                  std::stop_token stop);

}  // namespace hearth::serve
