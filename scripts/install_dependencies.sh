#!/bin/sh
# Installs what Hearth needs from Debian (or Ubuntu) where it is missing; does nothing, and needs no network, where
# all of it is there.   install_dependencies.sh [--checks]   --checks: also what .ci/run needs.
set -eu

packages="build-essential cmake ninja-build pkg-config ccache libfmt-dev libcli11-dev nlohmann-json3-dev
  libutf8proc-dev libedit-dev libboost-dev libssl-dev libcurl4-openssl-dev zlib1g-dev libzstd-dev libgtest-dev libgmock-dev curl openssl"
wanted=""  # where they cannot be had, some tests are skipped
if [ "${1:-}" = "--checks" ]; then
  packages="$packages clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14 git python3 docker-registry"
  # The official clients of the APIs, and Prometheus' own reader of metrics. Programs, not packages, are looked for:
  # a Node.js from elsewhere brings an npm of its own, which Debian's package would drive out.
  command -v npm >/dev/null || wanted="$wanted nodejs npm"
  command -v promtool >/dev/null || wanted="$wanted prometheus"
  [ -d /usr/lib/python3/dist-packages/jsonschema ] || wanted="$wanted python3-jsonschema"
fi

missing=""
for package in $packages; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing="$missing $package"
done
[ -n "$missing$wanted" ] || exit 0

# Ends the script; well, where only tests would be skipped.
cannot_install() {
  echo "missing packages:$missing$wanted; $1" >&2
  [ -z "$missing" ] || exit 1
  exit 0
}
command -v apt-get >/dev/null || cannot_install "this script installs with apt-get only, please install them by hand"
sudo=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || cannot_install "run as root or install sudo"
  sudo=sudo
fi
install() {
  echo "installing:$*"
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
# A list of packages that is too old names versions that are gone, so it is renewed first.
$sudo apt-get update -qq || cannot_install "apt-get cannot fetch the lists of packages"
[ -z "$missing" ] || install $missing
[ -z "$wanted" ] || install $wanted || echo "not installed:$wanted; the tests that need them are skipped"
