#include "hearth/serve/daemon/serve_options.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "hearth/base/error.h"
#include "hearth/serve/api/keep_alive.h"

namespace hearth::serve {
namespace {

using Options = ServeOptions;
using Text = std::string_view;

constexpr int kContextMax = 1 << 22;
constexpr int kParallelMax = 256;
constexpr int kQueueMax = 100'000;
constexpr int kModelsMax = 1000;
constexpr std::chrono::seconds kDrainMax = std::chrono::hours(24);

int whole(Text text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
    throw Error(Errc::invalid_argument, "'{}' must be a whole number from {} to {}", text, low,
                high);
  return value;
}

// Seconds as a bare number, as keep_alive takes them, or as Go writes durations.
std::chrono::nanoseconds duration(Text text) {
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr int64_t kSecondsMax = std::numeric_limits<int64_t>::max() / 1'000'000'000;
  if (error == std::errc() && end == text.data() + text.size()) {
    if (seconds > kSecondsMax || seconds < -kSecondsMax)
      throw Error(Errc::invalid_argument, "'{}' seconds are more than 292 years", text);
    return std::chrono::seconds(seconds);
  }
  if (const auto time = parse_duration(text)) return *time;
  throw Error(Errc::invalid_argument, "'{}' is no time: seconds, or \"30s\", \"5m\", \"1h30m\"",
              text);
}

std::chrono::seconds positive_seconds(Text text) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration(text));
  if (seconds.count() <= 0)
    throw Error(Errc::invalid_argument, "'{}' must be a time above zero, as \"30s\" or \"5m\"",
                text);
  return seconds;
}

std::chrono::seconds drain_time(Text text) {
  const std::chrono::seconds time = positive_seconds(text);
  if (time > kDrainMax)
    throw Error(Errc::invalid_argument, "'{}' is longer than {} hours", text,
                std::chrono::duration_cast<std::chrono::hours>(kDrainMax).count());
  return time;
}

std::vector<std::string> list(Text text) {
  std::vector<std::string> items;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) items.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

void append(std::vector<std::string>& items, Text text) {
  for (std::string& item : list(text)) items.push_back(std::move(item));
}

llm::KvType cache_type(Text text) {
  if (text == "f32") return llm::KvType::f32;
  if (text == "f16") return llm::KvType::f16;
  if (text == "q8_0") return llm::KvType::q8_0;
  throw Error(Errc::invalid_argument, "'{}' is not f32, f16 or q8_0", text);
}

constexpr std::array kSettings = {
    ServeSetting{"host", "ADDRESS", "Where to listen, may be repeated (127.0.0.1:11434)", "HOST",
                 true, [](Options& o, Text t) { o.listen.push_back(parse_daemon_address(t)); }},
    ServeSetting{"models", "FOLDER", "The store of models, also one of Ollama", "STORE", false,
                 [](Options& o, Text t) { o.models = t; }},
    ServeSetting{"insecure", "",
                 "Listen on other addresses than loopback although nobody has a key", "", false,
                 [](Options& o, Text) { o.insecure = true; }},
    ServeSetting{"tls-cert", "FILE", "PEM file with the certificate chain; needs --tls-key",
                 "TLS_CERT", false, [](Options& o, Text t) { o.tls_certificate = t; }},
    ServeSetting{"tls-key", "FILE", "PEM file with the certificate's private key", "TLS_KEY", false,
                 [](Options& o, Text t) { o.tls_key = t; }},
    ServeSetting{"origins", "LIST", "Web pages that may call, besides this machine's own",
                 "ORIGINS", true, [](Options& o, Text t) { append(o.origins, t); }},
    ServeSetting{"server-names", "LIST", "Names in the Host header that are answered, besides own",
                 "SERVER_NAMES", false, [](Options& o, Text t) { append(o.hosts, t); }},
    ServeSetting{"keep-alive", "TIME", "How long an unused model stays loaded; -1: for ever (5m)",
                 "KEEP_ALIVE", true, [](Options& o, Text t) { o.keep_alive = duration(t); }},
    ServeSetting{"load-timeout", "TIME", "How long a model may load before it is given up (5m)",
                 "LOAD_TIMEOUT", true,
                 [](Options& o, Text t) { o.load_timeout = positive_seconds(t); }},
    ServeSetting{"ctx", "N", "Positions of the context; 0: the model's, at most 8192 (0)",
                 "CONTEXT_LENGTH", true,
                 [](Options& o, Text t) { o.context = whole(t, 0, kContextMax); }},
    ServeSetting{"parallel", "N", "Answers of one model at once (4)", "NUM_PARALLEL", true,
                 [](Options& o, Text t) { o.parallel = whole(t, 1, kParallelMax); }},
    ServeSetting{"models-max", "N", "Models loaded at once; 0: as many as fit (0)",
                 "MAX_LOADED_MODELS", true,
                 [](Options& o, Text t) { o.models_max = whole(t, 0, kModelsMax); }},
    ServeSetting{"queue-max", "N",
                 "Requests that may wait; one more is told when to come back (512)", "MAX_QUEUE",
                 true, [](Options& o, Text t) { o.queue_max = whole(t, 1, kQueueMax); }},
    ServeSetting{"kv", "TYPE", "Type of the KV cache: f32, f16 or q8_0 (f16)", "KV_CACHE_TYPE",
                 true, [](Options& o, Text t) { o.cache_type = cache_type(t); }},
    ServeSetting{"pin", "LIST", "Models that stay loaded whatever else is asked for", "PIN", false,
                 [](Options& o, Text t) { append(o.pinned, t); }},
    ServeSetting{"drain", "TIME",
                 "How long answers under way may take when it is told to end (30s)", "DRAIN", false,
                 [](Options& o, Text t) { o.drain = drain_time(t); }},
    ServeSetting{"noprune", "", "Keep files of the store that no model has named for a day",
                 "NOPRUNE", true,
                 [](Options& o, Text t) { o.no_prune = t != "0" && t != "false"; }},
};

// Where an empty variable counts as absent, as it does for Ollama.
const char* variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value && *value ? value : nullptr;
}

void set_from_environment(ServeOptions& options, const ServeSetting& setting) {
  if (setting.variable.empty()) return;
  for (const std::string_view prefix : {"HEARTH_", "OLLAMA_"}) {
    if (prefix == "OLLAMA_" && !setting.is_ollamas) return;
    const std::string name = fmt::format("{}{}", prefix, setting.variable);
    const char* value = variable(name);
    if (!value) continue;
    try {
      return setting.set(options, value);
    } catch (const Error& error) {
      throw error.with_context(name);
    }
  }
}

}  // namespace

std::span<const ServeSetting> serve_settings() { return kSettings; }

ServeOptions options_from_environment(const fs::path& home) {
  ServeOptions options;
  options.state = home;
  options.models = home / "models";
  // Ollama's own variable of its store; HEARTH_MODELS names folders of model files.
  if (const char* models = variable("OLLAMA_MODELS")) options.models = models;
  for (const ServeSetting& setting : kSettings) set_from_environment(options, setting);
  return options;
}

}  // namespace hearth::serve
