#!/bin/sh
# Chromium for make check-page: Debian's package with those that it needs and this machine lacks, unpacked into
# .firn/parts/chromium and not installed, so that it needs no root.
#
#   install-tools.sh check     says what is missing on this machine; changes nothing
#   install-tools.sh install   downloads and unpacks it
#
# When to run which is decided in the Makefile. Where Chromium or Chrome is on the PATH already, that one is taken.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
tools=$here/../../.firn/parts/chromium

check() {
  if [ -e "$tools/.done" ] || on_path >/dev/null; then return; fi
  for tool in apt-get dpkg; do
    if ! command -v "$tool" >/dev/null 2>&1; then
      lack "$tool" 'Install Chromium or Chrome, such that "chromium" or "google-chrome" starts it.'
    fi
  done
  if ! apt-cache show chromium >/dev/null 2>&1; then
    lack 'the package "chromium" in the lists of apt' 'Run "apt-get update" as root, or install Chromium on the PATH.'
  fi
}

on_path() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

lack() {
  printf 'missing: %s (brings Chromium for make check-page)\n  %s\n' "$1" "$2" >&2
  exit 1
}

install() {
  rm -rf "$tools"
  mkdir -p "$tools/bin"
  if on_path >/dev/null; then
    ln -s "$(on_path)" "$tools/bin/chromium"
  else
    echo 'downloading Chromium (120 MB, once) into .firn/parts/chromium' >&2
    if ! unpack >"$tools/install.log" 2>&1; then
      tail -n 20 "$tools/install.log" >&2
      exit 1
    fi
  fi
  "$tools/bin/chromium" --version >/dev/null
  touch "$tools/.done"
}

unpack() (
  set -e
  cd "$tools"
  # What an installation would bring, told without one.
  apt-get install --simulate --no-install-recommends chromium | sed -n 's/^Inst \([^ ]*\) .*/\1/p' >packages
  # shellcheck disable=SC2046 # names of packages hold no spaces
  apt-get download $(cat packages)
  for package in *.deb; do dpkg -x "$package" unpacked; done
  rm -f ./*.deb
  libraries=$(find unpacked/usr/lib -name '*.so*' -exec dirname {} ';' | sort -u | sed 's|^|$here/|' | paste -sd : -)
  cat >bin/chromium <<END
#!/bin/sh
here=\$(cd "\$(dirname "\$0")/.." && pwd)
LD_LIBRARY_PATH="$libraries" exec "\$here/unpacked/usr/lib/chromium/chromium" "\$@"
END
  chmod +x bin/chromium
)

case ${1-} in
  check) check ;;
  install) install ;;
  *)
    echo "usage: $0 check | install" >&2
    exit 2
    ;;
esac
