# hearth_module(NAME [JSON] DEPENDS other... HEADERS ... SOURCES ... TESTS ...)
#
# One call a folder. Makes the library hearth_NAME and, where TESTS are named, the program NAME_test that links
# it with GoogleTest. DEPENDS names other modules: they are the only ones this folder may include, which
# tests/tidy checks against the sources. JSON: most of its files read nlohmann-json, which is parsed once for all such
# modules (the precompiled header of `output`) instead of a second a file.
function(hearth_module name)
  cmake_parse_arguments(arg "JSON" "" "DEPENDS;HEADERS;SOURCES;TESTS" ${ARGN})
  add_library(hearth_${name} STATIC ${arg_SOURCES} ${arg_HEADERS})
  set_target_properties(hearth_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(hearth_${name} PUBLIC hearth_flags fmt::fmt Threads::Threads)
  foreach(other ${arg_DEPENDS})
    target_link_libraries(hearth_${name} PUBLIC hearth_${other})
  endforeach()
  if(arg_JSON AND NOT name STREQUAL output)
    target_precompile_headers(hearth_${name} REUSE_FROM hearth_output)
  endif()
  if(HEARTH_TESTS AND arg_TESTS)
    add_executable(${name}_test ${arg_TESTS})
    target_link_libraries(${name}_test PRIVATE hearth_${name} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE HEARTH_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    if(arg_JSON)
      target_precompile_headers(${name}_test REUSE_FROM hearth_output)
    endif()
    gtest_discover_tests(${name}_test PROPERTIES TIMEOUT 900 DISCOVERY_TIMEOUT 60 DISCOVERY_MODE PRE_TEST)
  endif()
endfunction()
