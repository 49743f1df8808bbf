// The functions every template sees.
#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"
#include "hearth/llm/tokenizer/jinja/strftime.h"

namespace hearth::llm::jinja {
namespace {

constexpr int64_t kRangeMax = 100'000;  // as Jinja's sandbox has it
constexpr size_t kDateFormatBytesMax = 1000;

Value call_range(Call& call) {
  const auto& given = call.raw.positional;
  if (given.empty() || given.size() > 3 || !call.raw.named.empty())
    call.rt.fail("range expected 1 to 3 arguments, got {}", given.size());
  const int64_t start = given.size() > 1 ? to_index(call.rt, given[0]) : 0;
  const int64_t stop = to_index(call.rt, given[given.size() > 1 ? 1 : 0]);
  const int64_t step = given.size() > 2 ? to_index(call.rt, given[2]) : 1;
  if (step == 0) call.rt.fail("range() arg 3 must not be zero");
  // In unsigned arithmetic the distance of any two integers fits.
  const bool is_empty = step > 0 ? start >= stop : start <= stop;
  const uint64_t distance = step > 0 ? static_cast<uint64_t>(stop) - static_cast<uint64_t>(start)
                                     : static_cast<uint64_t>(start) - static_cast<uint64_t>(stop);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const uint64_t count = is_empty ? 0 : (distance - 1) / stride + 1;
  if (count > kRangeMax)
    call.rt.fail_with(Errc::resource_exhausted,
                      fmt::format("a range of {} numbers, above {}", count, kRangeMax));
  call.rt.step(count);
  call.rt.charge(count * sizeof(Value));
  std::vector<Value> numbers;
  numbers.reserve(count);
  for (uint64_t i = 0; i < count; ++i)
    numbers.push_back(Value::integer(
        static_cast<int64_t>(static_cast<uint64_t>(start) + i * static_cast<uint64_t>(step))));
  return call.rt.sequence(SequenceKind::range, std::move(numbers));
}

// dict(other, name=value …), which is also how namespace() fills itself.
Mapping* make_mapping(Call& call) {
  Mapping* mapping = call.rt.mapping();
  const Value made = Value::mapping(mapping);
  invoke(call.rt, *find_method(made, "update"), made, call.raw);
  return mapping;
}

Value call_dict(Call& call) { return Value::mapping(make_mapping(call)); }
Value call_namespace(Call& call) { return Value::name_space(make_mapping(call)); }

Value call_raise_exception(Call& call) { call.rt.fail("{}", to_text(call.rt, call.arg(0))); }

Value call_strftime_now(Call& call) {
  const std::string_view format = call.text(0);
  if (format.size() > kDateFormatBytesMax)
    call.rt.fail_with(Errc::resource_exhausted, fmt::format("a date format of {} bytes, above {}",
                                                            format.size(), kDateFormatBytesMax));
  return call.rt.text(format_time(call.rt.now_unix_s(), format));
}

constexpr Builtin kFunctions[] = {
    {.name = "range", .run = call_range, .variadic = true},
    {.name = "dict", .run = call_dict, .variadic = true},
    {.name = "namespace", .run = call_namespace, .variadic = true},
    {"raise_exception", call_raise_exception, {"message"}, 1},
    {"strftime_now", call_strftime_now, {"format"}, 1},
};

}  // namespace

std::span<const Builtin> functions() { return kFunctions; }

}  // namespace hearth::llm::jinja
