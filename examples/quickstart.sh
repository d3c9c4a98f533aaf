#!/bin/bash
# The main job, on a real Rucio server on this machine: builds the client, brings the server up, logs in, browses,
# adds a rule, downloads a container and verifies it.
set -euo pipefail
# Links to the system's OpenSSL; without this, OpenSSL is built, too.
export OPENSSL_NO_VENDOR=1
cd "$(dirname "$(readlink -f "$0")")/.."
say() { printf '\n\033[1m== %s (%s s)\033[0m\n' "$*" "$SECONDS"; }
show() { printf '\n$ %s\n' "$*"; "$@"; }

tests/prerequisites build
say "building the client, and meanwhile bringing up the site"
cargo build --release &
build=$!
tests/testbed/testbed up
wait "$build"
eval "$(tests/testbed/testbed env)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work PATH=$PWD/target/release:$PATH RUCIO_CONFIG=$TESTBED_CONFIGS/x509.cfg
cd "$work"

say "log in with a certificate, and browse"
show rucio whoami
show rucio list-rses --rses "tier=1&disk=1"
show rucio list-dids "test:*"
show rucio list-content test:threeways
show rucio list-files test:threeways

say "request a copy"
dataset=user.jdoe:quickstart.$$
show rucio add-dataset "$dataset"
show rucio attach "$dataset" user.jdoe:hello.txt
show rucio add-rules --lifetime 3600 "$dataset" 1 DAVS_SCRATCHDISK
show rucio list-rules "$dataset"

say "download a container from three storage systems"
show rucio download test:threeways
show rucio download test:threeways | tail -3
find threeways -type f -printf '%s %p\n' | sort -k2
say "done: downloaded, and every checksum is the catalogue's"

cat <<'END'

To install what you just tried, in the folder of this repository:

    OPENSSL_NO_VENDOR=1 cargo install --locked --path .   # this build, for this machine, into ~/.cargo/bin
    packaging/build x86_64-gnu                            # packages for other machines, into target/packages

README.md has the command for each package.
END
