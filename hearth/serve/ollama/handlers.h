// The routes of Ollama's API, a group a file.
#pragma once
#include <memory>

#include "hearth/serve/ollama/long_work.h"
#include "hearth/serve/ollama/routes.h"

namespace hearth::serve::ollama {

using SharedDeps = std::shared_ptr<const Deps>;
using SharedWork = std::shared_ptr<LongWork>;

void add_about_routes(http::Router& router, const SharedDeps& deps);   // about.cpp
void add_answer_routes(http::Router& router, const SharedDeps& deps);  // answer.cpp
void add_blob_routes(http::Router& router, const SharedDeps& deps);    // blobs.cpp
void add_embed_routes(http::Router& router, const SharedDeps& deps);   // embed.cpp
void add_model_routes(http::Router& router, const SharedDeps& deps);   // models.cpp
void add_show_routes(http::Router& router, const SharedDeps& deps);    // show.cpp
// create.cpp, transfer.cpp
void add_create_routes(http::Router& router, const SharedDeps& deps, const SharedWork& work);
void add_transfer_routes(http::Router& router, const SharedDeps& deps, const SharedWork& work);

/// Passes each on to Deps::warn.
void warn_all(const Deps& deps, const std::vector<std::string>& warnings);

/// The model of this name. Errors: not_found (`model 'NAME' not found`, also for what is no name),
/// and those of ModelStore::find().
store::StoredModel find_model(const Deps& deps, const std::string& name);

/// `error` about a call to `model`: not_found in the words that clients know, unless the model is
/// there and something else is not.
Error named(const Deps& deps, const std::string& model, const Error& error);

}  // namespace hearth::serve::ollama
