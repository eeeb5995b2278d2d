#!/bin/sh
# Fetches the parts of the development stack that npm does not carry: Kafka's jars (Maven) and the S3 server (Go).
#
#   install-parts.sh check-npm   says what is missing on this machine to run npm
#   install-parts.sh check       the same for everything; changes nothing
#   install-parts.sh kafka       jars into .firn/parts/kafka
#   install-parts.sh s3          the binary versitygw into .firn/parts/s3
#
# When to run which is decided in the Makefile; where the parts are looked for, in parts.ts.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
parts=$here/../../.firn/parts
versitygw=v1.8.0

missing=0
lack() {
  printf 'missing: %s\n  %s\n' "$1" "$2" >&2
  missing=1
}

# The first version number of a text: `openjdk version "17.0.15"` is 17.0.15.
number() { sed -n 's/[^0-9]*\([0-9][0-9.]*\).*/\1/p' | head -n 1; }

# at_least HAVE WANT, by major and minor
at_least() {
  printf '%s %s\n' "$1" "$2" |
    awk '{ split($1, h, "."); split($2, w, "."); exit !(h[1] > w[1] || (h[1] == w[1] && h[2] + 0 >= w[2] + 0)) }'
}

check_npm() {
  if ! command -v npm >/dev/null 2>&1; then
    lack npm 'Install Node.js, any version that brings npm: https://nodejs.org, or the package "npm".'
  fi
}

check_java() {
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  remedy='Install one, such as the package "openjdk-17-jre-headless", or set JAVA_HOME.'
  if ! found=$("$java" -version 2>&1); then
    lack 'Java 17 or newer (runs Kafka)' "$remedy"
  else
    have=$(printf '%s\n' "$found" | grep version | number)
    at_least "${have:-0}" 17.0 || lack "Java 17 or newer (runs Kafka); $java is ${have:-unknown}" "$remedy"
  fi
}

check_go() {
  remedy='Install a newer one: https://go.dev/dl'
  if ! found=$(go version 2>&1); then
    lack 'Go 1.21 or newer (builds the S3 server)' "$remedy"
  else
    have=$(printf '%s\n' "$found" | sed 's/.* go\([0-9]\)/\1/' | number)
    at_least "${have:-0}" 1.21 || lack "Go 1.21 or newer (builds the S3 server); go is ${have:-unknown}" "$remedy"
  fi
}

check() {
  check_npm
  check_java
  command -v openssl >/dev/null 2>&1 || lack 'openssl (makes certificates)' 'Install the package "openssl".'
  if [ ! -e "$parts/kafka/.done" ] && ! command -v mvn >/dev/null 2>&1; then
    lack 'Maven (fetches Kafka)' 'Install the package "maven": https://maven.apache.org'
  fi
  [ -e "$parts/s3/.done" ] || check_go
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

kafka() {
  echo 'fetching Apache Kafka (55 MB, about 10 s, once) into .firn/parts/kafka'
  rm -rf "$parts/kafka"
  mkdir -p "$parts/kafka"
  quietly "$parts/kafka/maven.log" mvn --batch-mode --file "$here/kafka-pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$parts/kafka"
  touch "$parts/kafka/.done"
}

s3() {
  echo "building the S3 server versitygw $versitygw (about 2 minutes, once) into .firn/parts/s3"
  rm -rf "$parts/s3"
  mkdir -p "$parts/s3"
  bin=$(cd "$parts/s3" && pwd)
  quietly "$parts/s3/go.log" env GOFLAGS= GOBIN="$bin" go install "github.com/versity/versitygw/cmd/versitygw@$versitygw"
  touch "$parts/s3/.done"
}

case ${1-} in
  check-npm) check_npm ;;
  check) check ;;
  kafka) kafka ;;
  s3) s3 ;;
  *)
    echo "usage: $0 check-npm | check | kafka | s3" >&2
    exit 2
    ;;
esac
exit "$missing"
