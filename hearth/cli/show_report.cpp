#include "hearth/cli/show_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "hearth/llm/models/model.h"

namespace hearth::cli {
namespace {

// In the order of the output. The first whose pattern the name holds wins: norms before the part
// they belong to.
struct GroupRow {
  std::string_view group;
  std::initializer_list<std::string_view> patterns;
};
const GroupRow kGroups[] = {
    {"norms", {"_norm"}},     {"embedding", {"token_embd", "position_embd", "token_types"}},
    {"attention", {"attn_"}}, {"ffn", {"ffn_", "exp_probs"}},
    {"output", {"output."}},  {"other", {""}},
};
constexpr std::string_view kPrintOrder[] = {"embedding", "attention", "ffn",
                                            "norms",     "output",    "other"};

// A value of another type than expected is no reason not to show the rest.
template <class T>
std::optional<T> lenient(const std::function<std::optional<T>()>& read) {
  try {
    return read();
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<std::string> try_text(const formats::Gguf& file, const std::string& key) {
  return lenient<std::string>([&] { return file.try_string(key); });
}

std::optional<uint64_t> try_count(const formats::Gguf& file, const std::string& key) {
  return lenient<uint64_t>([&] { return file.try_u64(key); });
}

void add_tensor(TensorGroup& group, const formats::GgufTensor& tensor) {
  const std::string_view type = formats::info(tensor.type).name;
  auto share = std::find_if(group.types.begin(), group.types.end(),
                            [&](const TypeShare& s) { return s.type == type; });
  if (share == group.types.end()) share = group.types.insert(share, {.type = std::string(type)});
  share->tensors += 1;
  share->bytes += tensor.bytes.size();
  group.bytes += tensor.bytes.size();
  group.parameters += tensor.elems();
}

std::vector<TensorGroup> group_tensors(const formats::Gguf& file) {
  std::vector<TensorGroup> groups;
  for (const std::string_view name : kPrintOrder) {
    TensorGroup group{.group = std::string(name)};
    for (const formats::GgufTensor& tensor : file.tensors())
      if (tensor_group(tensor.name) == name) add_tensor(group, tensor);
    std::sort(group.types.begin(), group.types.end(),
              [](const TypeShare& a, const TypeShare& b) { return a.bytes > b.bytes; });
    if (!group.types.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

void read_dimensions(const formats::Gguf& file, ShowReport& report) {
  const std::string prefix = report.architecture.value_or("") + ".";
  report.context_length = try_count(file, prefix + "context_length");
  report.embedding_length = try_count(file, prefix + "embedding_length");
  report.layers = try_count(file, prefix + "block_count");
  report.heads = try_count(file, prefix + "attention.head_count");
  report.kv_heads = try_count(file, prefix + "attention.head_count_kv");
  report.head_dim = try_count(file, prefix + "attention.key_length");
  report.feed_forward_length = try_count(file, prefix + "feed_forward_length");
  report.sliding_window = try_count(file, prefix + "attention.sliding_window");
  report.experts = try_count(file, prefix + "expert_count");
  if (!report.kv_heads) report.kv_heads = report.heads;
  if (!report.head_dim && report.embedding_length && report.heads.value_or(0) > 0)
    report.head_dim = *report.embedding_length / *report.heads;
}

}  // namespace

std::string_view tensor_group(std::string_view tensor_name) {
  for (const GroupRow& row : kGroups)
    for (const std::string_view pattern : row.patterns)
      if (tensor_name.find(pattern) != std::string_view::npos) return row.group;
  return "other";
}

ShowReport make_show_report(const formats::Gguf& file, const ShowDetail& detail) {
  ShowReport report{
      .file = file.name(), .file_bytes = file.size_bytes(), .gguf_version = file.version()};
  report.name = try_text(file, "general.name");
  report.architecture = try_text(file, "general.architecture");
  report.licence = try_text(file, "general.license");
  const auto known = llm::known_architectures();
  report.can_run = report.architecture &&
                   std::find(known.begin(), known.end(), *report.architecture) != known.end();
  read_dimensions(file, report);
  report.tokenizer = try_text(file, "tokenizer.ggml.model");
  report.pre_tokenizer = try_text(file, "tokenizer.ggml.pre");
  report.chat_template = try_text(file, "tokenizer.chat_template");
  const formats::GgufValue* tokens = file.find("tokenizer.ggml.tokens");
  if (tokens && std::holds_alternative<formats::GgufArray>(*tokens))
    report.vocabulary = std::get<formats::GgufArray>(*tokens).size();
  report.groups = group_tensors(file);
  for (const TensorGroup& group : report.groups) report.parameters += group.parameters;
  if (detail.tensors)
    for (const formats::GgufTensor& tensor : file.tensors())
      report.tensors.push_back({tensor.name, std::string(formats::info(tensor.type).name),
                                tensor.shape, tensor.bytes.size()});
  if (detail.metadata) report.metadata = file.metadata();
  return report;
}

std::string type_summary(const ShowReport& report) {
  std::map<std::string, uint64_t> bytes_of;
  uint64_t total = 0;
  for (const TensorGroup& group : report.groups) {
    if (group.group == "norms") continue;
    for (const TypeShare& share : group.types) {
      bytes_of[share.type] += share.bytes;
      total += share.bytes;
    }
  }
  std::vector<std::pair<uint64_t, std::string>> order;
  for (const auto& [type, bytes] : bytes_of) order.emplace_back(bytes, type);
  std::sort(order.rbegin(), order.rend());
  if (order.size() == 1) return order.front().second;
  std::string text;
  for (const auto& [bytes, type] : order)
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", type,
                        100.0 * static_cast<double>(bytes) / static_cast<double>(total));
  return text;
}

}  // namespace hearth::cli
