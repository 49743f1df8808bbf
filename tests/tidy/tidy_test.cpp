// The rules of STYLE.md and ARCHITECTURE.md that a machine can check. A failure names file, line
// and rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "hearth/base/files.h"

namespace hearth {
namespace {

const fs::path kRoot = HEARTH_SOURCE_DIR;

struct SourceFile {
  std::string path;  // relative to the root, with '/'
  std::vector<std::string> lines;
  bool is_header() const { return path.ends_with(".h"); }
  bool is_test() const { return path.ends_with("_test.cpp") || path.starts_with("tests/"); }
};

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines(1);
  for (char c : text)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

const std::vector<SourceFile>& sources() {
  static const std::vector<SourceFile> all = [] {
    std::vector<SourceFile> found;
    for (const char* folder : {"hearth", "apps", "bench", "tests"})
      for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
        const std::string extension = entry.path().extension().string();
        if (!entry.is_regular_file() || (extension != ".h" && extension != ".cpp")) continue;
        found.push_back({fs::relative(entry.path(), kRoot).generic_string(),
                         split_lines(read_file(entry.path()))});
      }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return found;
  }();
  return all;
}

// Folder -> the folders it may include, as in ARCHITECTURE.md; cmake/modules.cmake's DEPENDS are
// held against it too. A file belongs to the longest folder that fits.
const std::map<std::string, std::set<std::string>>& allowed_edges() {
  static const std::map<std::string, std::set<std::string>> edges = {
      {"hearth/base", {}},
      {"hearth/compute", {"hearth/base"}},
      {"hearth/formats", {"hearth/base"}},
      {"hearth/store", {"hearth/base", "hearth/formats"}},
      {"hearth/store/registry", {"hearth/base", "hearth/formats", "hearth/store"}},
      {"hearth/llm/tokenizer", {"hearth/base", "hearth/formats"}},
      {"hearth/llm/grammar", {"hearth/base", "hearth/llm/tokenizer"}},
      {"hearth/llm/kernels", {"hearth/base", "hearth/compute", "hearth/formats"}},
      {"hearth/llm/models",
       {"hearth/base", "hearth/compute", "hearth/formats", "hearth/llm/kernels", "hearth/llm"}},
      {"hearth/llm",
       {"hearth/base", "hearth/compute", "hearth/formats", "hearth/llm/tokenizer",
        "hearth/llm/grammar", "hearth/llm/kernels", "hearth/llm/models"}},
      {"hearth/serve/http", {"hearth/base"}},
      {"hearth/serve/auth", {"hearth/base", "hearth/serve/http"}},
      {"hearth/serve/metrics", {"hearth/base"}},
      {"hearth/serve/output", {"hearth/base", "hearth/llm/tokenizer"}},
      {"hearth/serve/schema", {"hearth/base", "hearth/llm/grammar"}},
      {"hearth/serve/engine",
       {"hearth/base", "hearth/compute", "hearth/formats", "hearth/store", "hearth/llm",
        "hearth/llm/tokenizer", "hearth/llm/grammar", "hearth/llm/models", "hearth/serve/output",
        "hearth/serve/schema"}},
      {"hearth/serve/pool",
       {"hearth/base", "hearth/formats", "hearth/store", "hearth/llm", "hearth/serve/engine",
        "hearth/serve/output"}},
      {"hearth/serve/api",
       {"hearth/base", "hearth/store", "hearth/serve/engine", "hearth/serve/pool",
        "hearth/serve/http", "hearth/serve/output"}},
      {"hearth/serve/anthropic",
       {"hearth/base", "hearth/store", "hearth/serve/engine", "hearth/serve/pool",
        "hearth/serve/http", "hearth/serve/output", "hearth/serve/api"}},
      {"hearth/serve/openai",
       {"hearth/base", "hearth/store", "hearth/serve/engine", "hearth/serve/pool",
        "hearth/serve/http", "hearth/serve/output", "hearth/serve/api"}},
      {"hearth/serve/client",
       {"hearth/base", "hearth/store", "hearth/serve/http", "hearth/serve/output"}},
      {"hearth/serve/ollama",
       {"hearth/base", "hearth/formats", "hearth/store", "hearth/serve/engine", "hearth/serve/pool",
        "hearth/serve/http", "hearth/serve/output", "hearth/serve/api"}},
      {"hearth/serve/daemon",
       {"hearth/base", "hearth/store", "hearth/store/registry", "hearth/llm", "hearth/serve/http",
        "hearth/serve/output", "hearth/serve/engine", "hearth/serve/pool", "hearth/serve/api",
        "hearth/serve/client", "hearth/serve/auth", "hearth/serve/metrics", "hearth/serve/ollama",
        "hearth/serve/openai", "hearth/serve/anthropic"}},
      {"hearth/cli",
       {"hearth/base", "hearth/compute", "hearth/formats", "hearth/store", "hearth/llm",
        "hearth/llm/tokenizer", "hearth/llm/kernels", "hearth/llm/models", "hearth/serve/auth",
        "hearth/serve/client", "hearth/serve/daemon", "hearth/serve/engine", "hearth/serve/http",
        "hearth/serve/output"}},
  };
  return edges;
}

std::string folder_of(const std::string& path) {
  std::string best;
  for (const auto& [folder, allowed] : allowed_edges())
    if (path.starts_with(folder + "/") && folder.size() > best.size()) best = folder;
  return best;
}

TEST(Tidy, FoldersIncludeOnlyWhatTheDesignAllows) {
  const std::regex include("^#include \"(hearth/[^\"]+)\"");
  for (const SourceFile& file : sources()) {
    const std::string from = folder_of(file.path);
    if (from.empty()) {
      EXPECT_FALSE(file.path.starts_with("hearth/")) << file.path << ": in no folder of the design";
      continue;
    }
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      EXPECT_TRUE(!file.lines[i].starts_with("#include \"") ||
                  file.lines[i].starts_with("#include \"hearth/"))
          << file.path << ":" << i + 1 << ": includes start at the root";
      if (!std::regex_search(file.lines[i], match, include)) continue;
      const std::string to = folder_of(match[1]);
      // The models' only door upwards is the cache, which the design places in llm/ itself.
      const bool is_cache = from == "hearth/llm/models" && to == "hearth/llm";
      if (is_cache) {
        EXPECT_EQ(match[1], "hearth/llm/kv_cache.h") << file.path << ":" << i + 1;
      }
      // Tests of llm and cli build random models, formats and all.
      if (file.is_test()) continue;
      EXPECT_TRUE(to == from || allowed_edges().at(from).count(to))
          << file.path << ":" << i + 1 << ": " << from << " may not include " << to;
    }
  }
}

