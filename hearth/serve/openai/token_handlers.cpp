// llama-server's /tokenize, /detokenize, /apply-template and the counting of prompts.
#include <utility>

#include "hearth/serve/openai/answer_call.h"
#include "hearth/serve/openai/chat_request.h"
#include "hearth/serve/openai/handlers.h"
#include "hearth/serve/openai/reply.h"
#include "hearth/serve/openai/responses_request.h"

namespace hearth::serve::openai {
namespace {

bool is_utf8(const std::string& text) {
  try {
    Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

// A piece that is part of a character is a list of its bytes, as llama-server writes it.
Json piece_json(const std::string& piece) {
  if (is_utf8(piece)) return piece;
  Json bytes = Json::array();
  for (const char c : piece) bytes.push_back(static_cast<unsigned char>(c));
  return bytes;
}

Json tokens_json(Engine& engine, const std::vector<int32_t>& ids, bool with_pieces) {
  Json tokens = Json::array();
  for (const int32_t id : ids) {
    if (with_pieces)
      tokens.push_back({{"id", id}, {"piece", piece_json(engine.detokenize({&id, 1}))}});
    else
      tokens.push_back(id);
  }
  return tokens;
}

struct TokenizeCall {
  std::string content;
  bool add_special, parse_special, with_pieces;
};

TokenizeCall read_tokenize_request(const Fields& body) {
  const auto content = body.try_string("content");
  if (!content) body.wrong("content", "is required");
  return {.content = *content,
          .add_special = body.try_bool("add_special").value_or(false),
          .parse_special = body.try_bool("parse_special").value_or(true),
          .with_pieces = body.try_bool("with_pieces").value_or(false)};
}

void submit_count(const http::Request& request, http::Responder& responder, const Deps& deps,
                  AnswerCall answer) {
  submit_object(deps.models, with_client(answer.call, request), responder,
                [asked = std::move(answer.request)](Turn& turn) -> Json {
                  return {{"object", "response.input_tokens"},
                          {"input_tokens", turn.engine.count_tokens(asked)}};
                });
}

}  // namespace

ModelCall read_call_of_loaded(const Json& json, const ModelService& models) {
  const Fields body(json);
  if (body.has("model")) return read_call(body);
  const std::vector<LoadedModel> loaded = models.loaded();
  if (loaded.size() != 1)
    body.wrong("model", fmt::format("is required where {} models are loaded", loaded.size()));
  ModelCall call;
  call.model = loaded.front().name;
  return call;
}

void post_tokenize(const http::Request& request, http::Responder& responder, const Deps& deps) {
  const Json body = parse_body(request.body);
  submit_object(deps.models, with_client(read_call_of_loaded(body, deps.models), request),
                responder, [call = read_tokenize_request(Fields(body))](Turn& turn) -> Json {
                  const auto ids =
                      turn.engine.tokenize(call.content, call.add_special, call.parse_special);
                  return {{"tokens", tokens_json(turn.engine, ids, call.with_pieces)}};
                });
}

void post_detokenize(const http::Request& request, http::Responder& responder, const Deps& deps) {
  const Json json = parse_body(request.body);
  const Fields body(json);
  const Json* tokens = body.find("tokens");
  if (!tokens || !tokens->is_array()) body.wrong("tokens", "must be a list of token ids");
  submit_object(deps.models, with_client(read_call_of_loaded(json, deps.models), request),
                responder, [ids = read_ids(*tokens, "tokens")](Turn& turn) -> Json {
                  return {{"content", turn.engine.detokenize(ids)}};
                });
}

void post_apply_template(const http::Request& request, http::Responder& responder,
                         const Deps& deps) {
  const Json body = parse_body(request.body);
  submit_object(deps.models, with_client(read_call_of_loaded(body, deps.models), request),
                responder, [prompt = read_chat_prompt(Fields(body))](Turn& turn) -> Json {
                  return {{"prompt", turn.engine.render(prompt)}};
                });
}

void count_chat_tokens(const http::Request& request, http::Responder& responder, const Deps& deps) {
  submit_count(request, responder, deps, read_chat_request(parse_body(request.body)));
}

void count_response_tokens(const http::Request& request, http::Responder& responder,
                           const Deps& deps) {
  submit_count(request, responder, deps, read_responses_request(parse_body(request.body)).answer);
}

}  // namespace hearth::serve::openai
