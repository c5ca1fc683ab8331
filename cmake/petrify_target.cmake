# petrify_target(NAME): the compile options of all of petrify's own targets. Private: nothing is forced on users.
function(petrify_target name)
  target_compile_features(${name} PUBLIC cxx_std_20)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${name} PRIVATE
    -Wall -Wextra -Wshadow -Wconversion
    # Exactness: a * b + c is two roundings, as in the libraries that trained the models.
    -ffp-contract=off)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # gcc 12 warns of overlaps inside std::string that cannot be (GCC bug 105651).
    target_compile_options(${name} PRIVATE -Wno-restrict)
  endif()
  if(PETRIFY_WERROR)
    target_compile_options(${name} PRIVATE -Werror)
  endif()
  if(PETRIFY_FUZZ)
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(PETRIFY_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${PETRIFY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${name} PUBLIC -fsanitize=${PETRIFY_SANITIZE})
  endif()
endfunction()
