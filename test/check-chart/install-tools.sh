#!/bin/sh
# The tools of make check-chart, each at one version: Helm, kube-score and the Kubernetes API server built by Go, etcd from Debian.
#
#   install-tools.sh check        says what is missing on this machine; changes nothing
#   install-tools.sh helm         into .firn/parts/helm (about 4 minutes)
#   install-tools.sh kube-score   into .firn/parts/kube-score (half a minute)
#   install-tools.sh kubernetes   kube-apiserver and etcd into .firn/parts/kubernetes (about 8 minutes)
#
# When to run which is decided in the Makefile. An etcd 3.4 or newer on the PATH is taken instead of Debian's.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
parts=$here/../../.firn/parts
helm=v3.22.0
kube_score=v1.20.0
# Of Kubernetes itself, and of the modules that are released along with it.
kubernetes=v1.34.4
staging=v0.34.4

missing=0
lack() {
  printf 'missing: %s\n  %s\n' "$1" "$2" >&2
  missing=1
}

check() {
  if ! command -v go >/dev/null 2>&1; then
    lack 'Go 1.25 or newer (builds Helm, kube-score and the Kubernetes API server for make check-chart)' \
      'Install one: https://go.dev/dl'
  elif ! go version | awk '{ split(substr($3, 3), v, "."); exit !(v[1] > 1 || v[2] >= 25) }'; then
    lack "Go 1.25 or newer; go is $(go version | awk '{ print $3 }')" 'Install a newer one: https://go.dev/dl'
  fi
  if [ ! -e "$parts/kubernetes/.done" ] && ! command -v etcd >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1; then
      lack 'etcd 3.4 or newer (the Kubernetes API server keeps its objects in it)' \
        'Put one on the PATH: https://github.com/etcd-io/etcd/releases'
    fi
  fi
}

# What a tool says is of use only where it fails: quietly LOG COMMAND...
quietly() {
  log=$1
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
  fi
}

# begin NAME: an empty folder for the part, whose path is then in $bin
begin() {
  rm -rf "${parts:?}/$1"
  mkdir -p "$parts/$1"
  bin=$(cd "$parts/$1" && pwd)
}

built() {
  begin "$1"
  echo "building $1 ($3, once) into .firn/parts/$1" >&2
  quietly "$bin/go.log" env GOBIN="$bin" go install "$2"
  touch "$bin/.done"
}

# The API server's module names the modules released with it only by where they lie in its own tree: each is named here anew.
kubernetes() {
  begin kubernetes
  echo 'building the Kubernetes API server (about 8 minutes, once) into .firn/parts/kubernetes' >&2
  mkdir "$bin/module"
  cd "$bin/module"
  {
    go mod init firn.invalid/kubernetes
    go mod edit -require="k8s.io/kubernetes@$kubernetes"
    go mod download "k8s.io/kubernetes@$kubernetes"
  } >"$bin/go.log" 2>&1 || {
    tail -n 20 "$bin/go.log" >&2
    exit 1
  }
  gomod=$(go list -m -f '{{.GoMod}}' "k8s.io/kubernetes@$kubernetes")
  for module in $(sed -n 's|.*\(k8s.io/[a-z-]*\) => ./staging/.*|\1|p' "$gomod"); do
    go mod edit -replace="$module=$module@$staging"
  done
  printf 'package main\n\nimport _ "k8s.io/kubernetes/cmd/kube-apiserver/app"\n\nfunc main() {}\n' >main.go
  quietly "$bin/go.log" go mod tidy
  quietly "$bin/go.log" go build -o "$bin/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver
  cd "$bin"
  if command -v etcd >/dev/null 2>&1; then
    ln -s "$(command -v etcd)" etcd
  else
    mkdir debian
    cd debian
    quietly "$bin/apt.log" apt-get download etcd-server
    quietly "$bin/apt.log" dpkg -x etcd-server_*.deb .
    mv usr/bin/etcd "$bin/etcd"
  fi
  rm -rf "$bin/module" "$bin/debian"
  touch "$bin/.done"
}

case ${1-} in
  check) check ;;
  helm) built helm "helm.sh/helm/v3/cmd/helm@$helm" 'about 4 minutes' ;;
  kube-score) built kube-score "github.com/zegl/kube-score/cmd/kube-score@$kube_score" 'about half a minute' ;;
  kubernetes) kubernetes ;;
  *)
    echo "usage: $0 check | helm | kube-score | kubernetes" >&2
    exit 2
    ;;
esac
exit "$missing"
