// POST /api/generate and /api/chat: parse, submit, stream.
#include <utility>

#include "hearth/serve/ollama/answer_sink.h"
#include "hearth/serve/ollama/chat_json.h"
#include "hearth/serve/ollama/errors.h"
#include "hearth/serve/ollama/generate_json.h"
#include "hearth/serve/ollama/handlers.h"

namespace hearth::serve::ollama {
namespace {

using Clock = std::chrono::system_clock;

Capabilities needs_of(const AnswerRequest& request) {
  Capabilities needs{.completion = true};
  if (const auto* text = std::get_if<TextPrompt>(&request.prompt)) {
    needs.insert = text->suffix.has_value();
  } else if (const auto* chat = std::get_if<ChatPrompt>(&request.prompt)) {
    needs.tools = !chat->tools.empty();
    needs.thinking = chat->thinking.value_or(Thinking::off) != Thinking::off;
  }
  return needs;
}

// In Ollama's words.
void check_capabilities(const Capabilities& needs, const Capabilities& can, AnswerForm form,
                        const std::string& model) {
  const auto check = [&](bool is_needed, bool is_there, std::string_view what) {
    if (is_needed && !is_there)
      throw Error(Errc::invalid_argument, "\"{}\" does not support {}", model, what);
  };
  check(needs.completion, can.completion, form == AnswerForm::chat ? "chat" : "generate");
  check(needs.insert, can.insert, "insert");
  check(needs.tools, can.tools, "tools");
  check(needs.thinking, can.thinking, "thinking");
}

void load(const Deps& deps, ModelCall call, const std::shared_ptr<AnswerSink>& sink) {
  deps.models.submit(
      std::move(call), [sink](Turn&) { sink->nothing("load"); },
      [sink](const Error& error) { sink->fail(error); });
}

void unload(const Deps& deps, const std::string& model, AnswerSink& sink) {
  if (!deps.models.unload(model)) find_model(deps, model);
  sink.nothing("unload");
}

void answer(const SharedDeps& deps, AnswerForm form, AnswerCall asked, const http::Request& request,
            http::Responder& responder) {
  warn_all(*deps, asked.warnings);
  asked.call.caller = request.caller;
  asked.call.closed = request.closed;
  const std::string model = asked.call.model;
  const auto sink = std::make_shared<AnswerSink>(
      AnswerLines(form, model), asked.stream && asked.purpose == Purpose::answer,
      [deps, model](const Error& error) { return named(*deps, model, error); },
      std::move(responder));
  try {
    if (asked.purpose == Purpose::load) return load(*deps, std::move(asked.call), sink);
    if (asked.purpose == Purpose::unload) return unload(*deps, model, *sink);
  } catch (const Error& error) {
    return sink->fail(error);
  }
  const Capabilities needs = needs_of(asked.request);
  submit_answer(deps->models, std::move(asked.call), std::move(asked.request), sink,
                [needs, form, model](const Turn& turn) {
                  check_capabilities(needs, turn.engine.facts().capabilities, form, model);
                });
}

}  // namespace

void AnswerSink::nothing(std::string_view reason) {
  stream_.send(http::Response::json(200, lines_.nothing(reason, Clock::now())));
}

bool AnswerSink::chunk(const AnswerChunk& chunk) {
  if (streams_) return stream_.line(lines_.chunk(chunk, Clock::now()));
  whole_.delta.content += chunk.delta.content;
  whole_.delta.thinking += chunk.delta.thinking;
  const auto& calls = chunk.delta.tool_calls;
  whole_.delta.tool_calls.insert(whole_.delta.tool_calls.end(), calls.begin(), calls.end());
  whole_.logprobs.insert(whole_.logprobs.end(), chunk.logprobs.begin(), chunk.logprobs.end());
  return true;
}

void AnswerSink::end(const AnswerEnd& end, const AnswerTimes& times) {
  std::string line = lines_.end(end, times, whole_, Clock::now());
  if (!streams_) return stream_.send(http::Response::json(200, std::move(line)));
  stream_.line(line);
  stream_.finish();
}

void AnswerSink::fail(const Error& error) {
  const bool is_absent = error.code() == Errc::not_found;
  stream_.fail(is_absent ? error_response(name_(error)) : error_response(error));
}

void add_answer_routes(http::Router& router, const SharedDeps& deps) {
  router.stream(
      "POST", "/api/generate",
      [deps](const http::Request& request, http::Responder& responder) {
        answer(deps, AnswerForm::generate, parse_generate(request.body, deps->defaults), request,
               responder);
      },
      route_options());
  router.stream(
      "POST", "/api/chat",
      [deps](const http::Request& request, http::Responder& responder) {
        answer(deps, AnswerForm::chat, parse_chat(request.body, deps->defaults), request,
               responder);
      },
      route_options());
}

}  // namespace hearth::serve::ollama
