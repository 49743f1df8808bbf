// How long a model stays loaded, as requests write it.
#pragma once
#include <optional>
#include <string_view>

#include "hearth/serve/api/json_fields.h"
#include "hearth/serve/pool/model_service.h"

namespace hearth::serve {

/// A duration in Go's syntax: "5m", "1h30m", "-1m", "1.5s", "0"; units ns, us, µs, ms, s, m, h
/// (https://pkg.go.dev/time#ParseDuration). Nothing for any other text. What passes 292 years
/// stays there.
std::optional<KeepAlive> parse_duration(std::string_view text);

/// The field `keep_alive`: seconds as a number, or a duration as above; negative is for ever.
/// Errors: FieldError.
std::optional<KeepAlive> read_keep_alive(const Fields& body);

}  // namespace hearth::serve
