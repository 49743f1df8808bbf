#include "hearth/store/convert_rows.h"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

#include "hearth/base/error.h"
#include "hearth/formats/quantize.h"

namespace hearth::store {
namespace {

using formats::TensorType;

constexpr size_t kPieceBytes = size_t{8} << 20;  // of output held at a time

struct TypePair {
  TensorType wanted, instead;
};
constexpr TypePair kFallbacks[] = {
    {TensorType::q2_k, TensorType::iq4_nl},   {TensorType::q3_k, TensorType::iq4_nl},
    {TensorType::iq4_xs, TensorType::iq4_nl}, {TensorType::q4_k, TensorType::q5_0},
    {TensorType::q5_k, TensorType::q5_1},     {TensorType::q6_k, TensorType::q8_0},
};

void convert_row(const RowsToWrite& what, uint64_t row, ReadRow read, std::span<float> scratch,
                 std::byte* out) {
  read(row, scratch);
  try {
    formats::quantize_row(what.type, scratch, out);
  } catch (const Error& error) {
    throw error.with_context(fmt::format("tensor '{}', row {}", what.tensor, row));
  }
}

/// Converts rows [first, first + rows) into `piece`, each thread a run of them. The error of the
/// lowest row wins, so that the message does not depend on timing.
void convert_piece(const RowsToWrite& what, uint64_t first, uint64_t rows, int threads,
                   ReadRow read, std::byte* piece) {
  const size_t row_bytes = formats::row_bytes(what.type, what.cols);
  const auto parts =
      static_cast<uint64_t>(std::clamp<int64_t>(threads, 1, static_cast<int64_t>(rows)));
  std::vector<std::exception_ptr> errors(parts);
  const auto run = [&](uint64_t part) {
    try {
      std::vector<float> scratch(what.cols);
      for (uint64_t r = rows * part / parts; r < rows * (part + 1) / parts; ++r)
        convert_row(what, first + r, read, scratch, piece + r * row_bytes);
    } catch (...) {
      errors[part] = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (uint64_t part = 1; part < parts; ++part) others.emplace_back(run, part);
    run(0);
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace

TensorType type_for_rows(TensorType wanted, uint64_t cols) {
  if (cols % formats::info(wanted).block_elems == 0) return wanted;
  const auto* found = std::ranges::find(kFallbacks, wanted, &TypePair::wanted);
  if (found != std::end(kFallbacks) && cols % formats::info(found->instead).block_elems == 0)
    return found->instead;
  return TensorType::f16;
}

int thread_count(int asked) {
  if (asked > 0) return asked;
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

void write_rows(formats::GgufWriter& out, const RowsToWrite& what, int threads, ReadRow read) {
  const size_t row_bytes = formats::row_bytes(what.type, what.cols);
  const uint64_t rows_at_once = std::clamp<uint64_t>(kPieceBytes / row_bytes, 1, what.rows);
  std::vector<std::byte> piece(rows_at_once * row_bytes);
  for (uint64_t first = 0; first < what.rows; first += rows_at_once) {
    const uint64_t rows = std::min(rows_at_once, what.rows - first);
    convert_piece(what, first, rows, threads, read, piece.data());
    out.write({piece.data(), rows * row_bytes});
  }
}

}  // namespace hearth::store
