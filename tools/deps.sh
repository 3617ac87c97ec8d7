#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing. usage: tools/deps.sh [build] [test]   (default: both)
# Says nothing and is fast when nothing is missing; needs root only when something is.
set -eu

build="gcc libc6-dev make pkg-config clang bpftool libbpf-dev libelf-dev zlib1g-dev libsqlite3-dev libcurl4-openssl-dev libssl-dev
	libmicrohttpd-dev libdw-dev libdebuginfod-dev libiberty-dev libprotobuf-c-dev protobuf-c-compiler"
test="libcmocka-dev bats elfutils perl python3 sqlite3 procps util-linux clang-format libclang-rt-dev git diffutils sudo xz-utils
	protobuf-compiler libc6-dbg"

packages=
for list in "${@:-both}"; do
	case $list in
	build) packages="$packages $build" ;;
	test) packages="$packages $test" ;;
	both) packages="$build $test" ;;
	*)
		echo "usage: tools/deps.sh [build] [test]" >&2
		exit 2
		;;
	esac
done

if ! command -v dpkg-query >/dev/null; then
	echo "deps: this is not Debian; install by your own package manager what these Debian packages hold:" $packages >&2
	exit 1
fi

missing=
for package in $packages; do
	case $(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null) in
	ii*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ]; then
	echo "deps: missing:$missing. Install them as root: sudo apt-get install$missing" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing >"$log" 2>&1; }

echo "deps: installing$missing"
# The package lists may be absent (a fresh system) or too old: refresh them only if it does not work without.
if ! install && ! { apt-get update >"$log" 2>&1 && install; }; then
	echo "deps: apt-get could not install$missing (offline?): $(grep -m 1 '^[EW]:' "$log" || tail -n 1 "$log")" >&2
	exit 1
fi
