// The program: everything is in run_cli() and below, so that tests can reach it.
#include <cstdio>
#include <exception>

#include "app/cli.h"
#include "base/wiped_heap.h"

int main(int argc, char** argv) {
  latchkey::wipe_freed_memory();
  try {
    return latchkey::app::run_cli(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "latchkey: our own bug: %s; please report it\n", failure.what());
    return 1;
  }
}
