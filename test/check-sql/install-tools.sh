#!/bin/sh
# The Python tools of make check-sql, pinned in requirements.txt, in a virtual environment of their own.
#
#   install-tools.sh check     says what is missing on this machine; changes nothing
#   install-tools.sh install   into .firn/parts/sql-tools
#
# When to run which is decided in the Makefile.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../.firn/parts/sql-tools

check() {
  if ! command -v python3 >/dev/null 2>&1; then
    lack 'python3, 3.10 or newer' 'Install the packages "python3" and "python3-venv".'
  fi
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    lack "Python 3.10 or newer; python3 is $(python3 -c 'import platform; print(platform.python_version())')" \
      'Install a newer one, such that "python3" starts it.'
  fi
  # Debian ships venv without what it needs.
  if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then
    lack "venv of $(command -v python3)" 'Install the package "python3-venv".'
  fi
}

lack() {
  printf 'missing: %s (runs sqlfluff and schemachange for make check-sql)\n  %s\n' "$1" "$2" >&2
  exit 1
}

install() {
  echo 'installing sqlfluff and schemachange (about half a minute, once) into .firn/parts/sql-tools' >&2
  rm -rf "$tools"
  mkdir -p "$tools"
  if ! {
    python3 -m venv "$tools" &&
      "$tools/bin/python3" -m pip install --disable-pip-version-check --requirement "$here/requirements.txt"
  } >"$tools/install.log" 2>&1; then
    tail -n 20 "$tools/install.log" >&2
    exit 1
  fi
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
