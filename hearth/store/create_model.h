// Makes a model of a store from a Modelfile.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "hearth/store/modelfile.h"
#include "hearth/store/store_writer.h"

namespace hearth::store {

struct CreateOptions {
  fs::path folder;                 // what paths in the Modelfile are relative to
  TakeFile take = TakeFile::copy;  // how GGUF files become blobs
  /// Names of adapters by the path as written; else that of the file or folder, without ".gguf".
  std::map<std::string, std::string> adapter_names = {};
};

/// One line of the report, in the words of Ollama: "parsing GGUF", "using existing layer sha256:…".
struct CreateProgress {
  std::string_view status;
  uint64_t done_bytes = 0;  // of total_bytes, while a file is taken over; else both 0
  uint64_t total_bytes = 0;
};
/// Called on the calling thread. An exception thrown by it ends the creation; the store then has
/// the models it had before.
using CreateProgressFn = FunctionRef<void(const CreateProgress&)>;

/// A path as FROM and ADAPTER write it: relative to `folder`; "~" is the user's home.
fs::path modelfile_path(const std::string& written, const fs::path& folder);

/// Makes the model `name`; one of that name is replaced in the last step.
///
/// FROM is a GGUF file (of one in several parts, any part: they become one), or a model of the
/// store, whose layers are then taken over: TEMPLATE, SYSTEM and MESSAGE replace its own (an empty
/// text removes them), a PARAMETER replaces the one of that name, LICENSE adds. A second FROM may
/// name a GGUF file of a projector; ADAPTER names a GGUF file of an adapter, or a folder as PEFT
/// saves it, which is converted (adapter_import.h). Where a file and a model have one name, the
/// file is taken.
///
/// An adapter's layer has its name where no other one has, so that requests can choose.
///
/// Errors: not_found (a file or model), invalid_argument (FROM of two models, an adapter as FROM),
/// unsupported (safetensors folders, DRAFT), corrupt_data (not a GGUF file; a model whose layers
/// are damaged), io_failure, resource_exhausted.
StoredModel create_model(const ModelStore& store, const ModelName& name, const Modelfile& file,
                         const CreateOptions& options, CreateProgressFn progress);

}  // namespace hearth::store
