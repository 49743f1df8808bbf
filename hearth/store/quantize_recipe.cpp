#include "hearth/store/quantize_recipe.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace hearth::store {
namespace {

using formats::TensorType;

// file_type: llama.h, enum llama_ftype. The pure K recipes carry the number of the _S mix, which is
// nearest.
constexpr QuantizeRecipe kRecipes[] = {
    {"F32", TensorType::f32, 0, false},        {"F16", TensorType::f16, 1, false},
    {"BF16", TensorType::bf16, 32, false},     {"Q8_0", TensorType::q8_0, 7, false},
    {"Q6_K", TensorType::q6_k, 18, false},     {"Q5_K_M", TensorType::q5_k, 17, true},
    {"Q5_K_S", TensorType::q5_k, 16, true},    {"Q5_K", TensorType::q5_k, 16, false},
    {"Q5_1", TensorType::q5_1, 9, false},      {"Q5_0", TensorType::q5_0, 8, false},
    {"Q4_K_M", TensorType::q4_k, 15, true},    {"Q4_K_S", TensorType::q4_k, 14, true},
    {"Q4_K", TensorType::q4_k, 14, false},     {"Q4_1", TensorType::q4_1, 3, false},
    {"Q4_0", TensorType::q4_0, 2, false},      {"IQ4_NL", TensorType::iq4_nl, 25, false},
    {"IQ4_XS", TensorType::iq4_xs, 30, false}, {"MXFP4", TensorType::mxfp4, 38, false},
    {"Q3_K_L", TensorType::q3_k, 13, true},    {"Q3_K_M", TensorType::q3_k, 12, true},
    {"Q3_K_S", TensorType::q3_k, 11, true},    {"Q3_K", TensorType::q3_k, 11, false},
    {"Q2_K", TensorType::q2_k, 10, false},
};

/// Layers that a rule applies to, of `layers`.
enum class Layers { all, first_two, first_four, first_eighth, first_sixteenth, more_bits };

struct MixRule {
  std::string_view recipe;
  std::string_view tensor;  // the name without "blk.N." up to the first '.' or "_exps"
  Layers layers;
  TensorType type;
};

// The first row that fits wins. Source: llama.cpp, src/llama-quant.cpp, the choices for dense
// models; it raises attn_v of those it knows as 70 B models from Q3_K and Q4_K to Q5_K besides.
constexpr MixRule kMixRules[] = {
    {"Q5_K_M", "attn_v", Layers::more_bits, TensorType::q6_k},
    {"Q5_K_M", "attn_qkv", Layers::all, TensorType::q6_k},
    {"Q5_K_M", "ffn_down", Layers::more_bits, TensorType::q6_k},
    {"Q4_K_M", "attn_v", Layers::more_bits, TensorType::q6_k},
    {"Q4_K_M", "attn_qkv", Layers::all, TensorType::q5_k},
    {"Q4_K_M", "ffn_down", Layers::more_bits, TensorType::q6_k},
    {"Q4_K_S", "attn_v", Layers::first_four, TensorType::q5_k},
    {"Q4_K_S", "ffn_down", Layers::first_eighth, TensorType::q5_k},
    {"Q3_K_L", "attn_v", Layers::all, TensorType::q5_k},
    {"Q3_K_L", "attn_output", Layers::all, TensorType::q5_k},
    {"Q3_K_L", "attn_qkv", Layers::all, TensorType::q4_k},
    {"Q3_K_L", "ffn_down", Layers::all, TensorType::q5_k},
    {"Q3_K_M", "attn_v", Layers::first_two, TensorType::q5_k},
    {"Q3_K_M", "attn_v", Layers::all, TensorType::q4_k},
    {"Q3_K_M", "attn_output", Layers::all, TensorType::q4_k},
    {"Q3_K_M", "attn_qkv", Layers::all, TensorType::q4_k},
    {"Q3_K_M", "ffn_down", Layers::first_sixteenth, TensorType::q5_k},
    {"Q3_K_M", "ffn_down", Layers::all, TensorType::q4_k},
};

bool covers(Layers which, uint64_t layer, uint64_t layers) {
  switch (which) {
    case Layers::all:
      return true;
    case Layers::first_two:
      return layer < 2;
    case Layers::first_four:
      return layer < 4;
    case Layers::first_eighth:
      return layer < layers / 8;
    case Layers::first_sixteenth:
      return layer < layers / 16;
    // The first and the last eighth, and every third between them.
    case Layers::more_bits:
      return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
  }
  return false;
}

struct LayerTensor {
  uint64_t layer = 0;
  std::string_view tensor;  // as in MixRule
};

std::optional<LayerTensor> split_layer_name(std::string_view name) {
  if (!name.starts_with("blk.")) return std::nullopt;
  LayerTensor out;
  const char* end = name.data() + name.size();
  const auto [after, error] = std::from_chars(name.data() + 4, end, out.layer);
  if (error != std::errc() || after == end || *after != '.') return std::nullopt;
  out.tensor = {after + 1, static_cast<size_t>(end - after - 1)};
  out.tensor = out.tensor.substr(0, out.tensor.find('.'));
  if (out.tensor.ends_with("_exps")) out.tensor.remove_suffix(5);
  return out;
}

bool is_output(std::string_view name, const ModelOutline& model) {
  return name == (model.has_output ? "output.weight" : "token_embd.weight");
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

}  // namespace

std::span<const QuantizeRecipe> quantize_recipes() { return kRecipes; }

std::optional<QuantizeRecipe> try_quantize_recipe(std::string_view name) {
  for (const QuantizeRecipe& recipe : kRecipes)
    if (equal_ignoring_case(recipe.name, name)) return recipe;
  return std::nullopt;
}

bool is_convertible(const formats::GgufTensor& tensor) {
  // Small or sensitive tables that no engine reads in a block type.
  constexpr std::string_view kKept[] = {"_norm.weight", "ffn_gate_inp.weight",
                                        "ffn_gate_inp_shexp.weight", "position_embd.weight",
                                        "token_types.weight"};
  const std::string_view name = tensor.name;
  if (tensor.shape.size() < 2 || !name.ends_with("weight") || !formats::info(tensor.type).is_weight)
    return false;
  return std::ranges::none_of(kKept, [&](std::string_view end) { return name.ends_with(end); });
}

ModelOutline outline_of(const formats::Gguf& file) {
  const std::string architecture = file.try_string("general.architecture").value_or("");
  return {.layers = file.try_u64(architecture + ".block_count").value_or(0),
          .has_output = file.find_tensor("output.weight") != nullptr};
}

TensorType recipe_type(const QuantizeRecipe& recipe, std::string_view name,
                       const ModelOutline& model) {
  if (!recipe.is_mix) return recipe.base;
  if (is_output(name, model)) return TensorType::q6_k;
  if (const auto part = split_layer_name(name))
    for (const MixRule& rule : kMixRules)
      if (rule.recipe == recipe.name && rule.tensor == part->tensor &&
          covers(rule.layers, part->layer, model.layers))
        return rule.type;
  return recipe.base;
}

}  // namespace hearth::store
