#!/bin/sh
# Prometheus and promtool for make check-alerts: Debian's package, unpacked into .firn/parts/prometheus and not installed, so
# that it needs no root and starts no service.
#
#   install-tools.sh check     says what is missing on this machine; changes nothing
#   install-tools.sh install   downloads and unpacks it
#
# When to run which is decided in the Makefile. Where Prometheus is on the PATH already, that one is taken.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../.firn/parts/prometheus

check() {
  if [ -e "$tools/.done" ] || on_path; then return; fi
  for tool in apt-get dpkg; do
    if ! command -v "$tool" >/dev/null 2>&1; then
      lack "$tool" 'Install Prometheus 2.42 or newer, such that "prometheus" and "promtool" start it.'
    fi
  done
  if ! apt-cache show prometheus >/dev/null 2>&1; then
    lack 'the package "prometheus" in the lists of apt' 'Run "apt-get update" as root, or install Prometheus on the PATH.'
  fi
}

on_path() {
  command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1
}

lack() {
  printf 'missing: %s (brings Prometheus for make check-alerts)\n  %s\n' "$1" "$2" >&2
  exit 1
}

install() {
  rm -rf "$tools"
  mkdir -p "$tools/bin"
  if on_path; then
    ln -s "$(command -v prometheus)" "$(command -v promtool)" "$tools/bin/"
  else
    echo 'downloading Prometheus (20 MB, once) into .firn/parts/prometheus' >&2
    if ! {
      cd "$tools" && apt-get download prometheus && dpkg -x prometheus_*.deb unpacked &&
        mv unpacked/usr/bin/prometheus unpacked/usr/bin/promtool bin/
    } >"$tools/install.log" 2>&1; then
      tail -n 20 "$tools/install.log" >&2
      exit 1
    fi
    rm -rf "$tools/unpacked" "$tools"/prometheus_*.deb
  fi
  "$tools/bin/promtool" --version >/dev/null
  touch "$tools/.done"
}

case ${1-} in
  check) check ;;
  install) install ;;
  *)
    echo "usage: $0 check | install" >&2
    exit 2
    ;;
esac
