#include "hearth/serve/openai/logprobs_json.h"

#include <algorithm>

#include "hearth/serve/api/logprobs_json.h"

namespace hearth::serve::openai {

Json chat_logprobs(const std::vector<TokenLogprobs>& tokens) {
  Json list = Json::array();
  for (const TokenLogprobs& token : tokens) {
    Json top = Json::array();
    for (const TokenProbability& other : token.top) top.push_back(token_json(other));
    list.push_back(token_json(token.chosen));
    list.back()["top_logprobs"] = std::move(top);
  }
  return list;
}

Json completion_logprobs(const std::vector<TokenLogprobs>& tokens, size_t& offset) {
  Json lists = {{"tokens", Json::array()},
                {"token_logprobs", Json::array()},
                {"top_logprobs", Json::array()},
                {"text_offset", Json::array()}};
  for (const TokenLogprobs& token : tokens) {
    Json top = Json::object();
    for (const TokenProbability& other : token.top) top[other.text] = finite_logprob(other.logprob);
    lists["tokens"].push_back(token.chosen.text);
    lists["token_logprobs"].push_back(finite_logprob(token.chosen.logprob));
    lists["top_logprobs"].push_back(std::move(top));
    lists["text_offset"].push_back(offset);
    offset += count_characters(token.chosen.text);
  }
  return lists;
}

size_t count_characters(std::string_view text) {
  // Bytes 10xxxxxx continue a character.
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

}  // namespace hearth::serve::openai
