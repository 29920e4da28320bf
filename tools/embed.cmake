# Puts a file's bytes into a program. latchkey_embed(target symbol file) adds to `target` a function
# `std::string_view latchkey::embedded::symbol()` (declare it with base/embedded.h) that views the bytes
# of `file`. The assembler reads the file, so that its size costs no compile time; a changed file is
# built anew.
function(latchkey_embed target symbol file)
  get_filename_component(path ${file} ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
  set(source ${CMAKE_BINARY_DIR}/embedded/${symbol}.cc)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [=[
#include <string_view>
asm(".pushsection .rodata\n"
    ".globl latchkey_embedded_@symbol@\n"
    ".globl latchkey_embedded_@symbol@_end\n"
    "latchkey_embedded_@symbol@:\n"
    ".incbin \"@path@\"\n"
    "latchkey_embedded_@symbol@_end:\n"
    ".byte 0\n"
    ".popsection\n");
extern "C" const char latchkey_embedded_@symbol@[];
extern "C" const char latchkey_embedded_@symbol@_end[];
namespace latchkey::embedded {
std::string_view @symbol@();
std::string_view @symbol@() {
  return {latchkey_embedded_@symbol@, latchkey_embedded_@symbol@_end};
}
}
]=])
  set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${path})
  target_sources(${target} PRIVATE ${source})
endfunction()
