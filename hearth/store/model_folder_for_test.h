// Small random Hugging Face folders for the tests of the import.
#pragma once
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/base/rng.h"

namespace hearth::store {

/// A tensor of a checkpoint under construction; values are random unless set.
struct TestTensor {
  std::vector<uint64_t> shape;  // slowest first
  std::vector<float> values;
};

/// A folder that is removed with its object.
class ModelFolder {
 public:
  explicit ModelFolder(std::string_view name)
      : path_(fs::temp_directory_path() / fmt::format("hearth-import-{}-{}", ::getpid(), name)) {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~ModelFolder() { fs::remove_all(path_); }
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;

  const fs::path& path() const { return path_; }
  void write(const std::string& file, const std::string& text) const {
    AtomicFile out(path_ / file);
    out.write(text);
    out.commit();
  }

  void tensor(const std::string& name, std::vector<uint64_t> shape) {
    TestTensor& tensor = tensors[name];
    uint64_t elems = 1;
    for (const uint64_t extent : shape) elems *= extent;
    tensor.shape = std::move(shape);
    tensor.values.resize(elems);
    for (float& value : tensor.values) value = rng_.normal();
  }

  /// Writes `tensors` as FOLDER/model.safetensors in F32.
  void write_tensors() const {
    std::string header = "{", data;
    for (const auto& [name, tensor] : tensors) {
      const size_t begin = data.size();
      data.append(reinterpret_cast<const char*>(tensor.values.data()),
                  tensor.values.size() * sizeof(float));
      header += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})",
                            header.size() > 1 ? "," : "", name, fmt::join(tensor.shape, ","), begin,
                            data.size());
    }
    header += "}";
    std::string length(8, '\0');
    const uint64_t size = header.size();
    std::memcpy(length.data(), &size, sizeof size);
    write("model.safetensors", length + header + data);
  }

  std::map<std::string, TestTensor> tensors;

 private:
  fs::path path_;
  Rng rng_{1};
};

/// A byte-level BPE tokenizer.json of eight tokens, with GPT-2's pre-tokeniser.
inline constexpr const char* kByteLevelTokenizer = R"({
  "added_tokens": [{"id": 6, "content": "<|end|>", "special": true},
                   {"id": 5, "content": "<tool>", "special": false}],
  "normalizer": null,
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
  "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4},
            "merges": ["a b", ["ab", "c"]]}
})";

}  // namespace hearth::store