// The folder of a module that a CMakeLists.txt names; empty for a test's own library.
std::string folder_of_module(const std::string& name) {
  for (const std::string& folder :
       {"hearth/" + name, "hearth/store/" + name, "hearth/llm/" + name, "hearth/serve/" + name})
    if (allowed_edges().count(folder)) return folder;
  return "";
}

TEST(Tidy, ModulesLinkOnlyWhatTheirFoldersMayInclude) {
  const std::regex module("hearth_module\\(\\s*(\\w+)(?:\\s+JSON)?\\s+DEPENDS\\s+([a-z_ ]+)");
  int modules = 0;
  for (const auto& [folder, allowed] : allowed_edges()) {
    const std::string text = read_file(kRoot / folder / "CMakeLists.txt");
    for (std::sregex_iterator match(text.begin(), text.end(), module), end; match != end; ++match) {
      ++modules;
      std::istringstream names((*match)[2]);
      for (std::string name; names >> name;) {
        const std::string to = folder_of_module(name);
        EXPECT_TRUE(to == folder || allowed.count(to))
            << folder << "/CMakeLists.txt: " << (*match)[1] << " may not depend on " << name;
      }
    }
  }
  EXPECT_GE(modules, 8);  // every folder but base depends on something
}

TEST(Tidy, FilesAndLinesStayWithinTheirLimits) {
  for (const SourceFile& file : sources()) {
    EXPECT_LE(file.lines.size(), 800u) << file.path;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      // Code points, not bytes: a comment may hold a formula.
      const auto columns = std::count_if(file.lines[i].begin(), file.lines[i].end(),
                                         [](char c) { return (c & 0xC0) != 0x80; });
      EXPECT_LE(columns, 100) << file.path << ":" << i + 1;
    }
  }
}

bool starts_function(const std::string& line) {
  static const std::regex control(
      "^\\s*(\\}|(if|for|while|switch|else|do|catch|return|namespace|"
      "struct|class|enum|union|case|default|using|constexpr "
      "\\w+ k[A-Z]\\w*)\\b)");
  static const std::regex opens("\\)[^;=\\[\\]]*\\{$");
  static const std::regex lambda("\\[[^\\]]*\\]\\s*\\(");
  return std::regex_search(line, opens) && !std::regex_search(line, control) &&
         !std::regex_search(line, lambda);
}

size_t indent_of(const std::string& line) { return line.find_first_not_of(' '); }

