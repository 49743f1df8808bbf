// The only file that includes nlohmann-json. Order of fields is the order written here.
#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

#include "hearth/cli/reports.h"

namespace hearth::cli {
namespace {

using Json = nlohmann::ordered_json;

// A piece of text may hold half a UTF-8 character and metadata any bytes: those become U+FFFD.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

template <class T>
void set_if(Json& json, const char* name, const std::optional<T>& value) {
  if (value) json[name] = *value;
}

Json metadata_json(const formats::GgufValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, formats::GgufArray>)
          return std::visit([](const auto& items) { return Json(items); }, held.items);
        else
          return held;
      },
      value);
}

Json spread_json(const Spread& spread) {
  return {{"median", spread.median}, {"min", spread.low}, {"max", spread.high}};
}

Json group_json(const TensorGroup& group) {
  Json types = Json::array();
  for (const TypeShare& share : group.types)
    types.push_back({{"type", share.type}, {"tensors", share.tensors}, {"bytes", share.bytes}});
  return {{"group", group.group},
          {"parameters", group.parameters},
          {"bytes", group.bytes},
          {"types", types}};
}

// Nine significant digits give back every float exactly; what JSON cannot write is null.
void append_float(std::string& text, float value) {
  if (std::isfinite(value))
    fmt::format_to(std::back_inserter(text), "{:.9g}", value);
  else
    text += "null";
}

}  // namespace

std::string timestamp_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec);
}

std::string to_json(const GenerateChunk& chunk) {
  Json json = {{"model", chunk.model},
               {"created_at", timestamp_now()},
               {"response", chunk.response},
               {"done", chunk.done.has_value()}};
  if (chunk.done) {
    const GenerateChunk::Final& final = *chunk.done;
    json["done_reason"] = final.done_reason;
    json["end_reason"] = final.end_reason;
    json["context_shifts"] = final.context_shifts;
    json["seed"] = final.seed;
    json["total_duration"] = final.total_duration_ns;
    json["load_duration"] = final.load_duration_ns;
    json["prompt_eval_count"] = final.prompt_eval_count;
    json["prompt_eval_cached"] = final.prompt_eval_cached;
    json["prompt_eval_duration"] = final.prompt_eval_duration_ns;
    json["eval_count"] = final.eval_count;
    json["eval_duration"] = final.eval_duration_ns;
  }
  return dump(json);
}

std::string to_json(const ShowReport& report) {
  Json json = {{"file", report.file},
               {"file_bytes", report.file_bytes},
               {"gguf_version", report.gguf_version}};
  set_if(json, "name", report.name);
  set_if(json, "architecture", report.architecture);
  json["can_run"] = report.can_run;
  json["parameters"] = report.parameters;
  set_if(json, "context_length", report.context_length);
  set_if(json, "embedding_length", report.embedding_length);
  set_if(json, "layers", report.layers);
  set_if(json, "heads", report.heads);
  set_if(json, "kv_heads", report.kv_heads);
  set_if(json, "head_dim", report.head_dim);
  set_if(json, "feed_forward_length", report.feed_forward_length);
  set_if(json, "sliding_window", report.sliding_window);
  set_if(json, "experts", report.experts);
  set_if(json, "tokenizer", report.tokenizer);
  set_if(json, "pre_tokenizer", report.pre_tokenizer);
  set_if(json, "vocabulary", report.vocabulary);
  set_if(json, "chat_template", report.chat_template);
  set_if(json, "licence", report.licence);
  json["groups"] = Json::array();
  for (const TensorGroup& group : report.groups) json["groups"].push_back(group_json(group));
  for (const TensorRow& tensor : report.tensors)
    json["tensors"].push_back({{"name", tensor.name},
                               {"type", tensor.type},
                               {"shape", tensor.shape},
                               {"bytes", tensor.bytes}});
  for (const auto& [key, value] : report.metadata) json["metadata"][key] = metadata_json(value);
  return dump(json);
}

std::string to_json(const KernelsReport& report) {
  Json json = {{"cpu", report.cpu}, {"cores", report.cores}, {"features", report.features}};
  set_if(json, "forced", report.forced);
  json["kernels"] = Json::array();
  for (const KernelChoice& kernel : report.kernels) {
    Json implementations = Json::array();
    for (const KernelChoice::Row& row : kernel.implementations) {
      Json entry = {{"name", row.name}, {"chosen", row.chosen}};
      if (!row.why_not.empty()) entry["why_not"] = row.why_not;
      implementations.push_back(entry);
    }
    json["kernels"].push_back({{"kernel", kernel.kernel}, {"implementations", implementations}});
  }
  return dump(json);
}

