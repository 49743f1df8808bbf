#include "hearth/store/modelfile.h"

#include <algorithm>
#include <functional>

#include "hearth/base/error.h"
#include "hearth/formats/printable.h"
#include "hearth/store/modelfile_text.h"

namespace hearth::store {
namespace {

constexpr std::string_view kRoles[] = {"system", "user", "assistant"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

void read_parameter(ModelfileReader& reader, Modelfile& file) {
  const std::string name(reader.word("a parameter's name"));
  const std::string value = reader.value();
  if (is_retired_parameter(name)) {
    file.retired_parameters.push_back(name);
    return;
  }
  try {
    set_parameter(file.parameters, name, value);
  } catch (const Error& error) {
    reader.fail(error.what());
  }
}

bool is_role(std::string_view text) {
  return std::find(std::begin(kRoles), std::end(kRoles), text) != std::end(kRoles);
}

void read_message(ModelfileReader& reader, Modelfile& file) {
  std::string role = lower(reader.word("a role"));
  if (!is_role(role))
    reader.fail(fmt::format("the role '{}' is not system, user or assistant", role));
  file.messages.push_back({std::move(role), reader.value()});
}

std::string filled_value(ModelfileReader& reader) {
  std::string value = reader.value();
  if (value.empty()) reader.fail("a value is missing");
  return value;
}

struct Instruction {
  std::string_view word;
  void (*read)(ModelfileReader&, Modelfile&);
};

constexpr Instruction kInstructions[] = {
    {"from", [](auto& reader, auto& file) { file.from.push_back(filled_value(reader)); }},
    {"parameter", read_parameter},
    {"template", [](auto& reader, auto& file) { file.template_text = reader.value(); }},
    {"system", [](auto& reader, auto& file) { file.system = reader.value(); }},
    {"adapter", [](auto& reader, auto& file) { file.adapters.push_back(filled_value(reader)); }},
    {"license", [](auto& reader, auto& file) { file.licenses.push_back(reader.value()); }},
    {"message", read_message},
    {"draft", [](auto& reader, auto& file) { file.drafts.push_back(filled_value(reader)); }},
    {"renderer", [](auto& reader, auto& file) { file.renderer = reader.value(); }},
    {"parser", [](auto& reader, auto& file) { file.parser = reader.value(); }},
    {"requires", [](auto& reader, auto& file) { file.requires_version = reader.value(); }},
};

const Instruction* find_instruction(std::string_view word) {
  const std::string name = lower(word);
  for (const Instruction& row : kInstructions)
    if (row.word == name) return &row;
  return nullptr;
}

void print_line(std::string& out, std::string_view instruction, std::string_view value) {
  out += instruction;
  out += ' ';
  out += quote_for_modelfile(instruction, value);
  out += '\n';
}

void print_lines(std::string& out, std::string_view instruction,
                 const std::vector<std::string>& values) {
  for (const std::string& value : values) print_line(out, instruction, value);
}

}  // namespace

Modelfile parse_modelfile(std::string_view text, std::string_view where) {
  ModelfileReader reader(text, where);
  Modelfile file;
  while (reader.skip_to_instruction()) {
    const std::string_view word = reader.word("an instruction");
    const Instruction* instruction = find_instruction(word);
    if (!instruction)
      reader.fail(
          fmt::format("'{}' is none of FROM, PARAMETER, TEMPLATE, SYSTEM, ADAPTER, "
                      "LICENSE, MESSAGE, DRAFT, RENDERER, PARSER, REQUIRES",
                      formats::printable(word)));
    instruction->read(reader, file);
  }
  if (file.from.empty()) reader.fail("no FROM line");
  return file;
}

std::string print_modelfile(const Modelfile& file) {
  std::string out;
  print_lines(out, "FROM", file.from);
  print_lines(out, "ADAPTER", file.adapters);
  print_lines(out, "DRAFT", file.drafts);
  if (file.template_text) print_line(out, "TEMPLATE", *file.template_text);
  if (file.system) print_line(out, "SYSTEM", *file.system);
  for (const auto& [name, value] : file.parameters)
    print_lines(out, "PARAMETER " + name, parameter_texts(value));
  for (const std::string& name : file.retired_parameters) print_line(out, "PARAMETER " + name, "0");
  for (const ModelMessage& message : file.messages) {
    // The role of a stored model is anybody's text, and may hold whole instructions.
    if (!is_role(message.role))
      throw Error(Errc::unsupported, "MESSAGE: the role '{}' is not system, user or assistant",
                  formats::printable(message.role));
    print_line(out, "MESSAGE " + message.role, message.content);
  }
  if (!file.renderer.empty()) print_line(out, "RENDERER", file.renderer);
  if (!file.parser.empty()) print_line(out, "PARSER", file.parser);
  if (!file.requires_version.empty()) print_line(out, "REQUIRES", file.requires_version);
  print_lines(out, "LICENSE", file.licenses);
  return out;
}

}  // namespace hearth::store
