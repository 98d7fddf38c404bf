#!/usr/bin/env bash
# What a release consists of, in target/release-files: the local binary, the three functions as zips
# for each architecture, a list of everything that is in them (SBOM, CycloneDX), and checksums.
#
#   make release                          for arm64 and x86_64
#   make release ARCHITECTURES=x86_64     for one of them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

sbom_version=0.10.0
tools=$PWD/target/tools
files=$PWD/target/release-files
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
host=$(rustc -vV | sed -n 's/^host: //p')

fail() { echo "release: $*" >&2; exit 1; }

[ -x .venv/bin/cargo-lambda ] || fail "there is no .venv/bin/cargo-lambda: run 'make venv'"
export PATH="$PWD/.venv/bin:$PATH"
rm -rf "$files" && mkdir -p "$files"

echo "--- the local binary, for $host"
# Luau is C++: its library goes into the binary, which then runs wherever there is a glibc.
CXXSTDLIB="static:-bundle=stdc++" \
  RUSTFLAGS="-L native=$(dirname "$(${CXX:-c++} -print-file-name=libstdc++.a)")" \
  cargo build --release --locked --package local --target-dir target/release-build
tar --create --gzip --owner 0 --group 0 --numeric-owner --sort name \
  --mtime "@$(git log -1 --format=%ct)" --file "$files/event-hooks-$version-$host.tar.gz" \
  --transform "s,.*/,event-hooks-$version/," target/release-build/release/event-hooks LICENSE README.md

for architecture in ${ARCHITECTURES:-arm64 x86_64}; do
  case $architecture in
    arm64) target=aarch64-unknown-linux-gnu flag=--arm64 ;;
    x86_64) target=x86_64-unknown-linux-gnu flag=--x86-64 ;;
    *) fail "architecture '$architecture' is none of arm64 and x86_64" ;;
  esac
  [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] \
    || fail "there is no Rust for $target: run 'rustup target add $target', or name others with ARCHITECTURES"
  echo "--- the functions, for $architecture"
  cargo lambda build --release --locked $flag --skip-target-check --output-format zip \
    --target-dir target/release-build --lambda-dir "target/release-build/$architecture" \
    --package admin-function --package ingest-function --package dispatcher-function
  for function in admin ingest dispatcher; do
    cp "target/release-build/$architecture/$function/bootstrap.zip" \
      "$files/event-hooks-$version-$function-$architecture.zip"
  done
done

echo "--- what is in them"
"$tools/bin/cargo-sbom" --version 2>/dev/null | grep -q " $sbom_version\$" \
  || CARGO_TARGET_DIR=$tools/build cargo install cargo-sbom --locked --debug --force \
    --version "$sbom_version" --root "$tools"
for package in local admin-function ingest-function dispatcher-function; do
  "$tools/bin/cargo-sbom" --cargo-package "$package" --output-format cyclone_dx_json_1_6 \
    > "$files/event-hooks-$version-${package%-function}.cdx.json"
done

(cd "$files" && sha256sum -- * > SHA256SUMS && cat SHA256SUMS && ls -l)
