// Writes a model that says what is written down here: a real GGUF file for tests of everything
// around a model, where what it says must be known beforehand.
//
//   scripted_model OUT.gguf
//
// Attention and feed-forward are zero, so that the logits hang on the last token alone; the output
// matrix sends each token of a script to the next one. The chat template ends a prompt with the
// token that begins a script: <|call|> where tools are declared, and so on.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/rng.h"
#include "hearth/formats/gguf.h"

namespace {

using hearth::formats::GgufArray;
using hearth::formats::TensorType;

constexpr int kDim = 256;
// The product of a token's embedding with its own is kDim, with another's about 16: the token that
// follows leads by some 60, far beyond what any temperature or penalty of a test takes away.
constexpr float kGain = 0.25f;
constexpr size_t kPieceBytes = 4;  // of a script's pieces, at least

enum Kind : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kByte = 6 };

std::string counting() {
  std::string text = "Counting:";
  for (int i = 1; i <= 600; ++i) text += fmt::format(" {},", i);
  return text + " done.";
}

struct Script {
  std::string_view begin;  // the token that leads to it
  std::string text;
};

std::vector<Script> scripts() {
  return {
      {"<|say|>",
       "Hello! I am a scripted model, and this is all that I have to say. Grüße 🦊!"},
      {"<|call|>",
       "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", "
       "\"unit\": \"celsius\"}}\n</tool_call>\n<tool_call>\n{\"name\": \"get_weather\", "
       "\"arguments\": {\"city\": \"Rome\", \"unit\": \"kelvin\"}}\n</tool_call>"},
      {"<|answer|>", "It is sunny in Paris, with twenty-one degrees."},
      {"<|think|>",
       "<think>\nThe user asks for the number, and everybody knows it.\n</think>\n\nForty-two."},
      {"<|count|>", counting()},
  };
}

constexpr std::string_view kTemplate =
    "{%- for message in messages -%}"
    "{{ '<|im_start|>' + message.role + '\\n' + (message.content or '') }}"
    "{%- for call in message.tool_calls or [] -%}"
    "{{ '<tool_call>\\n' + call.function | tojson + '\\n</tool_call>' }}"
    "{%- endfor -%}{{ '<|im_end|>\\n' }}{%- endfor -%}"
    "{%- if tools -%}{{ '<|im_start|>tools\\n' + tools | tojson + '<|im_end|>\\n' }}{%- endif -%}"
    "{%- if add_generation_prompt -%}"
    "{%- if messages[-1].role == 'tool' -%}<|answer|>"
    "{%- elif tools -%}<|call|>"
    "{%- elif 'count' in messages[-1].content -%}<|count|>"
    "{%- elif 'number' in messages[-1].content and enable_thinking is defined and enable_thinking "
    "-%}<|think|>"
    "{#- thoughts stand in <think>, and </think> ends them -#}"
    "{%- else -%}<|say|>{%- endif -%}{%- endif -%}";

// Tokens, and which one follows each.
class Vocabulary {
 public:
  Vocabulary() {
    add("<unk>", kUnknown);
    add("<s>", kControl);
    end_ = add("</s>", kControl);
    for (int byte = 0; byte < 256; ++byte) add(fmt::format("<0x{:02X}>", byte), kByte);
    for (const char* name :
         {"<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"})
      add(name, kControl);
    for (const Script& script : scripts()) add_script(script);
  }

  const std::vector<std::string>& tokens() const { return tokens_; }
  const std::vector<int32_t>& kinds() const { return kinds_; }
  int id(std::string_view token) const { return ids_.at(std::string(token)); }
  /// By token of a script, or leading to one, the token that follows it.
  const std::map<int, int>& next() const { return next_; }

 private:
  int add(const std::string& token, Kind kind) {
    const int id = static_cast<int>(tokens_.size());
    HEARTH_CHECK(ids_.emplace(token, id).second);
    tokens_.push_back(token);
    kinds_.push_back(kind);
    return id;
  }

  // Cuts the text into pieces that no other token has, each at least kPieceBytes long.
  void add_script(const Script& script) {
    int last = add(std::string(script.begin), kControl);
    std::string piece;
    for (size_t i = 0; i < script.text.size(); ++i) {
      piece += script.text[i] == ' ' ? "\u2581" : std::string(1, script.text[i]);
      const bool ends_character =
          i + 1 == script.text.size() || (script.text[i + 1] & 0xC0) != 0x80;
      const bool is_last = i + 1 == script.text.size();
      if (!is_last && (!ends_character || piece.size() < kPieceBytes || ids_.count(piece)))
        continue;
      const int id = add(piece, kNormal);
      next_[last] = id;
      last = id;
      piece.clear();
    }
    next_[last] = end_;
  }

  std::vector<std::string> tokens_;
  std::vector<int32_t> kinds_;
  std::map<std::string, int> ids_;
  std::map<int, int> next_;
  int end_ = 0;
};

using Matrix = std::vector<float>;  // [rows, kDim]

