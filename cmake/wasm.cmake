# The toolchain of the wasm preset: Debian's clang, libc++ and wasi-libc, no Emscripten (docs/decisions/0003).
#
# The core has no exceptions, no run-time types and no threads, so it links without any support for them. A module is a
# reactor: its host calls _initialize once, then the exports. Debian's headers are found under the name wasm32-wasi
# only, which newer clangs call deprecated.
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_PROCESSOR wasm32)

set(CMAKE_C_COMPILER clang-22)
set(CMAKE_CXX_COMPILER clang++-22)
set(CMAKE_AR llvm-ar-22 CACHE STRING "Archives of bitcode need LLVM's own")
set(CMAKE_RANLIB llvm-ranlib-22 CACHE STRING "Archives of bitcode need LLVM's own")
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)

set(CMAKE_C_FLAGS_INIT "-Wno-deprecated")
set(CMAKE_CXX_FLAGS_INIT "-Wno-deprecated -fno-exceptions -fno-rtti")
set(CMAKE_C_FLAGS_MINSIZEREL "-Oz -flto" CACHE STRING "As small as can be; what is not called goes at the link")
set(CMAKE_CXX_FLAGS_MINSIZEREL "-Oz -flto" CACHE STRING "As small as can be; what is not called goes at the link")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-mexec-model=reactor -Wl,--strip-all")

# Nothing of the machine that builds may leak in.
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
