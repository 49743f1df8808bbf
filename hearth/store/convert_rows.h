// Rows of a tensor from one type to another, on several threads, a few MiB at a time.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "hearth/base/function_ref.h"
#include "hearth/formats/gguf.h"
#include "hearth/formats/tensor_type.h"

namespace hearth::store {

/// The type that rows of `cols` elements get when `wanted` is asked for: itself where its block
/// divides the row, else one of similar size with a smaller block (Q2_K, Q3_K, IQ4_XS -> IQ4_NL,
/// Q4_K -> Q5_0, Q5_K -> Q5_1, Q6_K -> Q8_0), else F16. llama.cpp's quantiser chooses so too, but
/// for Q4_0 in place of IQ4_NL for Q2_K and Q3_K in its newer versions: as large, and less exact.
formats::TensorType type_for_rows(formats::TensorType wanted, uint64_t cols);

/// Threads to use when `asked` for 0 or more: 0 means as many as the machine runs at once.
int thread_count(int asked);

/// Gives row `row` of a tensor as floats. Called from several threads at once.
using ReadRow = FunctionRef<void(uint64_t row, std::span<float> out)>;

struct RowsToWrite {
  std::string_view tensor;  // for messages
  uint64_t rows = 0, cols = 0;
  formats::TensorType type = formats::TensorType::f32;  // of the output; its block divides cols
};

/// Quantises every row that `read` gives and writes them as the next tensor of `out`, holding at
/// most a few MiB. Equal inputs give equal bytes for any number of threads. Errors:
/// invalid_argument naming tensor and row (a value that is not finite or that the type cannot
/// hold); whatever `read` throws.
void write_rows(formats::GgufWriter& out, const RowsToWrite& what, int threads, ReadRow read);

}  // namespace hearth::store
