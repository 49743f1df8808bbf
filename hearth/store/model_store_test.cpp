#include "hearth/store/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

ModelName name(std::string_view text) { return parse_model_name(text); }

std::vector<std::string> names_of(const StoreListing& listing) {
  std::vector<std::string> names;
  for (const StoredModel& model : listing.models) names.push_back(model.name.shown());
  return names;
}

std::vector<std::string> contents_of(const ModelStore& store) {
  std::vector<std::string> texts;
  for (const Digest& digest : store.blobs().list()) texts.push_back(store.blobs().read(digest, 99));
  return texts;
}

// The bytes are what `ollama create` writes; the digests are sha256sum's.
void write_ollama_store(const StoreFolder& folder) {
  folder.write(
      "models/blobs/sha256-44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "{}");
  folder.write(
      "models/blobs/sha256-2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
      "hello");
  folder.write(
      "models/manifests/registry.ollama.ai/library/Tiny/1B",
      R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2)"
      R"(+json","config":{"mediaType":"application/vnd.docker.container.image.v1+json",)"
      R"("digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a)"
      R"(","size":2},"layers":[{"mediaType":"application/vnd.ollama.image.system",)"
      R"("digest":"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824)"
      R"(","size":5}]})");
}
constexpr std::string_view kTinyDigest =
    "cc8773599eb94958880f57ce825a7366f68e7d692be9f33c34876ec70f53e993";

TEST(ModelStore, AStoreOfOllamaIsReadAsItIs) {
  const StoreFolder folder("ollama");
  write_ollama_store(folder);
  const std::vector<std::string> before = files_below(folder.path());
  const ModelStore store = folder.open(StoreAccess::read_only);
  const StoreListing listing = store.list();
  ASSERT_THAT(names_of(listing), ElementsAre("Tiny:1B"));
  EXPECT_THAT(listing.broken, IsEmpty());
  const StoredModel& model = listing.models[0];
  EXPECT_EQ(model.digest.hex(), kTinyDigest);
  EXPECT_EQ(model.size_bytes, 7u);
  EXPECT_EQ(store.read(*model.manifest.find(LayerKind::system)), "hello");
  EXPECT_THAT(store.verify(model, kNoProgress), IsEmpty());
  EXPECT_THAT(files_below(folder.path()), testing::UnorderedElementsAreArray(before));
}

TEST(ModelStore, AStoreOfOllamaCanBeWrittenTo) {
  const StoreFolder folder("ollama-write");
  write_ollama_store(folder);
  const ModelStore store = folder.open();
  EXPECT_EQ(store.copy(name("tiny:1b"), name("ada/copy")).digest.hex(), kTinyDigest);
  EXPECT_EQ(store.remove(name("TINY:1b")).files_removed, 0u);  // the copy needs both blobs
  EXPECT_THAT(names_of(store.list()), ElementsAre("ada/copy:latest"));
  EXPECT_EQ(read_file(folder.models() / "manifests/registry.ollama.ai/ada/copy/latest").size(),
            405u);
  EXPECT_FALSE(fs::exists(folder.models() / "manifests/registry.ollama.ai/library"));
}

