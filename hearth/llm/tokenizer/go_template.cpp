#include "hearth/llm/tokenizer/go_template.h"

#include <algorithm>
#include <utility>

#include "hearth/llm/tokenizer/gotemplate/interpreter.h"
#include "hearth/llm/tokenizer/gotemplate/parser.h"

namespace hearth::llm {
namespace {

using gotemplate::Rendering;
using Dict = TemplateValue::Dict;
using List = TemplateValue::List;

constexpr std::string_view kMessagesBreak = "\n\n";

std::string text_under(const Dict& dict, std::string_view key) {
  for (const auto& [known, value] : dict)
    if (known == key && std::holds_alternative<std::string>(value.data))
      return std::get<std::string>(value.data);
  return {};
}

const Dict& object(const TemplateValue& message) {
  const auto* dict = std::get_if<Dict>(&message.data);
  if (!dict) throw Error(Errc::invalid_argument, "chat template: a message is no object");
  return *dict;
}

void set_content(Dict& message, std::string content) {
  for (auto& [key, value] : message)
    if (key == "content") value = std::move(content);
}

// Consecutive messages of one role as one; results of tools stay apart, for they have names.
List collate(const List& messages) {
  List collated;
  std::string last_role, content;
  for (const TemplateValue& message : messages) {
    const Dict& dict = object(message);
    std::string role = text_under(dict, "role");
    if (!collated.empty() && role == last_role && role != "tool") {
      content.append(kMessagesBreak).append(text_under(dict, "content"));
      continue;
    }
    if (!collated.empty()) set_content(std::get<Dict>(collated.back().data), std::move(content));
    collated.push_back(message);
    last_role = std::move(role);
    content = text_under(dict, "content");
  }
  if (!collated.empty()) set_content(std::get<Dict>(collated.back().data), std::move(content));
  return collated;
}

std::string system_of(const List& messages) {
  std::string system;
  bool is_first = true;
  for (const TemplateValue& message : messages) {
    if (text_under(object(message), "role") != "system") continue;
    if (!std::exchange(is_first, false)) system += kMessagesBreak;
    system += text_under(object(message), "content");
  }
  return system;
}

Dict thinking_of(const GoConversation& conversation) {
  return {{"Think", conversation.thinks},
          {"IsThinkSet", conversation.is_think_set},
          {"ThinkLevel", conversation.think_level}};
}

void add_arguments(Dict& fields, const Dict& arguments) {
  for (const auto& [key, value] : arguments) {
    std::erase_if(fields, [&key = key](const auto& field) { return field.first == key; });
    fields.emplace_back(key, value);
  }
}

// A turn of the older kind of template: what has been gathered since the last.
struct PromptTurn {
  std::string system, prompt, response;

  Dict fields(const Dict& others) const {
    Dict fields = {{"System", system}, {"Prompt", prompt}, {"Response", response}};
    add_arguments(fields, others);
    return fields;
  }
};

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// A field or a variable: no expression of Jinja begins so.
bool begins_with_field(std::string_view action) {
  return action.starts_with('$') ||
         (action.size() > 1 && action[0] == '.' && is_name_byte(action[1]) &&
          (action[1] < '0' || action[1] > '9'));
}

// `action` is what stands behind "{{", without the marker that trims.
bool is_action_of_go(std::string_view action) {
  while (!action.empty() && is_space(action.front())) action.remove_prefix(1);
  if (action.starts_with("/*")) return true;
  while (action.starts_with('(')) action.remove_prefix(1);
  if (begins_with_field(action)) return true;
  const size_t word_end = static_cast<size_t>(
      std::find_if_not(action.begin(), action.end(), is_name_byte) - action.begin());
  const std::string_view word = action.substr(0, word_end);
  std::string_view rest = action.substr(word_end);
  if (rest.empty() || !is_space(rest.front())) return false;  // Jinja calls with a parenthesis
  while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
  constexpr std::string_view kBranches[] = {"if", "range", "with"};
  constexpr std::string_view kNamed[] = {"define", "block", "template"};
  const auto is_one_of = [&](const auto& words) {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
  };
  if (is_one_of(kNamed)) return rest.starts_with('"') || rest.starts_with('`');
  if (is_one_of(kBranches)) return !rest.starts_with('}') && !rest.starts_with('|');
  return gotemplate::find_function(word) && (begins_with_field(rest) || rest.starts_with('"'));
}

}  // namespace

bool is_go_template(std::string_view source) {
  const size_t jinja = std::min(source.find("{%"), source.find("{#"));
  for (size_t at = source.find("{{"); at < jinja; at = source.find("{{", at)) {
    at += 2;
    const bool trims = at < source.size() && source[at] == '-';
    if (is_action_of_go(source.substr(at + (trims ? 1 : 0)))) return true;
  }
  return false;
}

bool is_plain_go_template(std::string_view source) {
  std::string text(source);
  std::erase_if(text, is_space);
  return text == "{{.Prompt}}" || text == "{{-.Prompt-}}" || text == "{{-.Prompt}}" ||
         text == "{{.Prompt-}}";
}

struct GoTemplate::Parsed {
  gotemplate::Tree tree;
  ChatTemplateLimits limits;
  bool takes_messages = false;    // otherwise it runs turn by turn
  bool appends_response = false;  // it says nothing of one

