// What `hearth run` says about an answer once it is there.
#pragma once
#include <string>
#include <vector>

#include "hearth/cli/conversation.h"
#include "hearth/cli/reports.h"

namespace hearth::cli {

/// The timings of --verbose, one a line: counts, durations, rates, the seed.
std::string timings_text(const Answer& answer);

/// What happened that the text does not show: the context was full or shifted, turns were
/// forgotten, nothing was generated. Empty for an ordinary answer.
std::vector<std::string> answer_notes(const Answer& answer, int context);

/// The last line of --json.
GenerateChunk final_chunk(const std::string& model, const Answer& answer);

}  // namespace hearth::cli
