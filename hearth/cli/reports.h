// What each command found out, once: the command prints it as text, report_json.cpp as JSON with
// the same names.
//
// Field names of the JSON are those of these structs unless report_json.cpp says otherwise; they
// are stable.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hearth/formats/gguf.h"
#include "hearth/serve/client/models.h"

namespace hearth::cli {

/// One line of `hearth run --json`, in the shape of Ollama's generate chunks.
struct GenerateChunk {
  std::string model;
  std::string response;
  struct Final {
    std::string done_reason;  // stop, length, cancelled
    std::string end_reason;   // end_of_text, stop_string, token_limit, context_full, cancelled
    int context_shifts = 0;
    uint64_t seed = 0;
    int64_t total_duration_ns = 0;
    int64_t load_duration_ns = 0;
    int prompt_eval_count = 0;
    int prompt_eval_cached = 0;
    int64_t prompt_eval_duration_ns = 0;
    int eval_count = 0;
    int64_t eval_duration_ns = 0;
  };
  std::optional<Final> done;
};

struct TypeShare {
  std::string type;  // "Q4_K"
  size_t tensors = 0;
  uint64_t bytes = 0;
};

/// Tensors that play the same part: attention, ffn, embedding, output, norms, other.
struct TensorGroup {
  std::string group;
  uint64_t parameters = 0;
  uint64_t bytes = 0;
  std::vector<TypeShare> types;  // largest first
};

struct TensorRow {
  std::string name;
  std::string type;
  std::vector<uint64_t> shape;
  uint64_t bytes = 0;
};

struct ShowReport {
  std::string file;
  uint64_t file_bytes = 0;
  uint32_t gguf_version = 0;
  std::optional<std::string> name, architecture, licence;
  bool can_run = false;  // Hearth knows the architecture
  uint64_t parameters = 0;
  std::optional<uint64_t> context_length, embedding_length, layers, heads, kv_heads, head_dim,
      feed_forward_length, sliding_window, experts;
  std::optional<std::string> tokenizer, pre_tokenizer;
  std::optional<uint64_t> vocabulary;
  std::optional<std::string> chat_template;
  std::vector<TensorGroup> groups;
  std::vector<TensorRow> tensors;                                    // filled when asked for
  std::vector<std::pair<std::string, formats::GgufValue>> metadata;  // filled when asked for
};

struct KernelChoice {
  std::string kernel;
  struct Row {
    std::string name;
    std::string why_not;  // empty: this CPU can run it
    bool chosen = false;
  };
  std::vector<Row> implementations;  // best first
};

struct KernelsReport {
  std::string cpu;
  int cores = 0;
  std::string features;
  std::optional<std::string> forced;  // HEARTH_CPU
  std::vector<KernelChoice> kernels;
};

struct TokenizeReport {
  struct Token {
    int32_t id;
    std::string piece;
  };
  std::vector<Token> tokens;
};

struct LogitsReport {
  std::vector<std::pair<int64_t, std::vector<float>>> logits;  // position -> [vocab]
};

struct PerplexityReport {
  std::string file, text;
  uint64_t tokens = 0;       // counted ones
  double nll_per_token = 0;  // natural logarithm
  double perplexity = 0;
  uint64_t windows = 0;
  int context = 0;
  double seconds = 0;
};

struct RewriteReport {
  std::string from, to, type;
  uint64_t before_bytes = 0, after_bytes = 0;
  size_t tensors_converted = 0, tensors_kept = 0;
  std::vector<std::string> notes;
  double seconds = 0;
};

/// Times as RFC 3339, in UTC.
struct KeyListReport {
  struct Key {
    std::string name, created;
    std::optional<int64_t> requests_per_minute, tokens_per_day;  // nothing: no limit
    std::optional<std::string> removed;
  };
  std::string file;
  std::vector<Key> keys;  // by name
};

struct KeyUsageReport {
  struct Row {
    std::string day, key;
    uint64_t requests = 0, prompt_tokens = 0, generated_tokens = 0;
  };
  std::string file;
  std::vector<Row> usage;  // by day and name
};

/// One rate of several repetitions.
struct Spread {
  double median = 0, low = 0, high = 0;
};

struct BenchReport {
  std::string file, architecture, types, cpu;
  int threads = 0;
  int prompt_tokens = 0, predict_tokens = 0, repetitions = 0;
  uint64_t parameters = 0;
  uint64_t bytes_per_token = 0;  // weights read for one decoded token
  double operations_per_token =
      0;  // of the matrices of the layers, multiply and add counted as two
  double load_seconds = 0;
  std::string peak_arithmetic;  // int8 or f32: what the weights' kernels multiply in
  Spread prefill_tokens_per_s, decode_tokens_per_s;
  Spread prefill_gops_per_s, decode_gb_per_s;
  Spread peak_gops_per_s, peak_gb_per_s;  // of this machine, measured between the repetitions
  Spread prefill_percent_of_peak,
      decode_percent_of_peak;  // each repetition against the peak beside it
};

std::string to_json(const GenerateChunk& chunk);
std::string to_json(const ShowReport& report);
std::string to_json(const KernelsReport& report);
std::string to_json(const TokenizeReport& report);
std::string to_json(const LogitsReport& report);
std::string to_json(const PerplexityReport& report);
std::string to_json(const KeyListReport& report);
std::string to_json(const KeyUsageReport& report);
std::string to_json(const RewriteReport& report);
std::string to_json(const BenchReport& report);
std::string to_json(const serve::ListedModel& model);
std::string to_json(const serve::RunningModel& model);
std::string to_json(const serve::TransferStep& step);

/// "2026-01-02T03:04:05.678901234Z": now, as RFC 3339 with nanoseconds.
std::string timestamp_now();

}  // namespace hearth::cli
