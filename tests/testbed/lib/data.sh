# shellcheck shell=bash
# The first load of the data, and the way back to it.
#
# The first state is kept as two more databases in the same cluster (rucio_first, second_first: a copy of a database
# takes a second) and as an archive of the storage folders.

FIRST_DB=(rucio second)

# Of what services are started with and configured by.
scripts_version() { cat "$HERE"/lib/*.sh "$HERE"/services/* | md5sum | cut -c1-12; }

seed_version() { md5sum <"$HERE/seed.py" | cut -c1-12; echo "$FULL $P_RUCIO"; }

# state/first: there is a first state, and it is that of this seed.py. state/loaded: it is in use.
load_data() { # SEED_VERSION
    if [ -e "$D/state/loaded" ]; then
        [ "$(cat "$D/state/loaded")" = "$1" ] || say "the data is of another seed.py; reset would load it again"
        return 0
    fi
    if [ "$(cat "$D/state/first" 2>/dev/null)" = "$1" ]; then
        say "restore the first state"
        restore
        echo "$1" >"$D/state/loaded"
    else
        create_catalogues
    fi
}

copy_database() { # FROM TO
    sql -c "drop database if exists $2 with (force)"
    sql -c "create database $2 template $1 owner rucio strategy file_copy"
}

restore() {
    local database
    for database in "${FIRST_DB[@]}"; do copy_database "${database}_first" "$database"; done
    tar xf "$D/state/first.tar" -C "$D"
    large_files
}

# An empty catalogue that knows root, twice
create_catalogues() {
    say "two empty catalogues"
    rm -f "$D/state/first"
    sql -c 'drop database if exists rucio with (force)' -c 'create database rucio owner rucio'
    logged catalogue env RUCIO_CONFIG="$ETC/rucio.cfg" RUCIO_HOME="$D" "$VENV/bin/python" -c '
from rucio.db.sqla.util import build_database, create_base_vo, create_root_account
build_database()
create_base_vo()
create_root_account()'
    copy_database rucio second
}

large_files() {
    [ "$FULL" = 1 ] || return 0
    logged large "$VENV/bin/python" "$HERE/seed.py" large
}

run_seed() { # SERVER [ARGUMENT]
    logged "seed-$1" env RUCIO_HOME="$D" RUCIO_CONFIG="$ETC/$1.cfg" REQUESTS_CA_BUNDLE="$CERTS/bundle.pem" \
        X509_USER_PROXY="$CERTS/root.proxy.pem" "$VENV/bin/python" "$HERE/seed.py" "${@:2}"
}

# A dump and not a copy: the servers are connected, and a database in use cannot be copied
keep_database() { # NAME
    sql -c "drop database if exists $1_first with (force)" -c "create database $1_first owner rucio"
    "$PGBIN/pg_dump" -h "$RUN" -p "$P_PG" -U postgres "$1" | DB=$1_first sql
    DB=$1_first sql -c analyze
}

# The part that needs the servers
finish_data() { # SEED_VERSION
    [ ! -e "$D/state/loaded" ] || return 0
    say "accounts, RSEs, files"
    local second database
    run_seed second second &
    second=$!
    run_seed rucio
    wait $second || die "the second server could not be filled"
    say "keep the first state"
    for database in "${FIRST_DB[@]}"; do logged "keep-$database" keep_database "$database"; done
    tar cf "$D/state/first.tar" -C "$D" --exclude=2g.dat storage etc/rse-accounts.cfg
    echo "$1" | tee "$D/state/first" >"$D/state/loaded"
}

forget_data() {
    # thousands of files: out of the way at once, removed in the background
    [ ! -e "$STORE" ] || mv "$STORE" "$(mktemp -d "$D/trash.XXXX")"
    setsid rm -rf "$D"/trash.* >/dev/null 2>&1 </dev/null 9>&- &
    rm -rf "$D/state/loaded" "$LOG"/trace-* "$LOG"/*.access.log "$LOG"/*.error.log "$LOG/traces.jsonl"
}
