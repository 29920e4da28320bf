#!/usr/bin/env bash
# The Debian package on a machine of its own: first without systemd, as in a chroot or container,
# then booted with it. Part of ./dev fresh, which says what it needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh
source tools/machine.sh

BOOT_SECONDS_MAX=1200
trap leave_machine EXIT
trap 'exit 130' INT TERM

require_packages "${base_packages[@]}" systemd-container
package=$(bash tools/package.sh)
version=$(dpkg-deb -f "$package" Version)
upgrade=$(bash tools/package.sh "$version+upgrade")
say "fresh: $package, on a clean machine"

make_machine package
machine=$machine_root/package
mkdir "$machine/srv/try"
cp "$package" "$machine/srv/try/latchkey.deb"
cp "$upgrade" "$machine/srv/try/upgrade.deb"
cp tools/fresh_package_inside.sh "$machine/srv/try/"
in_machine package bash /srv/try/fresh_package_inside.sh without_systemd

# The machine boots, does it, and ends with the exit code that the unit below had.
cat >"$machine/etc/systemd/system/try.service" <<'END'
[Unit]
After=multi-user.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=HOME=/srv/try
ExecStart=/bin/bash /srv/try/fresh_package_inside.sh with_systemd
StandardOutput=append:/srv/try/try.log
StandardError=append:/srv/try/try.log
END
ln -sf ../try.service "$machine/etc/systemd/system/multi-user.target.wants/try.service"
status=0
timeout --kill-after=30 "$BOOT_SECONDS_MAX" systemd-nspawn --quiet --directory="$machine" --boot \
  --private-network --register=no --keep-unit </dev/null >"$machine_root/boot.log" 2>&1 || status=$?
cat "$machine/srv/try/try.log" 2>/dev/null || tail -n 20 "$machine_root/boot.log"
if ((status != 0)) || ! grep -q '^with_systemd: done$' "$machine/srv/try/try.log"; then
  say "fresh: the package failed on a booted machine (status $status); see build/fresh/boot.log"
  exit 1
fi
