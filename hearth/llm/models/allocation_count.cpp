#include "hearth/llm/models/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace hearth {
namespace {

std::atomic<int64_t> allocations{0};

void* counted(void* memory) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

int64_t AllocationCount::total() { return allocations.load(); }

}  // namespace hearth

// The array forms of the standard library call these.
void* operator new(std::size_t size) { return hearth::counted(std::malloc(size ? size : 1)); }

void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return hearth::counted(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}

// The sanitizers bring their own of this form, whose memory free() would not take.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
