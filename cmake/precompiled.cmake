# The headers that most files read, parsed once for the whole project instead of a second a file. Four of them, since a
# target takes one: the standard library and fmt, these with JSON, and both again with GoogleTest. A file still
# includes what it uses: the `tsan` preset builds without precompiled headers and tells of what it builds.
set(HEARTH_STD_HEADERS
  <algorithm> <array> <atomic> <chrono> <cmath> <condition_variable> <cstdint> <cstring> <filesystem> <fmt/format.h>
  <fmt/ranges.h> <functional> <limits> <map> <memory> <mutex> <optional> <set> <span> <stop_token> <string>
  <string_view> <thread> <utility> <variant> <vector>)
set(HEARTH_TEST_HEADERS <gmock/gmock.h> <gtest/gtest.h>)

# hearth_precompiled(NAME HEADERS...): the target hearth_NAME_headers, for REUSE_FROM.
function(hearth_precompiled name)
  add_library(hearth_${name}_headers OBJECT ${CMAKE_SOURCE_DIR}/cmake/precompiled.cpp)
  target_link_libraries(hearth_${name}_headers PRIVATE hearth_flags fmt::fmt Threads::Threads)
  target_precompile_headers(hearth_${name}_headers PRIVATE ${ARGN})
endfunction()

hearth_precompiled(std ${HEARTH_STD_HEADERS})
hearth_precompiled(json ${HEARTH_STD_HEADERS} <nlohmann/json.hpp>)
target_link_libraries(hearth_json_headers PRIVATE nlohmann_json::nlohmann_json)
if(HEARTH_TESTS)
  hearth_precompiled(test ${HEARTH_STD_HEADERS} ${HEARTH_TEST_HEADERS})
  hearth_precompiled(json_test ${HEARTH_STD_HEADERS} <nlohmann/json.hpp> ${HEARTH_TEST_HEADERS})
  target_link_libraries(hearth_test_headers PRIVATE GTest::gmock)
  target_link_libraries(hearth_json_test_headers PRIVATE nlohmann_json::nlohmann_json GTest::gmock)
endif()