TEST(ModelStore, ModelsAreFoundInAnyCaseAndByTheirDigest) {
  const StoreFolder folder("find");
  write_ollama_store(folder);
  const ModelStore store = folder.open();
  EXPECT_EQ(store.find("tiny:1b").name.shown(), "Tiny:1B");
  EXPECT_EQ(store.find("Tiny:1B").name.shown(), "Tiny:1B");
  EXPECT_EQ(store.find(kTinyDigest.substr(0, 12)).name.shown(), "Tiny:1B");
  EXPECT_EQ(store.find("sha256:" + std::string(kTinyDigest.substr(0, 4))).name.shown(), "Tiny:1B");
  EXPECT_EQ(store.try_find(name("other")), std::nullopt);
  EXPECT_EQ(message_of([&] { store.find("other"); }), "model 'other' not found");
  EXPECT_EQ(message_of([&] { store.find(kTinyDigest.substr(0, 3)); }),
            fmt::format("model '{}' not found", kTinyDigest.substr(0, 3)));
  EXPECT_EQ(code_of([&] { store.find("sha256:0000"); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { store.find("../../etc"); }), Errc::invalid_argument);
  store.copy(name("tiny:1b"), name("copy"));  // one digest, two names: either is the model
  EXPECT_EQ(store.find(kTinyDigest).digest.hex(), kTinyDigest);
}

TEST(ModelStore, DigitsOfTwoModelsAreAnError) {
  const StoreFolder folder("ambiguous");
  const ModelStore store = folder.open();
  // 65,537 possible beginnings of four digits: among 600 models two share one (birthday bound).
  std::map<std::string, std::string> seen;
  std::string shared;
  for (int i = 0; shared.empty(); ++i) {
    ASSERT_LT(i, 5000);
    const StoredModel model = add_model(store, fmt::format("m{}", i), {fmt::format("{}", i)});
    const std::string digits = model.digest.hex().substr(0, 4);
    if (!seen.emplace(digits, model.name.shown()).second) shared = digits;
  }
  EXPECT_THAT(message_of([&] { store.find("sha256:" + shared); }),
              HasSubstr("'" + shared + "' begins the digests of "));
}

TEST(ModelStore, TheNewestModelIsListedFirst) {
  const StoreFolder folder("order");
  const ModelStore store = folder.open();
  for (const char* model : {"a", "c", "b"}) add_model(store, model, {model});
  const auto set_age = [&](const std::string& model, int seconds) {
    fs::last_write_time(folder.models() / "manifests/registry.ollama.ai/library" / model / "latest",
                        fs::file_time_type::clock::now() - std::chrono::seconds(seconds));
  };
  set_age("a", 20);
  set_age("c", 10);
  set_age("b", 30);
  const StoreListing listing = store.list();
  EXPECT_THAT(names_of(listing), ElementsAre("c:latest", "a:latest", "b:latest"));
  const auto age = std::chrono::system_clock::now() - listing.models[2].modified;
  EXPECT_GE(age, std::chrono::seconds(29));
  EXPECT_LE(age, std::chrono::seconds(90));
}

TEST(ModelStore, RemovingTakesTheBlobsThatNobodyElseNames) {
  const StoreFolder folder("remove");
  const ModelStore store = folder.open();
  add_model(store, "a", {"shared", "only a"});
  add_model(store, "b", {"shared"});
  const RemoveReport report = store.remove(name("a"));
  EXPECT_EQ(report.files_removed, 1u);
  EXPECT_EQ(report.freed_bytes, 6u);
  EXPECT_EQ(report.kept_because, "");
  EXPECT_THAT(contents_of(store), UnorderedElementsAre("{}", "shared"));
  EXPECT_EQ(message_of([&] { store.remove(name("a")); }), "model 'a:latest' not found");
  store.remove(name("b"));
  EXPECT_THAT(contents_of(store), IsEmpty());
  EXPECT_THAT(files_below(folder.models()), ElementsAre(".hearth.lock"));
}

TEST(ModelStore, ABrokenManifestHidesNoOtherModel) {
  const StoreFolder folder("broken");
  const ModelStore store = folder.open();
  add_model(store, "good", {"text"});
  add_model(store, "gone", {"other"});
  const fs::path file = folder.write("models/manifests/registry.ollama.ai/library/bad/latest",
                                     R"({"schemaVersion":2})");
  folder.write("models/manifests/registry.ollama.ai/library/good/.hidden", "");
  folder.write("models/manifests/registry.ollama.ai/li.brary/m/t", "");
  const StoreListing listing = store.list();
  EXPECT_THAT(names_of(listing), UnorderedElementsAre("good:latest", "gone:latest"));
  ASSERT_EQ(listing.broken.size(), 2u);
  EXPECT_EQ(listing.broken[1].message, file.string() + ": 'config': missing");
  EXPECT_THAT(listing.broken[0].message, HasSubstr("namespace 'li.brary'"));
  EXPECT_EQ(message_of([&] { store.find("bad"); }), file.string() + ": 'config': missing");
  EXPECT_EQ(store.find("good").name.shown(), "good:latest");

  // It may name any blob, so none goes while it is there; it can be removed itself.
  EXPECT_THAT(store.remove(name("gone")).kept_because, HasSubstr("another manifest is broken"));
  EXPECT_THAT(contents_of(store), UnorderedElementsAre("{}", "text", "other"));
  EXPECT_EQ(code_of([&] { store.prune({}); }), Errc::conflict);
  EXPECT_THAT(store.remove(name("bad")).kept_because, HasSubstr("could not be read"));
  fs::remove_all(folder.models() / "manifests/registry.ollama.ai/li.brary");
  EXPECT_EQ(store.prune({}).files_removed, 1u);
  EXPECT_THAT(contents_of(store), UnorderedElementsAre("{}", "text"));
}

TEST(ModelStore, PruneTakesWhatNoManifestNames) {
  const StoreFolder folder("prune");
  const ModelStore store = folder.open();
  add_model(store, "a", {"text"});
  store.blobs().add_text("orphan");
  folder.write("models/blobs/partial-1-2", "xyz");
  folder.write("models/manifests/partial-1-3", "xyz");
  folder.write("models/blobs/partial-1-4/files/a", "xyz");
  fs::create_symlink(folder.models(), folder.models() / "blobs/partial-1-4/link");
  const std::string download = "models/blobs/sha256-" + sha256("z").hex() + "-partial";
  folder.write(download, "x");
  folder.write(download + "-12", "x");
  folder.write("models/blobs/notes.txt", "mine");
  const RemoveReport report = store.prune({});
  EXPECT_EQ(report.files_removed, 5u);
  EXPECT_GE(report.freed_bytes, 15u);
  EXPECT_FALSE(fs::exists(folder.models() / "blobs/partial-1-4"));
  EXPECT_TRUE(fs::exists(folder.path() / download));
  EXPECT_EQ(store.prune({.downloads = true}).files_removed, 2u);
  EXPECT_TRUE(fs::exists(folder.models() / "blobs/notes.txt"));
  EXPECT_THAT(contents_of(store), UnorderedElementsAre("{}", "text"));
}

TEST(ModelStore, AYoungBlobMayBeOfAModelThatIsStillBeingMade) {
  const StoreFolder folder("young");
  const ModelStore store = folder.open();
  const fs::path blob = store.blobs().path(store.blobs().add_text("orphan").digest);
  // Old content under a new name, as a hard link has it.
  fs::last_write_time(blob, fs::file_time_type::clock::now() - std::chrono::hours(100));
  EXPECT_EQ(store.prune({.young = std::chrono::hours(1)}).files_removed, 0u);
  EXPECT_EQ(store.prune({.young = std::chrono::hours(-1)}).files_removed, 1u);
}

TEST(ModelStore, NoBlobGoesWhileSomebodyAdds) {
  const StoreFolder folder("adding");
  const ModelStore store = folder.open();
  add_model(store, "a", {"text"});
  {
    const StoreWriter writer(store);
    const Layer layer = writer.add_text(LayerKind::system, "text");  // what "a" has too
    EXPECT_EQ(code_of([&] { store.prune({}); }), Errc::unavailable);
    EXPECT_EQ(store.remove(name("a")).kept_because, "a model is being added");
    Manifest manifest;
    manifest.config = writer.add_config("{}");
    manifest.layers = {layer};
    writer.commit(name("b"), manifest);
  }
  EXPECT_THAT(store.verify(store.find("b"), kNoProgress), IsEmpty());
  EXPECT_EQ(store.prune({}).files_removed, 0u);
}

TEST(ModelStore, AManifestNeedsItsBlobs) {
  const StoreFolder folder("incomplete");
  const ModelStore store = folder.open();
  const StoreWriter writer(store);
  Manifest manifest;
  manifest.config = writer.add_config("{}");
  manifest.layers = {writer.add_text(LayerKind::system, "text")};
  manifest.layers[0].size_bytes = 5;
  EXPECT_THAT(message_of([&] { writer.commit(name("m"), manifest); }),
              HasSubstr("4 bytes, the manifest says 5"));
  manifest.layers[0].digest = sha256("other");
  EXPECT_THAT(message_of([&] { writer.commit(name("m"), manifest); }), HasSubstr("missing"));
  EXPECT_EQ(store.try_find(name("m")), std::nullopt);
}

TEST(ModelStore, FoldersAreNeverTakenForFilesToRemove) {
  const StoreFolder folder("folders");
  const ModelStore store = folder.open();
  // Valid names whose folders look like what an interrupted writer leaves.
  add_model(store, "partial-host/ada/m", {"text"});
  fs::create_directories(store.blobs().path(sha256("a folder")));
  fs::create_directories(store.blobs().folder() / "partial-1-1");
  EXPECT_EQ(store.prune({}).files_removed, 0u);
  EXPECT_THAT(names_of(store.list()), ElementsAre("partial-host/ada/m:latest"));
}

TEST(ModelStore, ALinkToABlobElsewhereIsReadAndOnlyTheLinkIsRemoved) {
  const StoreFolder folder("link");
  const ModelStore store = folder.open();
  const StoredModel model = add_model(store, "m", {"on another disk"});
  const fs::path blob = store.blobs().path(model.manifest.layers[0].digest);
  const fs::path elsewhere = folder.path() / "elsewhere";
  fs::rename(blob, elsewhere);
  fs::create_symlink(elsewhere, blob);
  EXPECT_THAT(store.verify(model, kNoProgress), IsEmpty());
  const RemoveReport report = store.remove(name("m"));
  EXPECT_EQ(report.files_removed, 2u);
  EXPECT_EQ(report.freed_bytes, 2u);  // the config "{}"; the text itself stays
  EXPECT_FALSE(fs::is_symlink(blob));
  EXPECT_EQ(read_file(elsewhere), "on another disk");
}

TEST(ModelStore, ALinkThatLeadsNowhereIsPrunedToo) {
  const StoreFolder folder("dangling");
  const ModelStore store = folder.open();
  fs::create_symlink(folder.path() / "gone", store.blobs().path(sha256("gone")));
  EXPECT_EQ(store.prune({}).files_removed, 1u);
  EXPECT_THAT(store.blobs().list(), IsEmpty());
}

TEST(ModelStore, GivenBlobsGoUnlessAManifestNamesThem) {
  const StoreFolder folder("unnamed");
  const ModelStore store = folder.open();
  const StoredModel model = add_model(store, "m", {"named"});
  const Digest unnamed = store.blobs().add_text("unnamed").digest;
  const Digest other = store.blobs().add_text("another").digest;
  const RemoveReport report =
      store.remove_unnamed({{unnamed, model.manifest.layers[0].digest, sha256("not there")}});
  EXPECT_EQ(report.files_removed, 1u);
  EXPECT_EQ(report.freed_bytes, 7u);
  EXPECT_THAT(contents_of(store), UnorderedElementsAre("{}", "named", "another"));
  const StoreWriter writer(store);
  EXPECT_EQ(store.remove_unnamed({{other}}).kept_because, "a model is being added");
}

TEST(ModelStore, VerifyFindsDamageAndReportsProgress) {
  const StoreFolder folder("verify");
  const ModelStore store = folder.open();
  const StoredModel model = add_model(store, "a", {"first", "second", "third"});
  folder.write("models/blobs/sha256-" + sha256("second").hex(), "sEcond");
  fs::remove(store.blobs().path(sha256("third")));
  uint64_t last_bytes = 0;
  const auto damaged = store.verify(model, [&](uint64_t done_bytes, uint64_t total_bytes) {
    EXPECT_GT(done_bytes, last_bytes);
    EXPECT_EQ(total_bytes, 2u + 5 + 6 + 5);
    last_bytes = done_bytes;
  });
  ASSERT_EQ(damaged.size(), 2u);
  EXPECT_THAT(damaged[0].message, HasSubstr("damaged"));
  EXPECT_EQ(damaged[1].layer.digest, sha256("third"));
  EXPECT_EQ(last_bytes, 13u);
  const auto cancel = [](uint64_t, uint64_t) { throw Error(Errc::unavailable, "stop"); };
  EXPECT_EQ(code_of([&] { store.verify(model, cancel); }), Errc::unavailable);
}

TEST(ModelStore, AReadOnlyStoreRefusesToWrite) {
  const StoreFolder folder("read-only");
  EXPECT_EQ(code_of([&] { folder.open(StoreAccess::read_only); }), Errc::not_found);
  add_model(folder.open(), "a", {"text"});
  const ModelStore store = folder.open(StoreAccess::read_only);
  EXPECT_EQ(code_of([&] { store.copy(name("a"), name("b")); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { store.remove(name("a")); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { store.prune({}); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { StoreWriter writer(store); }), Errc::invalid_argument);
  EXPECT_THAT(names_of(store.list()), ElementsAre("a:latest"));
}

TEST(ModelStore, CopyingReplacesAndKeepsTheStoredCase) {
  const StoreFolder folder("copy");
  const ModelStore store = folder.open();
  const StoredModel a = add_model(store, "A", {"text"});
  add_model(store, "B", {"other"});
  EXPECT_EQ(store.copy(name("a"), name("b")).name.shown(), "B:latest");
  EXPECT_EQ(store.find("B").digest, a.digest);
  EXPECT_EQ(store.list().models.size(), 2u);
  EXPECT_EQ(message_of([&] { store.copy(name("none"), name("b")); }),
            "model 'none:latest' not found");
}

TEST(ModelStore, ThreadsMayAddAndRemoveAtOnce) {
  const StoreFolder folder("threads");
  const ModelStore store = folder.open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string own = fmt::format("host/space/m:{}", t);
        add_model(store, own, {"shared", own});
        if (i % 2) store.remove(name(own));
        store.list();
      }
    });
  for (std::thread& thread : threads) thread.join();
  const StoreListing listing = store.list();
  EXPECT_EQ(listing.models.size(), 4u);  // the 25th addition stays
  EXPECT_THAT(listing.broken, IsEmpty());
  for (const StoredModel& model : listing.models)
    EXPECT_THAT(store.verify(model, kNoProgress), IsEmpty());
  store.prune({});
  EXPECT_EQ(store.blobs().list().size(), 6u);  // config, "shared", four of their own
}

}  // namespace
}  // namespace hearth::store
