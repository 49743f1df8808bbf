#include "hearth/serve/engine/prompt_builder.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

// Where a conversation may begin anew: at its first message after the system's, and at each
// question.
std::vector<size_t> turn_starts(const std::vector<Message>& messages) {
  size_t at = 0;
  while (at < messages.size() && messages[at].role == Role::system) ++at;
  std::vector<size_t> starts = {at};
  while (++at < messages.size())
    if (messages[at].role == Role::user) starts.push_back(at);
  return starts;
}

std::vector<Message> from_turn(const std::vector<Message>& messages,
                               const std::vector<size_t>& starts, size_t turn) {
  std::vector<Message> kept(messages.begin(), messages.begin() + static_cast<ptrdiff_t>(starts[0]));
  kept.insert(kept.end(), messages.begin() + static_cast<ptrdiff_t>(starts[turn]), messages.end());
  return kept;
}

// All but the first id, which most models need to find at the start, and the newest.
void keep_newest(std::vector<int32_t>& ids, size_t count) {
  if (ids.size() > count) ids.erase(ids.begin() + 1, ids.end() - static_cast<ptrdiff_t>(count) + 1);
}

}  // namespace

// A chat prompt, with the marks of ControlFences in all that the client brought.
struct PromptBuilder::Conversation {
  ChatPrompt prompt;                                 // without its messages
  std::vector<Message> messages;                     // with the model's own
  std::shared_ptr<const ChatRenderer> own_renderer;  // where it brings a template
  const ChatRenderer* renderer = nullptr;
  std::time_t now = std::time(nullptr);
};

PromptBuilder::PromptBuilder(const llm::Tokenizer& tokenizer, PromptTexts texts,
                             std::optional<FillInMiddle> fill_in_middle, int context)
    : tokenizer_(&tokenizer),
      texts_(std::move(texts)),
      fill_in_middle_(fill_in_middle),
      context_(context),
      fences_(tokenizer) {
  if (!texts_.template_text.empty()) renderer_.emplace(texts_.template_text, tokenizer);
}

std::optional<AnswerStyle> PromptBuilder::style() const {
  return renderer_ ? std::optional(renderer_->style()) : std::nullopt;
}

bool PromptBuilder::can_fill_in() const {
  return fill_in_middle_ || (renderer_ && renderer_->can_fill_in());
}

std::vector<int32_t> PromptBuilder::opening_ids(std::vector<Tool> tools, CallStyle style) const {
  for (Tool& tool : tools) fences_.mark(tool);
  const FencedText text = take_marks(forced_call(tools, style).value().opening);
  return tokenizer_->encode(text.text,
                            {.add_special = false, .parse_special = true, .fences = text.fences});
}

PromptBuilder::Conversation PromptBuilder::open(const ChatPrompt& prompt) const {
  Conversation c;
  c.prompt = prompt;
  if (prompt.template_text)
    c.own_renderer = std::make_shared<ChatRenderer>(*prompt.template_text, *tokenizer_);
  c.renderer = c.own_renderer ? c.own_renderer.get() : renderer_ ? &*renderer_ : nullptr;
  if (!c.renderer)
    throw Error(Errc::unsupported, "the model does not support chat: it has no template");

  std::vector<Message> asked = std::exchange(c.prompt.messages, {});
  for (Message& message : asked) fences_.mark(message);
  c.prompt.tools = offered_tools(std::move(c.prompt.tools), prompt.tool_choice);
  for (Tool& tool : c.prompt.tools) fences_.mark(tool);
  // The call begins where the thoughts would.
  if (is_call_forced(prompt.tool_choice)) c.prompt.thinking = Thinking::off;
  c.prompt.template_arguments = fences_.marked(prompt.template_arguments);

  // Templates want the system first, and the model's examples behind it. Its own texts may spell
  // control tokens: they are as much a part of it as its template.
  auto rest = asked.begin();
  if (rest != asked.end() && rest->role == Role::system)
    c.messages.push_back(std::move(*rest++));
  else if (!texts_.system.empty())
    c.messages.push_back({.role = Role::system, .content = texts_.system});
  c.messages.insert(c.messages.end(), texts_.messages.begin(), texts_.messages.end());
  std::move(rest, asked.end(), std::back_inserter(c.messages));
  return c;
}

