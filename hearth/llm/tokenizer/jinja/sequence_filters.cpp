// Filters on sequences and dictionaries as a whole: measuring, ordering, grouping, joining.
#include <algorithm>

#include "hearth/llm/tokenizer/jinja/attribute_path.h"
#include "hearth/llm/tokenizer/jinja/builtin.h"
#include "hearth/llm/tokenizer/jinja/operations.h"
#include "hearth/llm/tokenizer/jinja/printing.h"

namespace hearth::llm::jinja {
namespace {

Value filter_default(Call& call) {
  const bool replaces_false = call.flag(1, false);
  if (call.subject.is_undefined() || (replaces_false && !is_true(call.subject)))
    return call.has(0) ? call.arg(0) : Value::text("");
  return call.subject;
}

Value filter_length(Call& call) { return Value::integer(measure(call.rt, call.subject)); }

Value filter_list(Call& call) { return call.rt.list(iterate(call.rt, call.subject)); }

Value filter_first(Call& call) {
  if (call.subject.is(Kind::sequence)) {  // takes one item of a generator, and copies no list
    Sequence& s = call.subject.as_sequence();
    if (s.consumed >= s.items.size())
      return Value::undefined(Missing::item, "No first item, sequence was empty.");
    return s.items[s.kind == SequenceKind::generator ? s.consumed++ : 0];
  }
  const auto items = iterate(call.rt, call.subject);
  return items.empty() ? Value::undefined(Missing::item, "No first item, sequence was empty.")
                       : items.front();
}

Value filter_last(Call& call) {
  if (call.subject.is(Kind::sequence)) {
    const Sequence& s = call.subject.as_sequence();
    if (s.kind == SequenceKind::generator) call.rt.fail("'generator' object is not reversible");
    if (!s.items.empty()) return s.items.back();
  }
  const auto items = iterate(call.rt, call.subject);
  return items.empty() ? Value::undefined(Missing::item, "No last item, sequence was empty.")
                       : items.back();
}

Value filter_reverse(Call& call) {
  if (call.subject.is_text())
    return get_slice(call.rt, call.subject, Value::none(), Value::none(), Value::integer(-1));
  auto items = iterate(call.rt, call.subject);
  std::reverse(items.begin(), items.end());
  return call.rt.generator(std::move(items));
}

Value filter_join(Call& call) {
  const std::string_view separator = call.has(0) ? to_text(call.rt, call.arg(0)) : "";
  std::string out;
  bool is_first = true;
  for (const Value& item : iterate(call.rt, call.subject)) {
    if (!is_first) call.rt.append(out, separator);
    is_first = false;
    append_text(call.rt, out, follow_path(call.rt, item, call.arg(1)));
  }
  return call.rt.text(out);
}

Value filter_items(Call& call) {
  if (call.subject.is_undefined()) return call.rt.generator({});
  if (!call.subject.is(Kind::mapping)) call.rt.fail("Can only get item pairs from a mapping.");
  std::vector<Value> rows;
  for (const auto& [key, value] : call.subject.as_mapping().entries)
    call.rt.push(rows, call.rt.tuple({key, value}));
  return call.rt.generator(std::move(rows));
}

// An item with the values it is ordered by.
struct Row {
  std::vector<Value> keys;
  Value item;
};

void sort_rows(Call& call, std::vector<Row>& rows, bool is_reversed) {
  const auto is_before = [&](const Row& a, const Row& b) {
    for (size_t i = 0; i < a.keys.size(); ++i) {
      const bool is_last = i + 1 == a.keys.size();
      if (is_last || !is_equal(call.rt, a.keys[i], b.keys[i]))
        return compare(call.rt, a.keys[i], b.keys[i], "<") < 0;
    }
    return false;
  };
  std::stable_sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    return is_reversed ? is_before(b, a) : is_before(a, b);
  });
}

