// A model file's report as text, part by part; shared by `hearth show` and /show.
#pragma once
#include <string>

#include "hearth/cli/reports.h"

namespace hearth::cli {

/// Name, architecture, sizes, tokenizer, licence: one fact a line.
std::string facts_text(const ShowReport& report);
/// A line for each group of tensors: parameters, bytes, types.
std::string groups_text(const ShowReport& report);
/// The first lines of the chat template.
std::string template_text(const ShowReport& report);
/// Every tensor; the report must have been made with them.
std::string tensors_text(const ShowReport& report);
/// Every metadata value, long ones cut; the report must have been made with them.
std::string metadata_text(const ShowReport& report);

}  // namespace hearth::cli
