// Probabilities of tokens in the two forms of the API.
#pragma once
#include <vector>

#include "hearth/serve/engine/answer_stream.h"
#include "hearth/serve/output/message.h"

namespace hearth::serve::openai {

/// Of chat: [{token, logprob, bytes, top_logprobs: [{token, logprob, bytes}]}]. `bytes` is exact
/// where `token` is only part of a character. A probability of zero is -9999, as JSON has no
/// infinity.
Json chat_logprobs(const std::vector<TokenLogprobs>& tokens);

/// Of completions: {tokens, token_logprobs, top_logprobs: [{token: logprob}], text_offset}.
/// `text_offset` counts characters and begins at `offset`, which moves on.
Json completion_logprobs(const std::vector<TokenLogprobs>& tokens, size_t& offset);

/// Characters that begin in `text`, which may begin or end inside one.
size_t count_characters(std::string_view text);

}  // namespace hearth::serve::openai
