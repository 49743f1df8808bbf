# Flags for every target. Warnings are errors in CI (-DHEARTH_WERROR=ON), so that a user's newer compiler never fails.
option(HEARTH_WERROR "Treat warnings as errors" OFF)

add_library(hearth_flags INTERFACE)
target_include_directories(hearth_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(hearth_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives from inlined standard headers, from its own AVX-512 intrinsics (bug 105593) and
  # from designated initialisers.
  target_compile_options(hearth_flags INTERFACE -Wno-missing-field-initializers -Wno-restrict -Wno-stringop-overflow
                                                -Wno-array-bounds -Wno-maybe-uninitialized -Wno-uninitialized
                                                -fpch-preprocess)
  # Half a gigabyte before it first collects its garbage: a fifth less time for files that instantiate much.
  target_compile_options(hearth_flags INTERFACE --param=ggc-min-heapsize=524288)
else()
  target_compile_options(hearth_flags INTERFACE -Wno-missing-field-initializers)
endif()
if(HEARTH_WERROR)
  target_compile_options(hearth_flags INTERFACE -Werror)
endif()
# Equal inputs give equal bits: no contraction that differs between compilers' moods except where written as fma.
target_compile_options(hearth_flags INTERFACE -ffp-contract=off -fno-math-errno)

if(HEARTH_SANITIZE)
  target_compile_options(hearth_flags INTERFACE -fsanitize=${HEARTH_SANITIZE} -fno-omit-frame-pointer
                                                -fno-sanitize-recover=all)
  target_link_options(hearth_flags INTERFACE -fsanitize=${HEARTH_SANITIZE})
endif()
if(HEARTH_FUZZ)
  target_compile_options(hearth_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Tests, and folders that wait for people, files and networks, spend no time in their own code: optimised less, they
# compile a quarter faster.
set(HEARTH_COLD_OPTIONS $<$<CONFIG:Release>:-O1>)
