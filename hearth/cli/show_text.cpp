#include "hearth/cli/show_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "hearth/base/units.h"
#include "hearth/cli/show_report.h"
#include "hearth/cli/terminal.h"

namespace hearth::cli {
namespace {

constexpr int kTemplateLines = 6;
constexpr size_t kItemsShown = 8;
constexpr size_t kTextShown = 72;

std::string count_text(const std::optional<uint64_t>& value) {
  return value ? fmt::format("{}", *value) : "-";
}

// One line of a long text, the end of it said.
std::string shortened(std::string text) {
  for (char& c : text)
    if (c == '\n') c = ' ';
  if (text.size() <= kTextShown) return text;
  size_t end = kTextShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return fmt::format("{}… ({} bytes)", text.substr(0, end), text.size());
}

std::string item_text(const std::string& item) { return shortened(item); }
template <class T>
std::string item_text(const T& item) {
  return fmt::format("{}", item);
}

std::string value_text(const formats::GgufArray& array) {
  return std::visit(
      [](const auto& items) {
        std::string text = "[";
        for (size_t i = 0; i < std::min(items.size(), kItemsShown); ++i)
          text +=
              (i > 0 ? ", " : "") +
              item_text(static_cast<typename std::decay_t<decltype(items)>::value_type>(items[i]));
        if (items.size() > kItemsShown) text += fmt::format(", … ({} items)", items.size());
        return text + "]";
      },
      array.items);
}

std::string value_text(const formats::GgufValue& value) {
  return std::visit(
      [](const auto& held) -> std::string {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, formats::GgufArray>)
          return value_text(held);
        else
          return item_text(held);
      },
      value);
}

std::string tokenizer_text(const ShowReport& report) {
  if (!report.tokenizer) return "-";
  std::string text = *report.tokenizer;
  if (report.pre_tokenizer) text += fmt::format(" ({})", *report.pre_tokenizer);
  return text + fmt::format(", {} tokens", count_text(report.vocabulary));
}

}  // namespace

std::string facts_text(const ShowReport& report) {
  Table facts({{""}, {""}});
  facts.row({"name", report.name.value_or("-")});
  facts.row({"architecture", report.architecture.value_or("-") +
                                 (report.can_run ? "" : " (Hearth cannot run it yet)")});
  facts.row({"parameters", format_count(report.parameters)});
  facts.row({"quantisation", report.groups.empty() ? "-" : type_summary(report)});
  facts.row({"file size", format_bytes(report.file_bytes)});
  facts.row({"context length", count_text(report.context_length)});
  facts.row({"embedding length", count_text(report.embedding_length)});
  facts.row({"layers", count_text(report.layers)});
  facts.row({"heads", fmt::format("{}, {} for keys and values, {} wide", count_text(report.heads),
                                  count_text(report.kv_heads), count_text(report.head_dim))});
  facts.row({"feed-forward length", count_text(report.feed_forward_length)});
  if (report.sliding_window) facts.row({"sliding window", count_text(report.sliding_window)});
  if (report.experts) facts.row({"experts", count_text(report.experts)});
  facts.row({"tokenizer", tokenizer_text(report)});
  facts.row({"licence", shortened(report.licence.value_or("-"))});
  return facts.text("  ");
}

std::string groups_text(const ShowReport& report) {
  if (report.groups.empty()) return "  none: the file holds a vocabulary only\n";
  Table table({{"GROUP"}, {"PARAMETERS", Align::right}, {"BYTES", Align::right}, {"TYPES"}});
  for (const TensorGroup& group : report.groups) {
    std::string types;
    for (const TypeShare& share : group.types)
      types += fmt::format("{}{} ×{}", types.empty() ? "" : ", ", share.type, share.tensors);
    table.row({group.group, format_count(group.parameters), format_bytes(group.bytes), types});
  }
  return table.text("  ");
}

std::string template_text(const ShowReport& report) {
  if (!report.chat_template) return "  none: prompts are continued as they are\n";
  std::string text;
  size_t begin = 0;
  for (int line = 0; line < kTemplateLines && begin < report.chat_template->size(); ++line) {
    const size_t end =
        std::min(report.chat_template->find('\n', begin), report.chat_template->size());
    text += "  " + shortened(report.chat_template->substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  if (begin < report.chat_template->size()) text += "  … (--template prints it whole)\n";
  return text;
}

std::string tensors_text(const ShowReport& report) {
  Table table({{"TENSOR"}, {"TYPE"}, {"SHAPE"}, {"BYTES", Align::right}});
  for (const TensorRow& tensor : report.tensors)
    table.row({tensor.name, tensor.type, fmt::format("{}", fmt::join(tensor.shape, " × ")),
               fmt::format("{}", tensor.bytes)});
  return table.text("  ");
}

std::string metadata_text(const ShowReport& report) {
  Table table({{""}, {""}});
  for (const auto& [key, value] : report.metadata) table.row({key, value_text(value)});
  return table.text("  ");
}

}  // namespace hearth::cli