std::string to_json(const TokenizeReport& report) {
  Json ids = Json::array(), pieces = Json::array();
  for (const TokenizeReport::Token& token : report.tokens) {
    ids.push_back(token.id);
    pieces.push_back(token.piece);
  }
  return dump({{"ids", ids}, {"pieces", pieces}});
}

// By hand: a document of millions of floats would take the library gigabytes.
std::string to_json(const LogitsReport& report) {
  std::string text = "{\"logits\":{";
  for (size_t row = 0; row < report.logits.size(); ++row) {
    const auto& [position, values] = report.logits[row];
    text += fmt::format("{}\"{}\":[", row == 0 ? "" : ",", position);
    for (size_t i = 0; i < values.size(); ++i) {
      if (i > 0) text += ',';
      append_float(text, values[i]);
    }
    text += ']';
  }
  return text + "}}";
}

std::string to_json(const PerplexityReport& report) {
  return dump({{"file", report.file},
               {"text", report.text},
               {"tokens", report.tokens},
               {"nll_per_token", report.nll_per_token},
               {"perplexity", report.perplexity},
               {"windows", report.windows},
               {"context", report.context},
               {"seconds", report.seconds}});
}

std::string to_json(const KeyListReport& report) {
  Json keys = Json::array();
  for (const KeyListReport::Key& key : report.keys) {
    Json json = {{"name", key.name}, {"created", key.created}};
    set_if(json, "requests_per_minute", key.requests_per_minute);
    set_if(json, "tokens_per_day", key.tokens_per_day);
    set_if(json, "removed", key.removed);
    keys.push_back(std::move(json));
  }
  return dump({{"file", report.file}, {"keys", std::move(keys)}});
}

std::string to_json(const KeyUsageReport& report) {
  Json usage = Json::array();
  for (const KeyUsageReport::Row& row : report.usage)
    usage.push_back({{"day", row.day},
                     {"key", row.key},
                     {"requests", row.requests},
                     {"prompt_tokens", row.prompt_tokens},
                     {"generated_tokens", row.generated_tokens}});
  return dump({{"file", report.file}, {"usage", std::move(usage)}});
}

std::string to_json(const RewriteReport& report) {
  return dump({{"from", report.from},
               {"to", report.to},
               {"type", report.type},
               {"before_bytes", report.before_bytes},
               {"after_bytes", report.after_bytes},
               {"tensors_converted", report.tensors_converted},
               {"tensors_kept", report.tensors_kept},
               {"notes", report.notes},
               {"seconds", report.seconds}});
}

std::string to_json(const BenchReport& report) {
  return dump({{"file", report.file},
               {"architecture", report.architecture},
               {"types", report.types},
               {"cpu", report.cpu},
               {"threads", report.threads},
               {"prompt_tokens", report.prompt_tokens},
               {"predict_tokens", report.predict_tokens},
               {"repetitions", report.repetitions},
               {"parameters", report.parameters},
               {"bytes_per_token", report.bytes_per_token},
               {"operations_per_token", report.operations_per_token},
               {"load_seconds", report.load_seconds},
               {"peak_arithmetic", report.peak_arithmetic},
               {"prefill_tokens_per_s", spread_json(report.prefill_tokens_per_s)},
               {"decode_tokens_per_s", spread_json(report.decode_tokens_per_s)},
               {"prefill_gops_per_s", spread_json(report.prefill_gops_per_s)},
               {"decode_gb_per_s", spread_json(report.decode_gb_per_s)},
               {"peak_gops_per_s", spread_json(report.peak_gops_per_s)},
               {"peak_gb_per_s", spread_json(report.peak_gb_per_s)},
               {"prefill_percent_of_peak", spread_json(report.prefill_percent_of_peak)},
               {"decode_percent_of_peak", spread_json(report.decode_percent_of_peak)}});
}

std::string to_json(const serve::ListedModel& model) {
  return dump({{"name", model.name},
               {"digest", model.digest},
               {"size_bytes", model.size_bytes},
               {"modified", model.modified},
               {"family", model.family},
               {"parameter_size", model.parameter_size},
               {"quantization_level", model.quantization_level}});
}

std::string to_json(const serve::RunningModel& model) {
  return dump({{"name", model.name},
               {"digest", model.digest},
               {"size_bytes", model.size_bytes},
               {"vram_bytes", model.vram_bytes},
               {"context", model.context},
               {"expires", model.expires}});
}

std::string to_json(const serve::TransferStep& step) {
  return dump({{"status", step.status},
               {"digest", step.digest},
               {"done_bytes", step.done_bytes},
               {"total_bytes", step.total_bytes}});
}

}  // namespace hearth::cli
