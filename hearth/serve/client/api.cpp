#include "hearth/serve/client/api.h"

namespace hearth::serve {
namespace {

struct StatusCode {
  int status;
  Errc code;
};
constexpr StatusCode kCodes[] = {
    {400, Errc::invalid_argument},   {401, Errc::invalid_argument}, {403, Errc::invalid_argument},
    {404, Errc::not_found},          {405, Errc::unsupported},      {409, Errc::conflict},
    {413, Errc::resource_exhausted}, {422, Errc::corrupt_data},     {429, Errc::unavailable},
    {499, Errc::unavailable},        {501, Errc::unsupported},      {503, Errc::unavailable},
};

// The text of an error in the form of any of the APIs; empty when `json` tells none.
std::string error_text(const Json& json) {
  if (!json.is_object()) return {};
  const auto error = json.find("error");
  if (error == json.end()) return {};
  if (error->is_string()) return error->get<std::string>();
  if (!error->is_object()) return error->dump();
  const auto message = error->find("message");
  return message != error->end() && message->is_string() ? message->get<std::string>()
                                                         : error->dump();
}

void hand_over(std::string_view line, Api::OnLine on_line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) return;
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded())
    throw Error(Errc::corrupt_data, "the server sent a line that is no JSON: {:.80}", line);
  // The status was sent before this went wrong, so that only the text is left of it.
  const std::string text = error_text(json);
  if (!text.empty()) throw Error(Errc::io_failure, "{}", text);
  on_line(json);
}

}  // namespace

Errc code_of(int status) {
  for (const StatusCode& row : kCodes)
    if (row.status == status) return row.code;
  return status >= 400 && status < 500 ? Errc::invalid_argument : Errc::io_failure;
}

Error error_of(int status, std::string_view body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  std::string text = error_text(json);
  if (text.empty()) text = body.empty() ? fmt::format("status {}", status) : std::string(body);
  return {code_of(status), "{}", text};
}

void JsonLines::feed(std::string_view bytes, Api::OnLine on_line) {
  for (size_t end; (end = bytes.find('\n')) != std::string_view::npos;) {
    open_line_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(open_line_, {});
    hand_over(line, on_line);
  }
  open_line_ += bytes;
  if (open_line_.size() > kLineBytesMax)
    throw Error(Errc::corrupt_data, "the server sent a line of more than {} bytes", kLineBytesMax);
}

void JsonLines::finish(Api::OnLine on_line) {
  const std::string line = std::exchange(open_line_, {});
  hand_over(line, on_line);
}

}  // namespace hearth::serve
