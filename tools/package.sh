#!/usr/bin/env bash
# Builds the Debian package: build/package/latchkey_VERSION_ARCHITECTURE.deb. ./dev package
#
# With a version as argument the same build goes into a package of that version, so that an upgrade
# can be tried.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh

require_packages "${build_packages[@]}" dpkg-dev file
configure package
build package
cd build/package
cpack ${1:+-D CPACK_PACKAGE_VERSION="$1"} >cpack.log 2>&1 || { tail -n 20 cpack.log >&2 && exit 1; }
sed -n 's/^CPack: - package: \(.*\) generated\.$/\1/p' cpack.log
