// Any texts as the JSON files of a Hugging Face folder: the configuration, the tokenizer, the
// shards' index.
//
// Input: the files of kFiles in that order, with a byte 0xFF, which no JSON contains, between them;
// an empty one is not there.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/base/files.h"
#include "hearth/formats/safetensors.h"
#include "hearth/store/hugging_face_config.h"
#include "hearth/store/hugging_face_tokenizer.h"

namespace {

using namespace hearth;

constexpr const char* kFiles[] = {
    "config.json",       "tokenizer.json",         "tokenizer_config.json",
    "added_tokens.json", "generation_config.json", "model.safetensors.index.json"};

/// A folder that ends with the program.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / fmt::format("hearth-import-fuzz-{}", ::getpid())) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

  void put(const char* name, std::string_view text) const {
    if (text.empty()) {
      fs::remove(path_ / name);
      return;
    }
    std::ofstream(path_ / name, std::ios::binary) << text;
  }

 private:
  fs::path path_;
};

std::string_view next_part(std::string_view& rest) {
  const size_t end = std::min(rest.find('\xFF'), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

/// Reads something that may be refused.
template <class Read>
void attempt(Read read) {
  try {
    read();
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Folder folder;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  for (const char* name : kFiles) folder.put(name, next_part(rest));
  store::HuggingFaceConfig config;
  attempt([&] { config = store::read_hugging_face_config(folder.path()); });
  attempt([&] {
    std::vector<std::string> notes;
    store::tokenizer_keys(folder.path(), config, /*vocab_size=*/64, notes);
  });
  attempt([&] { formats::Safetensors::open_folder(folder.path()); });
  return 0;
}
