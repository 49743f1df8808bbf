#include "hearth/serve/daemon/built_in_model.h"

#include "hearth/store/create_model.h"

namespace hearth::serve {

bool add_built_in_model(const store::ModelStore& store, const fs::path& file) {
  const store::StoreListing listing = store.list();
  if (!listing.models.empty() || !listing.broken.empty()) return false;
  store::Modelfile modelfile;
  modelfile.from = {fs::absolute(file).string()};
  store::create_model(store, store::parse_model_name(file.stem().string()), modelfile, {},
                      [](const store::CreateProgress&) {});
  return true;
}

}  // namespace hearth::serve
