// Any bytes as the JSON of a store: a manifest that is read must be printed and read as the same;
// names, configs, parameters and messages are only read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hearth/base/error.h"
#include "hearth/store/manifest.h"
#include "hearth/store/model_config.h"
#include "hearth/store/model_name.h"
#include "hearth/store/model_parameters.h"
#include "hearth/store/model_texts.h"

namespace {

template <class Parse>
void try_parse(Parse parse) {
  try {
    parse();
  } catch (const hearth::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::store;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try_parse([&] {
    const Manifest manifest = parse_manifest(text, "fuzz");
    HEARTH_CHECK(parse_manifest(print_manifest(manifest), "fuzz") == manifest);
  });
  try_parse([&] {
    const ModelParameters parameters = parse_parameters(text, "fuzz");
    HEARTH_CHECK(parse_parameters(print_parameters(parameters), "fuzz") == parameters);
  });
  try_parse([&] { print_model_config(parse_model_config(text, "fuzz"), {}); });
  try_parse([&] {
    const std::vector<ModelMessage> messages = parse_messages(text, "fuzz");
    HEARTH_CHECK(parse_messages(print_messages(messages), "fuzz") == messages);
  });
  try_parse([&] {
    const ModelName name = parse_model_name(text);
    HEARTH_CHECK(parse_model_name(name.full()) == name);
  });
  return 0;
}
