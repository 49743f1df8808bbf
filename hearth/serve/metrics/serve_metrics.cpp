#include "hearth/serve/metrics/serve_metrics.h"

#include <memory>
#include <utility>

#include "hearth/serve/metrics/route_label.h"

namespace hearth::serve {
namespace {

using ReadLoads = std::function<std::vector<LoadMeasure>()>;
// As of this text: asking each loaded model once for every metric would make a reading slow.
using Loads = std::shared_ptr<std::vector<LoadMeasure>>;

// From a piece out of the cache to a long prompt on an old CPU.
constexpr double kSecondsBounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                     2.5,   5,    10,    30,   60,  120,  300, 600};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

double ratio(const Counter& amount, const Counter& time) {
  return time.value() > 0 ? amount.value() / time.value() : 0;
}

void add_model_gauge(Registry& registry, std::string_view name, std::string_view help,
                     const Loads& loads, std::function<double(const LoadMeasure&)> value) {
  registry.sampled({std::string(name), std::string(help), {"model"}}, SampleType::gauge,
                   [loads, value = std::move(value)] {
                     std::vector<Sample> samples;
                     for (const LoadMeasure& load : *loads)
                       samples.push_back({{load.model}, value(load)});
                     return samples;
                   });
}

void add_model_gauges(Registry& registry, const Loads& loads) {
  const auto add = [&](std::string_view name, std::string_view help, auto value) {
    add_model_gauge(registry, name, help, loads, value);
  };
  add("hearth_answers_running", "Answers under way",
      [](const LoadMeasure& m) { return m.running; });
  add("hearth_answers_waiting", "Answers waiting for their turn",
      [](const LoadMeasure& m) { return m.waiting; });
  add("hearth_model_memory_bytes", "Weights, cache and buffers of a loaded model",
      [](const LoadMeasure& m) { return static_cast<double>(m.memory_bytes); });
  add("hearth_model_device_bytes", "Of these, on GPUs",
      [](const LoadMeasure& m) { return static_cast<double>(m.device_bytes); });
  add("hearth_cache_pages", "Pages of the KV cache",
      [](const LoadMeasure& m) { return m.pages_total; });
  add("hearth_cache_pages_free", "Of these, holding nothing that an answer needs",
      [](const LoadMeasure& m) { return m.pages_free; });
}

// llama-server has one model and so no labels.
void add_llama_sums(Registry& registry, const Loads& loads) {
  const auto add = [&](std::string name, std::string help, int LoadMeasure::*count) {
    registry.sampled({std::move(name), std::move(help)}, SampleType::gauge, [loads, count] {
      double sum = 0;
      for (const LoadMeasure& load : *loads) sum += load.*count;
      return std::vector<Sample>{{{}, sum}};
    });
  };
  add("llamacpp:requests_processing", "Answers under way", &LoadMeasure::running);
  add("llamacpp:requests_deferred", "Answers waiting for their turn", &LoadMeasure::waiting);
}

void add_llama_rate(Registry& registry, std::string name, std::string help, const Counter& amount,
                    const Counter& time) {
  registry.sampled({std::move(name), std::move(help)}, SampleType::gauge, [&amount, &time] {
    return std::vector<Sample>{{{}, ratio(amount, time)}};
  });
}

}  // namespace

ServeMetrics::ServeMetrics(Registry& registry, std::string_view version, ReadLoads read_loads)
    : requests_(registry.counters(
          {"hearth_requests_total", "Requests answered", {"api", "path", "status"}})),
      request_seconds_(registry.histograms(
          {"hearth_request_seconds", "From a request's first byte to its answer's last", {"api"}},
          kSecondsBounds)),
      answers_(registry.counters(
          {"hearth_answers_total", "Answers of models, by what ended them", {"model", "end"}})),
      tokens_(registry.counters({"hearth_tokens_total",
                                 "Tokens computed: prompt, cached (found, not computed), generated",
                                 {"model", "kind"}})),
      first_token_seconds_(registry.histograms(
          {"hearth_time_to_first_token_seconds", "From a request to its first piece", {"model"}},
          kSecondsBounds)),
      queue_seconds_(registry.histograms(
          {"hearth_queue_seconds", "Waiting of a request for its turn", {"model"}},
          kSecondsBounds)),
      prompt_seconds_(registry.histograms(
          {"hearth_prompt_seconds", "Computing the prompt of an answer", {"model"}},
          kSecondsBounds)),
      decode_seconds_(registry.histograms(
          {"hearth_decode_seconds", "Generating the tokens of an answer", {"model"}},
          kSecondsBounds)),
      llama_prompt_tokens_(
          registry.counters({"llamacpp:prompt_tokens_total", "Prompt tokens computed"}).with({})),
      llama_prompt_seconds_(
          registry.counters({"llamacpp:prompt_seconds_total", "Computing prompts"}).with({})),
      llama_predicted_tokens_(
          registry.counters({"llamacpp:tokens_predicted_total", "Tokens generated"}).with({})),
      llama_predicted_seconds_(
          registry.counters({"llamacpp:tokens_predicted_seconds_total", "Generating tokens"})
              .with({})) {
  registry.gauges({"hearth_build_info", "The version that runs", {"version"}})
      .with({std::string(version)})
      .set(1);
  const auto loads = std::make_shared<std::vector<LoadMeasure>>();
  registry.before_text([loads, read = std::move(read_loads)] { *loads = read(); });
  add_model_gauges(registry, loads);
  add_llama_sums(registry, loads);
  add_llama_rate(registry, "llamacpp:prompt_tokens_seconds", "Prompt tokens a second, on average",
                 llama_prompt_tokens_, llama_prompt_seconds_);
  add_llama_rate(registry, "llamacpp:predicted_tokens_seconds", "Tokens a second, on average",
                 llama_predicted_tokens_, llama_predicted_seconds_);
}

void ServeMetrics::count_request(std::string_view path, int status,
                                 std::chrono::nanoseconds duration) {
  const RouteLabel label = route_label(path);
  const std::string api(label.api);
  requests_.with({api, std::string(label.path), std::to_string(status)}).add();
  request_seconds_.with({api}).observe(seconds(duration));
}

void ServeMetrics::count_answer(const AnswerMeasure& answer) {
  const std::string& model = answer.model;
  const int computed = answer.prompt_tokens - answer.cached_tokens;
  answers_.with({model, std::string(answer.end)}).add();
  tokens_.with({model, "prompt"}).add(computed);
  tokens_.with({model, "cached"}).add(answer.cached_tokens);
  tokens_.with({model, "generated"}).add(answer.generated_tokens);
  queue_seconds_.with({model}).observe(seconds(answer.queue_time));
  prompt_seconds_.with({model}).observe(seconds(answer.prompt_time));
  decode_seconds_.with({model}).observe(seconds(answer.decode_time));
  if (answer.time_to_first_token.count() > 0)
    first_token_seconds_.with({model}).observe(seconds(answer.time_to_first_token));
  llama_prompt_tokens_.add(computed);
  llama_prompt_seconds_.add(seconds(answer.prompt_time));
  llama_predicted_tokens_.add(answer.generated_tokens);
  llama_predicted_seconds_.add(seconds(answer.decode_time));
}

}  // namespace hearth::serve
