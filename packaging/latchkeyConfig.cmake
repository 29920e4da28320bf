# find_package(latchkey) gives latchkey::latchkey, the shared library, and latchkey::static, which
# needs what Debian calls libboost-json-dev, libboost-url-dev, libcurl4-openssl-dev, libsodium-dev,
# libssl-dev and libyaml-dev.
get_filename_component(latchkey_libdir "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
get_filename_component(latchkey_prefix "${latchkey_libdir}/.." ABSOLUTE)
if(NOT EXISTS ${latchkey_prefix}/include/latchkey/latchkey.h)
  get_filename_component(latchkey_prefix "${latchkey_prefix}/.." ABSOLUTE)  # lib/x86_64-linux-gnu
endif()
if(NOT TARGET latchkey::latchkey)
  add_library(latchkey::latchkey SHARED IMPORTED)
  set_target_properties(latchkey::latchkey PROPERTIES
    IMPORTED_LOCATION ${latchkey_libdir}/liblatchkey.so
    INTERFACE_INCLUDE_DIRECTORIES ${latchkey_prefix}/include)
  add_library(latchkey::static STATIC IMPORTED)
  set_target_properties(latchkey::static PROPERTIES
    IMPORTED_LOCATION ${latchkey_libdir}/liblatchkey.a
    INTERFACE_INCLUDE_DIRECTORIES ${latchkey_prefix}/include
    IMPORTED_LINK_INTERFACE_LANGUAGES CXX
    INTERFACE_LINK_LIBRARIES "boost_json;boost_url;curl;crypto;sodium;yaml;pthread")
endif()
