# Builds the pages (web/app) and compiles the files into `target`. web/app/build/build.mjs keeps what it
# built in build/web, so that npm and Vite run only when a source of the pages changed.
function(latchkey_web target)
  find_program(LATCHKEY_NODE NAMES node nodejs REQUIRED)
  set(app ${CMAKE_SOURCE_DIR}/web/app)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${app}/src/*.ts ${app}/src/*.tsx)
  set(out ${CMAKE_BINARY_DIR}/web)
  add_custom_command(
    OUTPUT ${out}/web_files.cc
    COMMAND ${LATCHKEY_NODE} ${app}/build/build.mjs --work ${CMAKE_SOURCE_DIR}/build/web --out ${out}
    DEPENDS ${sources} ${app}/build/build.mjs ${app}/index.html ${app}/package.json
            ${app}/package-lock.json ${app}/tsconfig.json ${app}/vite.config.ts
            ${CMAKE_SOURCE_DIR}/spec/azure-devops/operations.jsonl
    COMMENT "Building the pages"
    VERBATIM)
  target_sources(${target} PRIVATE ${out}/web_files.cc)
endfunction()
