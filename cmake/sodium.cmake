# rz_sodium: libsodium for WebAssembly, compiled from Debian's source package, which `./dev build` fetches.
#
# The portable C only: what is left out needs an instruction set that WebAssembly lacks, or asks an operating system for
# randomness. The host hands that in (cmake/sodium/host_randombytes.c).
set(RZ_SODIUM_SOURCE ${PROJECT_SOURCE_DIR}/build/wasm-deps/libsodium CACHE PATH "Unpacked source package of libsodium")
set(sodium_dir ${RZ_SODIUM_SOURCE}/src/libsodium)
if(NOT EXISTS ${sodium_dir}/include/sodium/version.h.in)
  message(FATAL_ERROR "libsodium's source is not in ${RZ_SODIUM_SOURCE}: ./dev build fetches it")
endif()

# Its configure script would fill this in.
file(READ ${RZ_SODIUM_SOURCE}/configure.ac configure_ac)
string(REGEX MATCH "AC_INIT\\(\\[libsodium\\],\\[([0-9.]+)\\]" matched "${configure_ac}")
set(VERSION ${CMAKE_MATCH_1})
string(REGEX MATCH "SODIUM_LIBRARY_VERSION_MAJOR=([0-9]+)" matched "${configure_ac}")
set(SODIUM_LIBRARY_VERSION_MAJOR ${CMAKE_MATCH_1})
string(REGEX MATCH "SODIUM_LIBRARY_VERSION_MINOR=([0-9]+)" matched "${configure_ac}")
set(SODIUM_LIBRARY_VERSION_MINOR ${CMAKE_MATCH_1})
if(NOT VERSION OR NOT SODIUM_LIBRARY_VERSION_MAJOR OR NOT SODIUM_LIBRARY_VERSION_MINOR)
  message(FATAL_ERROR "libsodium's version is not where it used to be in ${RZ_SODIUM_SOURCE}/configure.ac")
endif()
set(SODIUM_LIBRARY_MINIMAL_DEF)
set(generated ${PROJECT_BINARY_DIR}/sodium/include)
configure_file(${sodium_dir}/include/sodium/version.h.in ${generated}/sodium/version.h @ONLY)
configure_file(${sodium_dir}/include/sodium/export.h ${generated}/sodium/export.h COPYONLY)  # It includes this one.

file(GLOB_RECURSE sodium_sources ${sodium_dir}/*.c)
list(FILTER sodium_sources EXCLUDE REGEX
     "/[^/]*([-_]s?sse|avx|aesni|armcrypto|randombytes_internal|randombytes_sysrandom)[^/]*\\.c$")
add_library(rz_sodium STATIC ${sodium_sources} ${PROJECT_SOURCE_DIR}/cmake/sodium/host_randombytes.c)
target_include_directories(rz_sodium SYSTEM PUBLIC ${sodium_dir}/include ${generated})
target_include_directories(rz_sodium PRIVATE ${sodium_dir}/include/sodium ${generated}/sodium
                                             ${PROJECT_SOURCE_DIR}/cmake/sodium)
target_compile_definitions(rz_sodium PRIVATE
  CONFIGURED=1 NATIVE_LITTLE_ENDIAN=1 HAVE_WEAK_SYMBOLS=1 _WASI_EMULATED_SIGNAL
  RANDOMBYTES_CUSTOM_IMPLEMENTATION "RANDOMBYTES_DEFAULT_IMPLEMENTATION=&rz_host_randombytes"
  PUBLIC SODIUM_STATIC=1)
# Not ours to mend: its warnings are off. Faster rather than smaller: signatures are what a newcomer waits for.
target_compile_options(rz_sodium PRIVATE -w -O2 -include host_randombytes.h)
target_link_libraries(rz_sodium INTERFACE wasi-emulated-signal)
