#!/bin/sh
# Installs rucio from the unpacked archive, or removes it.
#   ./install.sh [PREFIX]                  # default: /usr/local as root, else ~/.local
#   ./install.sh --uninstall [PREFIX]
set -eu
cd "$(dirname "$0")"
uninstall=
[ "${1:-}" != --uninstall ] || { uninstall=yes; shift; }
case ${1:-} in -*) echo "usage: ./install.sh [--uninstall] [PREFIX]" >&2; exit 2 ;; esac
if [ "$(id -u)" = 0 ]; then prefix=${1:-/usr/local}; else prefix=${1:-$HOME/.local}; fi

files() { find bin share ! -type d; }
if [ -n "$uninstall" ]; then
    files | while read -r file; do rm -f "$prefix/$file"; done
    rmdir "$prefix/share/doc/rucio" 2>/dev/null || true
    echo "removed rucio from $prefix"
    exit
fi
sha256sum --quiet -c SHA256SUMS || { echo "The archive is damaged: please download it again." >&2; exit 1; }
files | while read -r file; do
    mkdir -p "$prefix/$(dirname "$file")"
    # By rename, so that a program that runs is replaced, and an interrupted installation leaves no half file.
    cp -P "$file" "$prefix/$file.new$$"
    mv -f "$prefix/$file.new$$" "$prefix/$file"
done
echo "installed $("$prefix/bin/rucio" --version) as $prefix/bin/rucio"
case :$PATH: in *:"$prefix/bin":*) ;; *) echo "Add it to your path: export PATH=$prefix/bin:\$PATH" ;; esac
