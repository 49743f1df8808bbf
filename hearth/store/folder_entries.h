// What lies in a folder, in an order that does not depend on the file system.
#pragma once
#include <vector>

#include "hearth/base/files.h"

namespace hearth::store {

/// The paths of all entries but "." and "..", sorted by name. A folder that is not there, or that
/// vanishes meanwhile, has none. Errors: io_failure (not a folder, no permission).
std::vector<fs::path> entries_of(const fs::path& folder);

}  // namespace hearth::store