  // `messages`: how many the dot holds.
  std::string run(const Dict& dot, int64_t now_unix_s, size_t messages = 0) const {
    Rendering rendering{{limits, now_unix_s}, {}, {}};
    rendering.rt.allow_messages(messages);
    const TemplateValue fields = dot;
    gotemplate::Interpreter(rendering, tree).run(&fields, false);
    return std::move(rendering.out);
  }
  void run_turn(Rendering& rendering, const Dict& fields, bool is_last) const;
  std::string run_turns(const List& messages, const Dict& others, int64_t now_unix_s) const;
};

void GoTemplate::Parsed::run_turn(Rendering& rendering, const Dict& fields, bool is_last) const {
  const TemplateValue dot = fields;
  gotemplate::Interpreter(rendering, tree).run(&dot, is_last);
  if (!appends_response) return;
  const std::string response = text_under(fields, "Response");
  rendering.rt.append(rendering.out, response);
  if (rendering.out.size() > limits.output_bytes_max)
    rendering.rt.fail_with(Errc::resource_exhausted, "output_bytes_max is passed");
}

std::string GoTemplate::Parsed::run_turns(const List& messages, const Dict& others,
                                          int64_t now_unix_s) const {
  Rendering rendering{{limits, now_unix_s}, {}, {}};
  rendering.rt.allow_messages(messages.size());
  PromptTurn turn;
  const auto finish = [&] { run_turn(rendering, std::exchange(turn, {}).fields(others), false); };
  for (const TemplateValue& message : messages) {
    const std::string role = text_under(object(message), "role");
    std::string content = text_under(object(message), "content");
    if (role == "system") {
      if (!turn.prompt.empty() || !turn.response.empty()) finish();
      turn.system = std::move(content);
    } else if (role == "user") {
      if (!turn.response.empty()) finish();
      turn.prompt = std::move(content);
    } else if (role == "assistant") {
      turn.response = std::move(content);
    }
  }
  run_turn(rendering, turn.fields(others), true);
  return std::move(rendering.out);
}

GoTemplate::GoTemplate(std::string_view source, const ChatTemplateLimits& limits) {
  Parsed parsed{.tree = gotemplate::parse(source, limits), .limits = limits};
  const auto& names = parsed.tree.names;
  parsed.takes_messages = names.contains("Messages") || names.contains("Document");
  parsed.appends_response = !names.contains("Messages") && !names.contains("Response");
  parsed_ = std::make_unique<const Parsed>(std::move(parsed));
}
GoTemplate::~GoTemplate() = default;
GoTemplate::GoTemplate(GoTemplate&&) noexcept = default;
GoTemplate& GoTemplate::operator=(GoTemplate&&) noexcept = default;

bool GoTemplate::uses(std::string_view field) const { return parsed_->tree.names.contains(field); }

std::string GoTemplate::render(const GoConversation& conversation, int64_t now_unix_s) const {
  Dict fields = thinking_of(conversation);
  List messages = collate(conversation.messages);
  if (!parsed_->takes_messages) {
    add_arguments(fields, conversation.arguments);
    return parsed_->run_turns(messages, fields, now_unix_s);
  }
  fields.insert(fields.end(), {{"System", system_of(conversation.messages)},
                               {"Messages", std::move(messages)},
                               {"Tools", conversation.tools},
                               {"Response", ""}});
  add_arguments(fields, conversation.arguments);
  return parsed_->run(fields, now_unix_s, conversation.messages.size());
}

std::string GoTemplate::render_between(std::string_view before, std::string_view after,
                                       int64_t now_unix_s) const {
  return parsed_->run({{"Prompt", std::string(before)},
                       {"Suffix", std::string(after)},
                       {"Response", ""},
                       {"Think", false},
                       {"IsThinkSet", false}},
                      now_unix_s);
}

std::string GoTemplate::execute(const Dict& dot, int64_t now_unix_s) const {
  return parsed_->run(dot, now_unix_s);
}

}  // namespace hearth::llm
