#!/bin/sh
# rucio-admin is rucio under another name. A wheel cannot hold a link, and only bash can start a program under another name.
rucio=${0%/*}/rucio
[ ! -x /bin/bash ] || exec /bin/bash -c 'exec -a "$0" "$@"' "$0" "$rucio" "$@"
exec "$rucio" admin "$@"
