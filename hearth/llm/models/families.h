// The families that Model::load knows. Each file of that name shows how the family's layer is put
// together.
#pragma once
#include <memory>

#include "hearth/llm/models/model.h"
#include "hearth/llm/models/rope_scaling.h"
#include "hearth/llm/models/weights.h"

namespace hearth::llm {

/// What a family reads its model from.
struct ModelFile {
  ConfigReader keys;
  ModelConfig config;
  RopeSettings rope;
  WeightReader weights;
  LoadOptions options;
};

std::unique_ptr<Model> load_gemma2(ModelFile& file);
std::unique_ptr<Model> load_gemma3(ModelFile& file);
std::unique_ptr<Model> load_llama(ModelFile& file);
std::unique_ptr<Model> load_mistral3(ModelFile& file);
std::unique_ptr<Model> load_phi3(ModelFile& file);
std::unique_ptr<Model> load_qwen2(ModelFile& file);
std::unique_ptr<Model> load_qwen3(ModelFile& file);

}  // namespace hearth::llm