// A row of signs for each token of a script; all others share the first row, as what stands in a
// prompt makes no difference.
Matrix make_embedding(const Vocabulary& vocabulary) {
  hearth::Rng rng(1);
  Matrix embedding(vocabulary.tokens().size() * kDim);
  for (float& value : embedding) value = rng.normal() < 0 ? -1.0f : 1.0f;
  for (int id = 1; id < static_cast<int>(vocabulary.tokens().size()); ++id)
    if (!vocabulary.next().count(id))
      std::copy_n(embedding.begin(), kDim, embedding.begin() + size_t(id) * kDim);
  return embedding;
}

// Row j: the sum of the embeddings of all tokens that j follows. A prompt without a template ends
// in a token of no script, and is answered with the first one.
Matrix make_output(const Vocabulary& vocabulary, const Matrix& embedding) {
  Matrix output(embedding.size());
  const auto lead = [&](int from, int to) {
    for (int i = 0; i < kDim; ++i)
      output[size_t(to) * kDim + i] += kGain * embedding[size_t(from) * kDim + i];
  };
  for (const auto& [from, to] : vocabulary.next()) lead(from, to);
  lead(0, vocabulary.next().at(vocabulary.id("<|say|>")));
  return output;
}

void set_keys(hearth::formats::GgufWriter& writer, const Vocabulary& vocabulary) {
  writer.set("general.architecture", std::string("llama"));
  writer.set("general.name", std::string("scripted"));
  writer.set("general.license", std::string("cc0-1.0"));
  writer.set("llama.context_length", uint32_t{4096});
  writer.set("llama.embedding_length", uint32_t{kDim});
  writer.set("llama.block_count", uint32_t{1});
  writer.set("llama.feed_forward_length", uint32_t{32});
  writer.set("llama.attention.head_count", uint32_t{1});
  writer.set("llama.attention.key_length", uint32_t{32});
  writer.set("llama.attention.value_length", uint32_t{32});
  writer.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  writer.set("llama.rope.dimension_count", uint32_t{32});
  writer.set("tokenizer.ggml.model", std::string("llama"));
  writer.set("tokenizer.ggml.pre", std::string("default"));
  writer.set("tokenizer.ggml.tokens", GgufArray{vocabulary.tokens()});
  writer.set("tokenizer.ggml.scores",
             GgufArray{std::vector<float>(vocabulary.tokens().size(), -1000.0f)});
  writer.set("tokenizer.ggml.token_type", GgufArray{vocabulary.kinds()});
  const auto set_id = [&](const char* key, std::string_view token) {
    writer.set(key, static_cast<uint32_t>(vocabulary.id(token)));
  };
  set_id("tokenizer.ggml.unknown_token_id", "<unk>");
  set_id("tokenizer.ggml.bos_token_id", "<s>");
  set_id("tokenizer.ggml.eos_token_id", "</s>");
  set_id("tokenizer.ggml.fim_pre_token_id", "<|fim_prefix|>");
  set_id("tokenizer.ggml.fim_suf_token_id", "<|fim_suffix|>");
  set_id("tokenizer.ggml.fim_mid_token_id", "<|fim_middle|>");
  writer.set("tokenizer.ggml.add_bos_token", false);
  writer.set("tokenizer.ggml.add_eos_token", false);
  writer.set("tokenizer.ggml.add_space_prefix", false);
  writer.set("tokenizer.chat_template", std::string(kTemplate));
}

struct Tensor {
  std::string name;
  std::vector<uint64_t> shape;
  Matrix values;
};

std::vector<Tensor> make_tensors(const Vocabulary& vocabulary) {
  const uint64_t vocab = vocabulary.tokens().size();
  Matrix embedding = make_embedding(vocabulary);
  Matrix output = make_output(vocabulary, embedding);
  const auto zeros = [](std::string name, uint64_t rows, uint64_t cols) {
    return Tensor{"blk.0." + std::move(name), {cols, rows}, Matrix(rows * cols)};
  };
  const auto ones = [](std::string name) {
    return Tensor{std::move(name), {kDim}, Matrix(kDim, 1.0f)};
  };
  return {{"token_embd.weight", {kDim, vocab}, std::move(embedding)},
          ones("blk.0.attn_norm.weight"),
          zeros("attn_q.weight", 32, kDim),
          zeros("attn_k.weight", 32, kDim),
          zeros("attn_v.weight", 32, kDim),
          zeros("attn_output.weight", kDim, 32),
          ones("blk.0.ffn_norm.weight"),
          zeros("ffn_gate.weight", 32, kDim),
          zeros("ffn_up.weight", 32, kDim),
          zeros("ffn_down.weight", kDim, 32),
          ones("output_norm.weight"),
          {"output.weight", {kDim, vocab}, std::move(output)}};
}

void write_scripted_model(const char* path) {
  const Vocabulary vocabulary;
  hearth::formats::GgufWriter writer(path);
  set_keys(writer, vocabulary);
  const std::vector<Tensor> tensors = make_tensors(vocabulary);
  for (const Tensor& tensor : tensors) writer.declare(tensor.name, TensorType::f32, tensor.shape);
  for (const Tensor& tensor : tensors) writer.write(std::as_bytes(std::span(tensor.values)));
  writer.finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: scripted_model OUT.gguf\n", stderr);
    return 2;
  }
  try {
    write_scripted_model(argv[1]);
  } catch (const hearth::Error& error) {
    std::fprintf(stderr, "scripted_model: %s\n", error.what());
    return 1;
  }
  return 0;
}