// The line of the brace that closes the block which `first` opens: sources are formatted, so it
// stands alone at the indentation of the line that began the declaration.
size_t closing_line(const SourceFile& file, size_t first) {
  size_t begin = first;  // a declaration may span lines; its first line has the least indentation
  while (begin > 0 && indent_of(file.lines[begin]) != std::string::npos &&
         indent_of(file.lines[begin]) > 2 && !file.lines[begin - 1].empty() &&
         file.lines[begin - 1].find_first_of(";{}") == std::string::npos)
    --begin;
  const std::string closing = std::string(indent_of(file.lines[begin]), ' ') + "}";
  for (size_t i = first + 1; i < file.lines.size(); ++i)
    if (file.lines[i].starts_with(closing)) return i;
  return first;
}

bool explains_its_length(const SourceFile& file, size_t line) {
  for (size_t back = 1; back <= 15 && back <= line; ++back) {
    const std::string& text = file.lines[line - back];
    if (text.find("Long because") != std::string::npos) return true;
    if (text == "}") return false;
  }
  return false;
}

TEST(Tidy, FunctionsStayWithinSeventyLines) {
  for (const SourceFile& file : sources())
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (!starts_function(file.lines[i])) continue;
      const size_t length = closing_line(file, i) - i + 1;
      // A kernel or a table-like switch may be longer when the comment above it says why.
      const size_t limit = explains_its_length(file, i) ? 150 : 70;
      EXPECT_LE(length, limit) << file.path << ":" << i + 1 << ": split it, or say above it "
                               << "\"Long because …\" (a kernel or a table, at most 150 lines)";
    }
}

TEST(Tidy, NamesAvoidWordsThatSayNothing) {
  const std::regex banned("(^|_)(utils?|common|helpers?|misc|manager|core|task|entity)(_|\\.|$)");
  const std::regex type("^\\s*(?:class|struct|enum class|namespace) (\\w+)");
  const std::regex banned_type("(Util|Common|Helper|Misc|Manager|Task|Entity)|^Core$");
  for (const SourceFile& file : sources()) {
    const std::string stem = fs::path(file.path).filename().string();
    EXPECT_FALSE(std::regex_search(stem, banned)) << file.path;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, type)) continue;
      const std::string name = match[1];
      EXPECT_FALSE(std::regex_search(name, banned_type))
          << file.path << ":" << i + 1 << ": " << name;
    }
  }
}

TEST(Tidy, HeadersGuardThemselvesAndOpenNoNamespace) {
  for (const SourceFile& file : sources()) {
    if (!file.is_header()) continue;
    const auto has = [&](std::string_view text) {
      return std::any_of(file.lines.begin(), file.lines.end(),
                         [&](const std::string& line) { return line.starts_with(text); });
    };
    EXPECT_TRUE(has("#pragma once")) << file.path;
    EXPECT_FALSE(has("using namespace")) << file.path;
    EXPECT_TRUE(file.lines.front().starts_with("// "))
        << file.path << ": begins with why it exists";
  }
}

TEST(Tidy, LibrariesNeverPrintOrExitAndNothingIsLeftForLater) {
  const std::regex prints(
      "\\b(std::c(out|err|log)\\b|f?printf\\(|f?puts\\(|putchar\\(|fmt::print|_?exit\\(|abort\\()");
  const std::regex later("\\b(TODO|FIXME|XXX)\\b");
  for (const SourceFile& file : sources()) {
    if (file.path == "tests/tidy/tidy_test.cpp") continue;
    const bool is_library = file.path.starts_with("hearth/") && !file.is_test() &&
                            !file.path.starts_with("hearth/cli/") &&
                            file.path != "hearth/base/error.cpp";
    for (size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], later)) << file.path << ":" << i + 1;
      EXPECT_FALSE(is_library && std::regex_search(file.lines[i], prints))
          << file.path << ":" << i + 1;
    }
  }
}

TEST(Tidy, MacrosAreFew) {
  const std::regex define("^#define (\\w+)");
  std::set<std::string> names;
  for (const SourceFile& file : sources())
    for (const std::string& line : file.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, define)) continue;
      names.insert(match[1]);
      EXPECT_TRUE(match[1].str().starts_with("HEARTH_")) << file.path << ": " << match[1];
    }
  EXPECT_LT(names.size(), 10u);
}

TEST(Tidy, EveryFolderExplainsItselfOnOnePage) {
  for (const auto& [folder, allowed] : allowed_edges()) {
    const fs::path readme = kRoot / folder / "README.md";
    ASSERT_TRUE(fs::exists(readme)) << folder << " has no README.md";
    EXPECT_LE(split_lines(read_file(readme)).size(), 60u) << readme;
  }
}

}  // namespace
}  // namespace hearth
