#include "hearth/store/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearth/store/store_folder_for_test.h"

namespace hearth::store {
namespace {

using testing::HasSubstr;

const std::string kHexA(64, 'a'), kHexB(64, 'b');

std::string manifest_json(std::string_view layers) {
  return R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",)"
         R"("config":{"mediaType":"application/vnd.docker.container.image.v1+json",)"
         R"("digest":"sha256:)" +
         kHexA + R"(","size":485},"layers":)" + std::string(layers) + "}";
}

std::string layer_json(std::string_view kind, std::string_view size) {
  return fmt::format(
      R"({{"mediaType":"application/vnd.ollama.image.{}","digest":"sha256:{}","size":{}}})", kind,
      kHexB, size);
}

TEST(Manifest, LayersCarryKindDigestAndSize) {
  const Manifest manifest = parse_manifest(
      manifest_json("[" + layer_json("model", "4661211424") + "," + layer_json("params", "2") +
                    "," + layer_json("tensor", "7") + "]"),
      "m");
  EXPECT_EQ(manifest.config.digest.hex(), kHexA);
  EXPECT_EQ(manifest.config.size_bytes, 485u);
  ASSERT_EQ(manifest.layers.size(), 3u);
  EXPECT_EQ(manifest.layers[0].kind(), LayerKind::model);
  EXPECT_EQ(manifest.layers[0].digest.hex(), kHexB);
  EXPECT_EQ(manifest.layers[2].kind(), LayerKind::other);
  EXPECT_EQ(manifest.find(LayerKind::params), &manifest.layers[1]);
  EXPECT_EQ(manifest.find(LayerKind::adapter), nullptr);
  EXPECT_EQ(manifest.size_bytes(), 4661211424u + 485 + 2 + 7);
}

TEST(Manifest, IsPrintedByteForByteAsItWasRead) {
  const std::string text = manifest_json("[" + layer_json("model", "5") + "]");
  EXPECT_EQ(print_manifest(parse_manifest(text, "m")), text);
  Manifest manifest = parse_manifest(text, "m");
  manifest.layers[0].from = "registry.ollama.ai/library/base:latest";
  manifest.layers[0].name = "blk.0.weight";
  EXPECT_EQ(parse_manifest(print_manifest(manifest), "m"), manifest);
}

TEST(Manifest, EveryKindHasAMediaTypeThatIsReadBack) {
  for (const LayerKind kind :
       {LayerKind::model, LayerKind::projector, LayerKind::adapter, LayerKind::template_,
        LayerKind::prompt, LayerKind::system, LayerKind::params, LayerKind::messages,
        LayerKind::license, LayerKind::embed}) {
    Layer layer;
    layer.media_type = media_type(kind);
    EXPECT_EQ(layer.kind(), kind) << layer.media_type;
  }
  EXPECT_EQ(media_type(LayerKind::template_), "application/vnd.ollama.image.template");
}

TEST(Manifest, AnErrorNamesFileAndField) {
  const auto parse = [](std::string text) {
    return message_of([&] { parse_manifest(text, "dir/latest"); });
  };
  EXPECT_THAT(parse("{"), HasSubstr("dir/latest: "));
  EXPECT_EQ(parse("[]"), "dir/latest: not a JSON object");
  EXPECT_EQ(parse("{}"), "dir/latest: 'schemaVersion': missing");
  EXPECT_EQ(parse(R"({"schemaVersion":1})"), "dir/latest: 'schemaVersion': 1, only 2 is known");
  EXPECT_EQ(parse(R"({"schemaVersion":2})"), "dir/latest: 'config': missing");
  EXPECT_EQ(parse(R"({"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:../x"}})"),
            "dir/latest: 'config': 'digest': 'sha256:../x' is not sha256: and 64 hexadecimal "
            "digits");
  EXPECT_EQ(parse(manifest_json("{}")), "dir/latest: 'layers': not a list");
  EXPECT_EQ(parse(manifest_json("[3]")), "dir/latest: 'layers[0]': not a JSON object");
  EXPECT_EQ(parse(manifest_json("[" + layer_json("model", "-1") + "]")),
            "dir/latest: 'layers[0]': 'size': not an integer of at least 0");
  EXPECT_EQ(parse(manifest_json("[" + layer_json("model", "18446744073709551615") + "]")),
            "dir/latest: 'size': more than 2^62 bytes in all");
  EXPECT_THAT(parse(std::string(100'000, '[')), HasSubstr("nested deeper than 64"));
}

}  // namespace
}  // namespace hearth::store
