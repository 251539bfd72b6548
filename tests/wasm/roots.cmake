# cmake -DNM=llvm-nm-22 -DOUT=FILE -DARCHIVES=a,b -P roots.cmake: writes a response file for the linker that keeps every
# function that these archives define.
string(REPLACE "," ";" ARCHIVES "${ARCHIVES}")
execute_process(COMMAND ${NM} --defined-only --extern-only --format=posix --quiet ${ARCHIVES}
                OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n ]+ [TW] " functions "${symbols}")
list(TRANSFORM functions REPLACE "^([^ ]+) [TW] $" "-Wl,--export=\\1")
list(REMOVE_DUPLICATES functions)
list(LENGTH functions count)
if(count LESS 1000)
  message(FATAL_ERROR "only ${count} functions in ${ARCHIVES}: the check would be worth nothing")
endif()
list(JOIN functions "\n" lines)
file(WRITE ${OUT} "${lines}\n")
