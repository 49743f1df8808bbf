#include "hearth/serve/daemon/built_in_model.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "hearth/base/error.h"

namespace hearth::serve {
namespace {

TEST(BuiltInModel, AnEmptyStoreGetsItOnceAndAnotherStoreNever) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("hearth_built_in_{}", getpid());
  const fs::path tales = fs::path(HEARTH_SOURCE_DIR) / "models/tales.gguf";
  const auto store = store::ModelStore::open(folder, store::StoreAccess::read_write);
  EXPECT_TRUE(add_built_in_model(store, tales));
  EXPECT_EQ(store.find("tales").name.shown(), "tales:latest");
  EXPECT_FALSE(add_built_in_model(store, tales));

  store.copy(store::parse_model_name("tales"), store::parse_model_name("mine"));
  store.remove(store::parse_model_name("tales"));
  EXPECT_FALSE(add_built_in_model(store, tales));
  EXPECT_FALSE(store.try_find(store::parse_model_name("tales")));
  fs::remove_all(folder);
}

TEST(BuiltInModel, AMissingFileIsAnError) {
  const fs::path folder = fs::temp_directory_path() / fmt::format("hearth_built_in2_{}", getpid());
  const auto store = store::ModelStore::open(folder, store::StoreAccess::read_write);
  EXPECT_THROW(add_built_in_model(store, "/nowhere/x.gguf"), Error);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace hearth::serve
