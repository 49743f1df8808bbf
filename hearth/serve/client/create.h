// Sends a Modelfile and the files it names to the API, which makes a model of them.
#pragma once
#include <string>

#include "hearth/serve/client/models.h"
#include "hearth/store/modelfile.h"

namespace hearth::serve {

struct CreateFrom {
  store::Modelfile file;
  fs::path folder;       // what paths in the Modelfile are relative to
  std::string quantize;  // "Q4_K_M"; empty: as it is
};

/// Makes the model `name`. Files that FROM and ADAPTER name are hashed, and uploaded where the
/// server lacks them; folders (safetensors) file by file. What is no file is a model's name, which
/// the server knows. Errors: those of Api; invalid_argument (FROM of two models, a folder without
/// safetensors), unsupported (DRAFT), not_found (a path that begins like one and leads nowhere).
void create_model(Api& api, const std::string& name, const CreateFrom& from, OnStep on_step,
                  std::stop_token stop);

}  // namespace hearth::serve
