// map, select, reject, selectattr, rejectattr: filters that apply another filter or a test to every
// item.
#include "hearth/llm/tokenizer/jinja/attribute_path.h"
#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"

namespace hearth::llm::jinja {
namespace {

std::string_view name_argument(Call& call, size_t index) {
  const Value& name = call.raw.positional[index];
  if (!name.is_text())
    call.rt.fail("{} needs a name as text, not {}", call.builtin.name, type_name(name));
  return name.as_text();
}

ArgumentValues arguments_after(Call& call, size_t count) {
  ArgumentValues rest;
  rest.positional.assign(call.raw.positional.begin() + static_cast<ptrdiff_t>(count),
                         call.raw.positional.end());
  rest.named = call.raw.named;
  return rest;
}

Value map_attribute(Call& call) {
  Value path, otherwise;
  for (const auto& [name, value] : call.raw.named) {
    if (name == "attribute")
      path = value;
    else if (name == "default")
      otherwise = value;
    else
      call.rt.fail("Unexpected keyword argument '{}'", name);
  }
  if (path.is_none()) call.rt.fail("map requires a filter argument");
  std::vector<Value> mapped;
  for (const Value& item : iterate(call.rt, call.subject))
    call.rt.push(mapped, follow_path(call.rt, item, path, otherwise));
  return call.rt.generator(std::move(mapped));
}

Value filter_map(Call& call) {
  const Runtime::Depth depth(call.rt);
  if (!is_true(call.subject)) return call.rt.generator({});  // None too: Jinja looks no further
  if (call.raw.positional.empty()) return map_attribute(call);
  const Builtin* filter = find_filter(name_argument(call, 0));
  if (filter == nullptr)
    call.rt.fail_with(Errc::unsupported,
                      fmt::format("no filter named '{}'", name_argument(call, 0)));
  const ArgumentValues arguments = arguments_after(call, 1);
  std::vector<Value> mapped;
  for (const Value& item : iterate(call.rt, call.subject))
    call.rt.push(mapped, invoke(call.rt, *filter, item, arguments));
  return call.rt.generator(std::move(mapped));
}

// Keeps the items for which the test (truth, when none is named) of the item or its attribute gives
// `kKept`.
template <bool kKept, bool kByAttribute>
Value filter_select(Call& call) {
  if (!is_true(call.subject)) return call.rt.generator({});  // None too: Jinja looks no further
  const auto& arguments = call.raw.positional;
  if (kByAttribute && arguments.empty()) call.rt.fail("Missing parameter for attribute name");
  constexpr size_t kTestAt = kByAttribute ? 1 : 0;
  const Builtin* test = nullptr;
  ArgumentValues test_arguments;
  if (arguments.size() > kTestAt) {
    test = find_test(name_argument(call, kTestAt));
    if (test == nullptr)
      call.rt.fail_with(Errc::unsupported,
                        fmt::format("no test named '{}'", name_argument(call, kTestAt)));
    test_arguments = arguments_after(call, kTestAt + 1);
  }
  std::vector<Value> kept;
  for (const Value& item : iterate(call.rt, call.subject)) {
    const Value tested = kByAttribute ? follow_path(call.rt, item, arguments[0]) : item;
    const bool holds = is_true(test ? invoke(call.rt, *test, tested, test_arguments) : tested);
    if (holds == kKept) call.rt.push(kept, item);
  }
  return call.rt.generator(std::move(kept));
}

constexpr Builtin kSelectionFilters[] = {
    {.name = "map", .run = filter_map, .variadic = true},
    {.name = "select", .run = filter_select<true, false>, .variadic = true},
    {.name = "reject", .run = filter_select<false, false>, .variadic = true},
    {.name = "selectattr", .run = filter_select<true, true>, .variadic = true},
    {.name = "rejectattr", .run = filter_select<false, true>, .variadic = true},
};

}  // namespace

std::span<const Builtin> selection_filters() { return kSelectionFilters; }

}  // namespace hearth::llm::jinja
