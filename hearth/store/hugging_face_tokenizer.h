// The tokenizer of a Hugging Face folder as GGUF's tokenizer.* keys.
#pragma once
#include "hearth/base/files.h"
#include "hearth/store/hugging_face_config.h"
#include "hearth/store/hugging_face_metadata.h"

namespace hearth::store {

/// Reads tokenizer.json and/or tokenizer.model, or else vocab.txt, and tokenizer_config.json,
/// added_tokens.json, generation_config.json and chat_template.jinja, whichever are there.
///
///   vocab_size   rows of the embedding: the vocabulary is filled up to it with unused tokens
///
/// Byte-level BPE becomes model "gpt2" with its merges, SentencePiece BPE (also inside a
/// tokenizer.json with byte_fallback) model "llama" with scores, WordPiece
/// model "bert". Errors, naming file and field:
/// not_found (none of the three), unsupported (unigram, an
/// unknown normaliser or pre-tokeniser), corrupt_data. `notes` gains what was left out.
GgufKeys tokenizer_keys(const fs::path& folder, const HuggingFaceConfig& config,
                        uint64_t vocab_size, std::vector<std::string>& notes);

}  // namespace hearth::store