// BOS by hand: add_special would also append EOS where a model asks for it, and a prompt must not
// end so. A template that writes BOS itself does not get a second one.
std::vector<int32_t> PromptBuilder::with_bos(std::vector<int32_t> ids) const {
  const std::optional<int32_t> bos = tokenizer_->bos();
  const bool wanted = tokenizer_->adds_bos() || ids.empty();
  if (bos && wanted && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  if (ids.empty())
    throw Error(Errc::invalid_argument,
                "the prompt is empty, and this model has no token to begin a text with");
  return ids;
}

std::vector<int32_t> PromptBuilder::chat_ids(const Conversation& conversation,
                                             const std::vector<Message>& messages,
                                             BuiltPrompt& built) const {
  const FencedText text =
      take_marks(conversation.renderer->render(conversation.prompt, messages, conversation.now));
  built.thinking_is_open = prompt_opens_thinking(text.text);
  std::vector<int32_t> ids = tokenizer_->encode(
      text.text, {.add_special = false, .parse_special = true, .fences = text.fences});
  const std::vector<int32_t>& earlier = conversation.prompt.earlier_ids;
  if (earlier.empty()) return with_bos(std::move(ids));
  if (!ids.empty() && ids.front() == tokenizer_->bos()) ids.erase(ids.begin());
  ids.insert(ids.begin(), earlier.begin(), earlier.end());
  return ids;
}

// The fewest turns that leave enough room, found by halving: rendering is what takes time.
void PromptBuilder::forget_turns(const Conversation& conversation, BuiltPrompt& built) const {
  const std::vector<size_t> starts = turn_starts(conversation.messages);
  size_t too_many = 0, fewest = starts.size() - 1;
  const auto ids_from = [&](size_t turn) {
    return chat_ids(conversation, from_turn(conversation.messages, starts, turn), built);
  };
  while (fewest - too_many > 1) {
    const size_t middle = (too_many + fewest) / 2;
    (ids_from(middle).size() > static_cast<size_t>(room()) ? too_many : fewest) = middle;
  }
  built.ids = ids_from(fewest);
  built.messages_forgotten = static_cast<int>(starts[fewest] - starts[0]);
}

BuiltPrompt PromptBuilder::build_chat(const ChatPrompt& prompt, bool is_cut) const {
  const Conversation conversation = open(prompt);
  BuiltPrompt built;
  built.is_chat = true;
  built.style = conversation.renderer->style();
  built.tools = offered_tools(prompt.tools, prompt.tool_choice);
  built.ids = chat_ids(conversation, conversation.messages, built);
  if (!is_cut || built.ids.size() <= static_cast<size_t>(context_)) return built;
  forget_turns(conversation, built);
  // What stands before the conversation may be too long by itself.
  const size_t earlier = prompt.earlier_ids.size();
  if (built.ids.size() > static_cast<size_t>(context_) &&
      built.ids.size() - earlier < static_cast<size_t>(room())) {
    keep_newest(built.ids, static_cast<size_t>(room()));
    built.ids_forgotten = true;
  }
  return built;
}

std::vector<int32_t> PromptBuilder::ids_of_text(const TextPrompt& prompt) const {
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&prompt.text)) return *ids;
  // Whoever sends a text without a template may write one: control tokens are meant. What is to be
  // filled in is somebody's file, and spells none.
  return tokenizer_->encode(std::get<std::string>(prompt.text),
                            {.add_special = false, .parse_special = !prompt.suffix});
}

// By the file's tokens where it names them, else by a template that asks for what is between.
std::vector<int32_t> PromptBuilder::fill_in_ids(const std::vector<int32_t>& before,
                                                const std::vector<int32_t>& after) const {
  if (fill_in_middle_) return fill_in_middle_->ids(before, after);
  const FencedText text = take_marks(
      renderer_->fill_in(fences_.mark(tokenizer_->decode(before, true)),
                         fences_.mark(tokenizer_->decode(after, true)), std::time(nullptr)));
  return tokenizer_->encode(text.text,
                            {.add_special = false, .parse_special = true, .fences = text.fences});
}

BuiltPrompt PromptBuilder::build_text(const TextPrompt& prompt, bool is_cut) const {
  if (prompt.suffix) return build_fill_in(prompt, is_cut);
  BuiltPrompt built;
  built.ids = ids_of_text(prompt);
  if (std::holds_alternative<std::string>(prompt.text)) built.ids = with_bos(std::move(built.ids));
  built.ids_forgotten = is_cut && built.ids.size() > static_cast<size_t>(context_);
  if (built.ids_forgotten) keep_newest(built.ids, static_cast<size_t>(room()));
  return built;
}

BuiltPrompt PromptBuilder::build_fill_in(const TextPrompt& prompt, bool is_cut) const {
  if (!can_fill_in())
    throw Error(Errc::unsupported, "the model does not support insert: it cannot fill in a suffix");
  BuiltPrompt built;
  std::vector<int32_t> before = ids_of_text(prompt);
  std::vector<int32_t> after = tokenizer_->encode(*prompt.suffix, {.add_special = false});
  // BOS, and those that say what is what: all but the two that stand for the texts.
  const size_t own_ids = std::max<size_t>(fill_in_ids({0}, {0}).size(), 1) - 1;
  if (is_cut && before.size() + after.size() + own_ids > static_cast<size_t>(context_)) {
    // What is nearest to the gap matters most.
    const auto left = static_cast<size_t>(room());
    after.resize(std::min(after.size(), left / 4));
    const size_t kept = left - after.size() - std::min(own_ids, left / 2);
    if (before.size() > kept)
      before.erase(before.begin(), before.end() - static_cast<ptrdiff_t>(kept));
    built.ids_forgotten = true;
  }
  built.ids = with_bos(fill_in_ids(before, after));
  return built;
}

BuiltPrompt PromptBuilder::build(const AnswerRequest& request) const {
  const bool is_cut = request.overflow == Overflow::truncate;
  const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
  BuiltPrompt built =
      chat ? build_chat(*chat, is_cut) : build_text(std::get<TextPrompt>(request.prompt), is_cut);
  if (built.ids.size() > static_cast<size_t>(context_))
    throw Error(Errc::resource_exhausted, "prompt: {} tokens, the context holds {}",
                built.ids.size(), context_);
  return built;
}

int PromptBuilder::count(const AnswerRequest& request) const {
  const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
  const BuiltPrompt built =
      chat ? build_chat(*chat, false) : build_text(std::get<TextPrompt>(request.prompt), false);
  return static_cast<int>(built.ids.size());
}

std::string PromptBuilder::render(const ChatPrompt& prompt) const {
  const Conversation c = open(prompt);
  return take_marks(c.renderer->render(c.prompt, c.messages, c.now)).text;
}

}  // namespace hearth::serve
