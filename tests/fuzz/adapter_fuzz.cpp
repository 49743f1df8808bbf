// Any bytes as the folder of a LoRA adapter that PEFT saved, converted for a tiny model.
//
// Input: adapter_config.json, a byte 0xFF, which no JSON contains, and adapter_model.safetensors.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/store/adapter_import.h"

namespace {

using namespace hearth;

/// A folder that ends with the program, with a model in it.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / fmt::format("hearth-adapter-fuzz-{}", ::getpid())) {
    fs::create_directories(path_);
    formats::GgufWriter out(path_ / "base.gguf");
    out.set("general.architecture", std::string("llama"));
    out.set("llama.attention.head_count", uint32_t{2});
    for (const char* name : {"blk.0.attn_q.weight", "token_embd.weight"})
      out.declare(name, formats::TensorType::f32, {8, 8});
    for (int i = 0; i < 2; ++i) out.write(std::vector<std::byte>(4 * 8 * 8));
    out.finish();
  }
  ~Folder() { fs::remove_all(path_); }

  const fs::path& path() const { return path_; }
  void put(const char* name, std::string_view bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
  }

 private:
  fs::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  static const auto base = formats::Gguf::open(folder.path() / "base.gguf");
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t cut = std::min(input.find('\xff'), size);
  folder.put("adapter_config.json", input.substr(0, cut));
  folder.put("adapter_model.safetensors", input.substr(std::min(cut + 1, size)));
  const fs::path out = folder.path() / "out.gguf";
  try {
    store::import_adapter(folder.path(), base, out);
    formats::Gguf::open(out);  // what was written can be read
  } catch (const Error&) {
  }
  return 0;
}