// "name,age" orders by name, then by age.
std::vector<Value> key_paths(Call& call, const Value& attribute) {
  if (!attribute.is_text()) return {attribute};
  std::vector<Value> paths;
  for (std::string_view rest = attribute.as_text();;) {
    const size_t comma = std::min(rest.find(','), rest.size());
    call.rt.push(paths, Value::text(rest.substr(0, comma)));
    if (comma == rest.size()) return paths;
    rest.remove_prefix(comma + 1);
  }
}

Value filter_sort(Call& call) {
  const bool is_case_sensitive = call.flag(1, false);
  const auto paths = key_paths(call, call.arg(2));
  std::vector<Row> rows;
  for (const Value& item : iterate(call.rt, call.subject)) {
    Row row{.keys = {}, .item = item};
    for (const Value& path : paths)
      call.rt.push(row.keys,
                   sort_key(call.rt, follow_path(call.rt, item, path), is_case_sensitive));
    rows.push_back(std::move(row));
  }
  sort_rows(call, rows, call.flag(0, false));
  std::vector<Value> sorted;
  for (const Row& row : rows) call.rt.push(sorted, row.item);
  return call.rt.list(std::move(sorted));
}

Value filter_dictsort(Call& call) {
  const std::string_view by = call.has(1) ? call.text(1) : "key";
  if (by != "key" && by != "value")
    call.rt.fail("You can only sort by either \"key\" or \"value\"");
  if (!call.subject.is(Kind::mapping))
    call.rt.fail("dictsort needs a dict, not {}", type_name(call.subject));
  std::vector<Row> rows;
  for (const auto& [key, value] : call.subject.as_mapping().entries) {
    std::vector<Value> keys;
    call.rt.push(keys, sort_key(call.rt, by == "key" ? key : value, call.flag(0, false)));
    rows.push_back({std::move(keys), call.rt.tuple({key, value})});
  }
  sort_rows(call, rows, call.flag(2, false));
  std::vector<Value> sorted;
  for (const Row& row : rows) call.rt.push(sorted, row.item);
  return call.rt.list(std::move(sorted));
}

Value filter_unique(Call& call) {
  std::vector<Value> seen, kept;
  for (const Value& item : iterate(call.rt, call.subject)) {
    const Value key =
        sort_key(call.rt, follow_path(call.rt, item, call.arg(1)), call.flag(0, false));
    const bool is_new = std::none_of(seen.begin(), seen.end(), [&](const Value& other) {
      return is_equal(call.rt, other, key);
    });
    if (!is_new) continue;
    call.rt.push(seen, key);
    call.rt.push(kept, item);
  }
  return call.rt.generator(std::move(kept));
}

Value filter_groupby(Call& call) {
  const bool is_case_sensitive = call.flag(2, false);
  const Value otherwise = call.arg(1);
  std::vector<Row> rows;
  for (const Value& item : iterate(call.rt, call.subject)) {
    std::vector<Value> keys;
    call.rt.push(keys, sort_key(call.rt, follow_path(call.rt, item, call.arg(0), otherwise),
                                is_case_sensitive));
    rows.push_back({std::move(keys), item});
  }
  sort_rows(call, rows, false);
  std::vector<Value> groups;
  for (size_t i = 0; i < rows.size();) {
    std::vector<Value> members;
    const size_t first = i;
    for (; i < rows.size() && is_equal(call.rt, rows[i].keys[0], rows[first].keys[0]); ++i)
      call.rt.push(members, rows[i].item);
    if (i == first) ++i;  // a NaN is not even equal to itself
    const Value key = follow_path(call.rt, rows[first].item, call.arg(0), otherwise);
    call.rt.push(groups,
                 call.rt.sequence(SequenceKind::group, {key, call.rt.list(std::move(members))}));
  }
  return call.rt.list(std::move(groups));
}

