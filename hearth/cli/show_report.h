// What a model file says of itself, also when Hearth cannot run it.
#pragma once
#include "hearth/cli/reports.h"

namespace hearth::cli {

struct ShowDetail {
  bool tensors = false;
  bool metadata = false;
};

/// Reads the metadata leniently: what is absent or has an unexpected type is left out, not an
/// error.
ShowReport make_show_report(const formats::Gguf& file, const ShowDetail& detail);

/// "attention", "ffn", "embedding", "output", "norms" or "other", from a tensor's GGUF name.
std::string_view tensor_group(std::string_view tensor_name);

/// "Q4_K 88 %, Q6_K 12 %": the types that hold the weights, by bytes, norms left out.
std::string type_summary(const ShowReport& report);

}  // namespace hearth::cli
