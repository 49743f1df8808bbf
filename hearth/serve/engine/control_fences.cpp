#include "hearth/serve/engine/control_fences.h"

#include <algorithm>

namespace hearth::serve {

// Noncharacters, "intended for process-internal use" (Unicode 15, section 23.7): white space to
// nobody, and the same in both cases, so that templates carry them along.
constexpr std::string_view kFenceMark = "\uFDD0";
const std::string_view kEndMark = "\uFDD1";

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string without(std::string text, std::string_view mark) {
  for (size_t at = 0; (at = text.find(mark, at)) != std::string::npos;) text.erase(at, mark.size());
  return text;
}

// Bytes of the character at the start of `text`; stray continuation bytes count as one each.
size_t character_bytes(std::string_view text) {
  size_t bytes = 1;
  while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) ++bytes;
  return bytes;
}

enum class Found { no, whole, cut };

// Whether `text` begins with one of `known`, sorted, or is the beginning of one (cut). Those that
// agree with the bytes so far are a range, which each further byte narrows.
Found find_at_start(const std::vector<std::string>& known, std::string_view text) {
  auto first = known.begin(), last = known.end();
  for (size_t depth = 0; depth < text.size(); ++depth) {
    const auto byte_of = [depth](const std::string& one) {
      return depth < one.size() ? static_cast<unsigned char>(one[depth]) : -1;
    };
    const int byte = static_cast<unsigned char>(text[depth]);
    first = std::partition_point(first, last, [&](const auto& one) { return byte_of(one) < byte; });
    last = std::partition_point(first, last, [&](const auto& one) { return byte_of(one) <= byte; });
    if (first == last) return Found::no;
    if (first->size() == depth + 1) return Found::whole;
  }
  return Found::cut;
}

}  // namespace

ControlFences::ControlFences(const llm::Tokenizer& tokenizer) {
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const llm::TokenKind kind = tokenizer.kind(id);
    if (kind != llm::TokenKind::control && kind != llm::TokenKind::unknown) continue;
    const std::string& spelling = tokenizer.spelling(id);
    if (!spelling.empty()) spellings_.push_back(spelling);
    for (size_t at = 1; at < spelling.size(); ++at) endings_.push_back(spelling.substr(at));
  }
  for (std::vector<std::string>* texts : {&spellings_, &endings_}) {
    std::sort(texts->begin(), texts->end());
    texts->erase(std::unique(texts->begin(), texts->end()), texts->end());
  }
}

std::string ControlFences::mark(std::string_view text) const {
  const std::string clean = text.find("\xEF\xB7") == std::string_view::npos
                                ? std::string(text)
                                : without(without(std::string(text), kFenceMark), kEndMark);
  // Templates often trim: what is at the beginning and the end then is found behind white space.
  const std::string_view inner = trimmed(clean);
  const auto begin = static_cast<size_t>(inner.data() - clean.data());
  std::string marked = clean.substr(0, begin);
  for (size_t at = 0; at < inner.size();) {
    const size_t bytes = character_bytes(inner.substr(at));
    marked += inner.substr(at, bytes);
    // One that is cut may end in what the template writes behind, as an ending may begin before.
    const bool is_ending = at == 0 && find_at_start(endings_, inner) == Found::whole;
    if (is_ending || find_at_start(spellings_, inner.substr(at)) != Found::no) marked += kFenceMark;
    at += bytes;
  }
  return marked + clean.substr(begin + inner.size());
}

Json ControlFences::marked(const Json& json) const {
  if (json.is_string()) return mark(json.get_ref<const std::string&>());
  if (json.is_array()) {
    Json list = Json::array();
    for (const Json& item : json) list.push_back(marked(item));
    return list;
  }
  if (!json.is_object()) return json;
  Json object = Json::object();
  for (const auto& [key, value] : json.items()) object[mark(key)] = marked(value);
  return object;
}

void ControlFences::mark(Message& message) const {
  for (std::string* text :
       {&message.content, &message.thinking, &message.tool_call_id, &message.tool_name})
    *text = mark(*text);
  for (ToolCall& call : message.tool_calls)
    call = {mark(call.id), mark(call.name), marked(call.arguments)};
}

void ControlFences::mark(Tool& tool) const {
  tool = {mark(tool.name), mark(tool.description), marked(tool.parameters)};
}

FencedText take_marks(std::string_view rendered) {
  FencedText fenced;
  fenced.text.reserve(rendered.size());
  while (true) {
    const size_t mark = rendered.find("\xEF\xB7");
    fenced.text += rendered.substr(0, mark);
    if (mark == std::string_view::npos) return fenced;
    rendered.remove_prefix(mark);
    // Whatever is taken out must not join what stood around it.
    if (rendered.starts_with(kFenceMark) || rendered.starts_with(kEndMark))
      fenced.fences.push_back(fenced.text.size());
    else
      fenced.text += rendered.substr(0, kEndMark.size());  // another character of U+FDC0 to U+FDFF
    rendered.remove_prefix(std::min(kEndMark.size(), rendered.size()));
  }
}

}  // namespace hearth::serve