template <bool kLargest>
Value filter_extreme(Call& call) {
  const auto items = iterate(call.rt, call.subject);
  if (items.empty())
    return Value::undefined(Missing::item, "No aggregated item, sequence was empty.");
  const auto key = [&](const Value& item) {
    return sort_key(call.rt, follow_path(call.rt, item, call.arg(1)), call.flag(0, false));
  };
  Value best = items[0], best_key = key(best);
  for (size_t i = 1; i < items.size(); ++i) {
    const Value candidate = key(items[i]);
    const bool is_better = kLargest ? compare(call.rt, candidate, best_key, ">") > 0
                                    : compare(call.rt, candidate, best_key, "<") < 0;
    if (!is_better) continue;
    best = items[i];
    best_key = candidate;
  }
  return best;
}

Value filter_sum(Call& call) {
  Value total = call.has(1) ? call.arg(1) : Value::integer(0);
  if (total.is_text()) call.rt.fail("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : iterate(call.rt, call.subject))
    total = calculate(call.rt, Operator::add, total, follow_path(call.rt, item, call.arg(0)));
  return total;
}

Value filter_batch(Call& call) {
  const int64_t size = call.integer(0, 1);
  std::vector<Value> rows, row;
  const auto finish_row = [&] { call.rt.push(rows, call.rt.list(std::exchange(row, {}))); };
  for (const Value& item : iterate(call.rt, call.subject)) {
    if (static_cast<int64_t>(row.size()) == size) finish_row();
    call.rt.push(row, item);
  }
  if (row.empty()) return call.rt.generator(std::move(rows));
  while (!call.arg(1).is_none() && static_cast<int64_t>(row.size()) < size)
    call.rt.push(row, call.arg(1));
  finish_row();
  return call.rt.generator(std::move(rows));
}

Value filter_slice(Call& call) {
  const auto items = iterate(call.rt, call.subject);
  const int64_t columns = call.integer(0, 1);
  if (columns == 0) call.rt.fail("integer division or modulo by zero");
  std::vector<Value> slices;
  size_t begin = 0;
  for (int64_t k = 0; k < columns; ++k) {
    const auto whole = items.size() / static_cast<size_t>(columns);
    const bool has_extra = static_cast<size_t>(k) < items.size() % static_cast<size_t>(columns);
    std::vector<Value> part;
    for (const size_t end = begin + whole + has_extra; begin < end; ++begin)
      call.rt.push(part, items[begin]);
    if (!call.arg(1).is_none() && !has_extra) call.rt.push(part, call.arg(1));
    call.rt.push(slices, call.rt.list(std::move(part)));
  }
  return call.rt.generator(std::move(slices));
}

Value filter_attr(Call& call) {
  // Only what get_attribute finds as an attribute: items of a dictionary do not count.
  if (call.subject.is(Kind::mapping) && find_method(call.subject, call.text(0)) == nullptr)
    return Value::undefined(Missing::attribute, call.text(0), Kind::mapping);
  return get_attribute(call.rt, call.subject, call.text(0));
}

constexpr Builtin kSequenceFilters[] = {
    {"default", filter_default, {"default_value", "boolean"}},
    {"d", filter_default, {"default_value", "boolean"}},
    {"length", filter_length},
    {"count", filter_length},
    {"list", filter_list},
    {"first", filter_first},
    {"last", filter_last},
    {"reverse", filter_reverse},
    {"join", filter_join, {"d", "attribute"}},
    {"items", filter_items},
    {"sort", filter_sort, {"reverse", "case_sensitive", "attribute"}},
    {"dictsort", filter_dictsort, {"case_sensitive", "by", "reverse"}},
    {"unique", filter_unique, {"case_sensitive", "attribute"}},
    {"groupby", filter_groupby, {"attribute", "default", "case_sensitive"}, 1},
    {"min", filter_extreme<false>, {"case_sensitive", "attribute"}},
    {"max", filter_extreme<true>, {"case_sensitive", "attribute"}},
    {"sum", filter_sum, {"attribute", "start"}},
    {"batch", filter_batch, {"linecount", "fill_with"}, 1},
    {"slice", filter_slice, {"slices", "fill_with"}, 1},
    {"attr", filter_attr, {"name"}, 1},
};

}  // namespace

std::span<const Builtin> sequence_filters() { return kSequenceFilters; }

}  // namespace hearth::llm::jinja
