#include "hearth/store/registry/auth_challenge.h"

#include <nlohmann/json.hpp>

#include "hearth/base/error.h"
#include "hearth/store/json_object.h"

namespace hearth::store {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~/").find(c) != std::string_view::npos;
}

/// Reads the header from left to right; never beyond its end.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool is_at_end() const { return at_ == text_.size(); }
  void skip(std::string_view chars) {
    while (!is_at_end() && chars.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  void step() { ++at_; }
  bool take(char c) {
    if (is_at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string token() {
    std::string token;
    while (!is_at_end() && is_token_char(text_[at_])) token += lower(text_[at_++]);
    return token;
  }
  /// A token as it stands, or the text between quotes.
  std::string value() {
    std::string value;
    if (!take('"')) {
      while (!is_at_end() && is_token_char(text_[at_])) value += text_[at_++];
      return value;
    }
    while (!is_at_end() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_++];
    }
    take('"');
    return value;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

std::vector<std::string> split_scopes(std::string_view text) {
  std::vector<std::string> scopes(1);
  for (const char c : text)
    if (c == ' ')
      scopes.emplace_back();
    else
      scopes.back() += c;
  std::erase(scopes, "");
  return scopes;
}

}  // namespace

std::optional<AuthChallenge> try_bearer_challenge(std::string_view header) {
  Reader reader(header);
  std::string scheme;
  AuthChallenge challenge;
  while (!reader.is_at_end()) {
    reader.skip(" \t,");
    const std::string word = reader.token();
    if (word.empty()) {
      if (!reader.is_at_end()) reader.step();  // what belongs to no challenge is passed over
      continue;
    }
    reader.skip(" \t");
    if (!reader.take('=')) {  // no parameter: the next challenge begins
      if (!challenge.realm.empty()) return challenge;
      scheme = word;
      continue;
    }
    reader.skip(" \t");
    const std::string value = reader.value();
    if (scheme != "bearer") continue;
    if (word == "realm") challenge.realm = value;
    if (word == "service") challenge.service = value;
    if (word == "scope") challenge.scopes = split_scopes(value);
  }
  if (challenge.realm.empty()) return std::nullopt;
  return challenge;
}

bool has_basic_challenge(std::string_view header) {
  Reader reader(header);
  while (!reader.is_at_end()) {
    reader.skip(" \t,");
    const std::string word = reader.token();
    if (word.empty()) {
      if (!reader.is_at_end()) reader.step();
      continue;
    }
    reader.skip(" \t");
    if (reader.take('=')) {
      reader.skip(" \t");
      reader.value();  // what stands in quotes is no scheme
    } else if (word == "basic") {
      return true;
    }
  }
  return false;
}

std::string parse_token(std::string_view text) {
  const nlohmann::json json = parse_json(text, "answer of the token server");
  const JsonObject object(json, "answer of the token server");
  std::string token = object.try_string("token").value_or("");
  if (token.empty()) token = object.string("access_token");
  // Anything else could end the header that the token is sent in.
  for (const char c : token)
    if (c <= 0x20 || c >= 0x7F)
      throw Error(Errc::corrupt_data, "answer of the token server: no characters of a token");
  return token;
}

}  // namespace hearth::store
