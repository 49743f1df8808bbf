#include "hearth/llm/kernels/elementwise.h"

#include <vector>

#include "hearth/llm/kernels/elementwise_impls.h"

namespace hearth::llm {
namespace {

template <class Table>
void append(std::vector<cpu::KernelRow>& rows, std::string_view kernel, const Table& impls) {
  for (const auto& impl : impls) rows.push_back({kernel, impl.name, impl.needs});
}

std::vector<cpu::KernelRow> list_rows() {
  std::vector<cpu::KernelRow> rows;
  append(rows, "rms_norm", rms_norm_impls());
  append(rows, "layer_norm", layer_norm_impls());
  append(rows, "rope", rope_impls());
  append(rows, "silu_gate", silu_gate_impls());
  append(rows, "gelu_gate", gelu_gate_impls());
  append(rows, "gelu_erf", gelu_erf_impls());
  append(rows, "softcap", softcap_impls());
  append(rows, "dot", dot_impls());
  append(rows, "add_multiple", add_multiple_impls());
  append(rows, "add", add_impls());
  append(rows, "scale", scale_impls());
  return rows;
}

}  // namespace

std::span<const cpu::KernelRow> elementwise_kernels() {
  static const std::vector<cpu::KernelRow> rows = list_rows();
  return rows;
}

}  // namespace hearth::llm
