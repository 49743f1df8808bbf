#include "hearth/base/error.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>

namespace hearth {
namespace {

struct CodeRow {
  Errc code;
  std::string_view name;
  int exit_status;
};

constexpr CodeRow kCodes[] = {
    {Errc::invalid_argument, "invalid_argument", 2},
    {Errc::not_found, "not_found", 3},
    {Errc::conflict, "conflict", 4},
    {Errc::corrupt_data, "corrupt_data", 5},
    {Errc::unsupported, "unsupported", 6},
    {Errc::resource_exhausted, "resource_exhausted", 7},
    {Errc::unavailable, "unavailable", 8},
    {Errc::io_failure, "io_failure", 9},
    {Errc::too_long, "too_long", 10},
};

constexpr bool rows_stand_in_the_order_of_errc() {
  for (size_t i = 0; i < std::size(kCodes); ++i)
    if (static_cast<size_t>(kCodes[i].code) != i) return false;
  return true;
}
static_assert(rows_stand_in_the_order_of_errc(), "row() takes the code as the index");

const CodeRow& row(Errc code) { return kCodes[static_cast<size_t>(code)]; }

}  // namespace

std::string_view name(Errc code) { return row(code).name; }
int exit_status(Errc code) { return row(code).exit_status; }

void detail::check_failed(const char* expression, const char* file, int line) {
  // The one place that prints from a library: after this there is no one left to report to.
  std::fprintf(stderr, "hearth: bug at %s:%d: %s does not hold; please report this\n", file, line,
               expression);
  std::abort();
}

}  // namespace hearth
