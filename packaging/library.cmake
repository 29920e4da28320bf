# liblatchkey, for programs of others: a shared and a static library with the C interface of
# include/latchkey/latchkey.h, what CMake and pkg-config need to find it, and the headers.
#
# It is made of the sources that a check needs, once more and on their own terms: position
# independent, nothing visible but lk_*, without the heap that wipes (which would be its host's
# too), and without sanitizers (its host may have none).
include(GNUInstallDirs)
set(LATCHKEY_ABI 0)

file(GLOB library_sources CONFIGURE_DEPENDS src/base/*.cc src/core/*.cc src/verify/*.cc
     src/library/*.cc)
list(FILTER library_sources EXCLUDE REGEX "_test\\.cc$|/wiped_heap\\.cc$|/sealed\\.cc$|/log\\.cc$")
list(APPEND library_sources src/http/client.cc src/http/message.cc)
foreach(name openapi openapi_pointer openapi_servers yaml host path route_table route_tree route_tree_builder guarded_routes)
  list(APPEND library_sources src/gate/${name}.cc)
endforeach()

add_library(latchkey_library_objects OBJECT ${library_sources})
target_include_directories(latchkey_library_objects PRIVATE include)
target_compile_definitions(latchkey_library_objects
                           PRIVATE LATCHKEY_LIBRARY_VERSION="${PROJECT_VERSION}")
target_compile_options(latchkey_library_objects
                       PRIVATE -O2 -fvisibility=hidden -fvisibility-inlines-hidden
                               -fno-sanitize=all)
set_target_properties(latchkey_library_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
latchkey_precompile(latchkey_library_objects)
set(library_links OpenSSL::Crypto CURL::libcurl PkgConfig::SODIUM PkgConfig::YAML Boost::json
    Boost::url Threads::Threads)
target_link_libraries(latchkey_library_objects PRIVATE ${library_links})
foreach(embedded scopes_json scope_numbers_json common_passwords)
  get_target_property(core_sources latchkey_core SOURCES)
endforeach()
list(FILTER core_sources INCLUDE REGEX "embedded/")
target_sources(latchkey_library_objects PRIVATE ${core_sources})

foreach(kind SHARED STATIC)
  string(TOLOWER latchkey_${kind} library)
  add_library(${library} ${kind} $<TARGET_OBJECTS:latchkey_library_objects>)
  set_target_properties(${library} PROPERTIES OUTPUT_NAME latchkey EXPORT_NAME ${kind}
                        VERSION ${PROJECT_VERSION} SOVERSION ${LATCHKEY_ABI})
  target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:include>)
endforeach()
set(script ${CMAKE_SOURCE_DIR}/packaging/liblatchkey.map)
target_link_libraries(latchkey_shared PRIVATE ${library_links})
target_link_options(latchkey_shared PRIVATE -fno-sanitize=all -Wl,-z,relro,-z,now,-z,defs
                    -Wl,--version-script=${script} -Wl,--gc-sections)
set_target_properties(latchkey_shared PROPERTIES LINK_DEPENDS ${script})

# Installed only when it is asked for: who runs a server needs none of it.
install(TARGETS latchkey_shared latchkey_static
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library EXCLUDE_FROM_ALL
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library EXCLUDE_FROM_ALL)
install(DIRECTORY include/latchkey DESTINATION include COMPONENT library EXCLUDE_FROM_ALL)
install(FILES packaging/latchkeyConfig.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/latchkey COMPONENT library EXCLUDE_FROM_ALL)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/made/latchkeyConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/made/latchkeyConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/latchkey COMPONENT library EXCLUDE_FROM_ALL)
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" prefix_from_pc ${prefix_from_pc})
configure_file(packaging/latchkey.pc.in ${CMAKE_BINARY_DIR}/made/latchkey.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/made/latchkey.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library EXCLUDE_FROM_ALL)
