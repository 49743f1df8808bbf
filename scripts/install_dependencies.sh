#!/bin/sh
# Installs what Hearth needs from Debian (or Ubuntu) where it is missing; does nothing, and needs no network, where
# all of it is there.   install_dependencies.sh [--checks]   --checks: also what .ci/run needs.
set -eu

packages="build-essential cmake ninja-build pkg-config ccache libfmt-dev libcli11-dev nlohmann-json3-dev
  libutf8proc-dev libedit-dev libboost-dev libssl-dev libcurl4-openssl-dev libgtest-dev libgmock-dev curl openssl"
if [ "${1:-}" = "--checks" ]; then
  packages="$packages clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14 git python3 docker-registry"
fi

missing=""
for package in $packages; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "missing packages:$missing; this script installs with apt-get only, please install them by hand" >&2
  exit 1
fi
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "missing packages:$missing; run as root or install sudo" >&2; exit 1; }
  sudo=sudo
fi
echo "installing:$missing"
# A list of packages that is too old names versions that are gone, so it is renewed first.
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
