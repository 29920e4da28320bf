#!/usr/bin/env bash
# The README's two commands on a clean machine, and the Debian package on another: ./dev fresh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh
source tools/machine.sh

usage() {
  cat <<'END'
usage: ./dev fresh [--keep] [--only run|test|package]

Makes a folder with Debian's base only (debootstrap, kept as build/fresh/base.tar), copies what is
committed into it, and there, with Debian's Node.js, types the README's two commands:

  run      ./run, until it answers at the address that it prints
  test     ./test, all of it
  package  builds the Debian package; installs, starts, upgrades, removes and purges it on a
           machine of its own

Without --only all three. --keep leaves the folders build/fresh/machine and build/fresh/package.
Needs root. Packages that were fetched and objects that were compiled are kept in build/fresh.
END
}

keep=
only=
while (($#)); do
  case $1 in
    --keep) keep=yes ;;
    --only) only=${2-} && shift ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
  shift
done
case $only in '' | run | test | package) ;; *) usage >&2 && exit 2 ;; esac
if ((EUID != 0)); then
  say "./dev fresh makes a machine in a folder, which needs root: sudo ./dev fresh"
  exit 1
fi
require_packages "${base_packages[@]}"
[[ -z $(git status --porcelain) ]] || say "Remark: what is not committed is not tried."

cleanup() {
  leave_machine
  [[ $keep ]] || { remove_machine machine && remove_machine package; }
}
trap cleanup EXIT
trap 'exit 130' INT TERM  # so that cleanup runs, also while a machine is waited for

try_commands() {
  local task
  make_machine machine
  mkdir -p "$machine_root/machine/srv/latchkey"
  git archive HEAD | tar -x -C "$machine_root/machine/srv/latchkey"
  for task in "$@"; do
    say "fresh: ./$task on a clean machine"
    in_machine machine bash /srv/latchkey/tools/fresh_inside.sh "$task"
  done
}

case $only in
  '') try_commands run test ;;
  run | test) try_commands "$only" ;;
esac
if [[ -z $only || $only == package ]]; then
  bash tools/fresh_package.sh
fi
say "fresh: done, ${only:-run, test and package}"
