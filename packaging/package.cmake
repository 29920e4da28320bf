# What an installation has beside the binary, and the Debian package: `./dev package`.
#
# Manual pages and completions are printed by the binary that is installed. Paths outside of the
# prefix (unit, configuration) are for the package alone: LATCHKEY_PACKAGE.
option(LATCHKEY_PACKAGE "Install unit and configuration too, as the Debian package does" OFF)
set(LATCHKEY_MAINTAINER "Latchkey maintainers <maintainers@latchkey.example>"
    CACHE STRING "Who answers for the package")

set(made ${CMAKE_BINARY_DIR}/made)
set(printed)
foreach(output "man latchkey.1" "man latchkey.toml.5"
               "completion bash" "completion zsh" "completion fish")
  string(REPLACE " " ";" arguments ${output})
  string(REPLACE " " "-" file ${output})
  add_custom_command(OUTPUT ${made}/${file}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
    COMMAND $<TARGET_FILE:latchkey> ${arguments} > ${made}/${file}.new
    COMMAND ${CMAKE_COMMAND} -E rename ${made}/${file}.new ${made}/${file}
    DEPENDS latchkey VERBATIM)
  list(APPEND printed ${made}/${file})
endforeach()
foreach(page latchkey.1 latchkey.toml.5)
  add_custom_command(OUTPUT ${made}/${page}.gz
    COMMAND gzip -9nc ${made}/man-${page} > ${made}/${page}.gz
    DEPENDS ${made}/man-${page} VERBATIM)
  list(APPEND printed ${made}/${page}.gz)
endforeach()
add_custom_target(latchkey_made ALL DEPENDS ${printed})

include(GNUInstallDirs)
install(FILES ${made}/latchkey.1.gz DESTINATION share/man/man1)
install(FILES ${made}/latchkey.toml.5.gz DESTINATION share/man/man5)
install(FILES ${made}/completion-bash DESTINATION share/bash-completion/completions
        RENAME latchkey)
install(FILES ${made}/completion-zsh DESTINATION share/zsh/vendor-completions RENAME _latchkey)
install(FILES ${made}/completion-fish DESTINATION share/fish/vendor_completions.d
        RENAME latchkey.fish)
if(NOT LATCHKEY_PACKAGE)
  return()
endif()

set(from ${CMAKE_SOURCE_DIR}/packaging)
target_link_options(latchkey PRIVATE -Wl,-z,relro,-z,now)
install(FILES ${from}/latchkey.service ${from}/latchkey-gate.service DESTINATION /lib/systemd/system)
install(FILES ${from}/latchkey.toml DESTINATION /etc/latchkey)
install(FILES ${from}/copyright README.md DESTINATION share/doc/latchkey)
install(DIRECTORY docs/operating deploy DESTINATION share/doc/latchkey)
# Debian's form of a changelog, of the one entry that this build is.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${from}/changelog.in ${made}/changelog @ONLY)
add_custom_command(OUTPUT ${made}/changelog.gz
  COMMAND gzip -9nc ${made}/changelog > ${made}/changelog.gz DEPENDS ${made}/changelog VERBATIM)
add_custom_target(latchkey_changelog ALL DEPENDS ${made}/changelog.gz)
install(FILES ${made}/changelog.gz DESTINATION share/doc/latchkey)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME latchkey)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${LATCHKEY_MAINTAINER})
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The postinst makes a user; certificates of mail servers and proxies are checked with Debian's.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "personal access token service that you run yourself
 People make tokens with a name, an expiry and scopes, and their scripts send
 them instead of a password. Latchkey speaks the wire forms of Azure DevOps
 Services, so that clients written for it work unchanged.
 .
 This package has server and command line in one binary, and a service that
 serves on the loopback address with its data in /var/lib/latchkey.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${made}/conffiles "/etc/latchkey/latchkey.toml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${from}/postinst ${from}/prerm ${from}/postrm ${made}/conffiles)
include(CPack)
