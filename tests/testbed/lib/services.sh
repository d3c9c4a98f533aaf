# shellcheck shell=bash
# The servers other than Apache.

run_as() { local user=$1; shift; setpriv --reuid="$user" --regid="$user" --init-groups "$@"; } # USER COMMAND...

PGBIN=/usr/lib/postgresql/15/bin
sql() { # PSQL_ARGUMENT...  (on database DB)
    PGOPTIONS=-cclient_min_messages=warning "$PGBIN/psql" -qtAX -v ON_ERROR_STOP=1 \
        -h "$RUN" -p "$P_PG" -U postgres -d "${DB:-postgres}" "$@"
}

folders() {
    mkdir -p "$D"/{bin,certs,etc,krb5,large,log,node,run,state,xrootd,xrdgsi,xrdpool,xrddoor} "$LOG"/trace-{rucio,second}
    chmod 755 "$D"
    chmod 1777 "$LOG" "$RUN" "$LOG"/trace-*          # Apache, PostgreSQL and XRootD write here as themselves
}

create_cluster() {
    [ ! -e "$D/pg/.made" ] || return 0
    rm -rf "$D/pg" "$D/state/loaded" "$D/state/first" # without the catalogue the storage is of no use either
    install -d -o postgres "$D/pg"
    logged initdb run_as postgres "$PGBIN/initdb" -D "$D/pg" -A trust -E UTF8 --locale=C.UTF-8
    touch "$D/pg/.made"
}

start_postgres() {
    create_cluster
    # a testbed need not survive a power cut
    launch postgres setpriv --reuid=postgres --regid=postgres --init-groups \
        "$PGBIN/postgres" -D "$D/pg" -p "$P_PG" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$RUN" \
        -c max_connections=300 -c shared_buffers=256MB \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=4GB
    await postgres
    for _ in $(seq 100); do
        if sql -c 'select 1' >/dev/null 2>&1; then break; fi
        sleep 0.1
    done
    [ -n "$(sql -c "select 1 from pg_roles where rolname = 'rucio'")" ] ||
        sql -c "create role rucio login superuser password 'rucio'"
}

make_realm() {
    kdb5_util create -s -P secret
    kadmin.local -q 'addprinc -pw secret jdoe'
    kadmin.local -q 'addprinc -pw secret rootuser'
    kadmin.local -q 'addprinc -randkey HTTP/localhost'
    kadmin.local -q "ktadd -k $D/krb5/http.keytab HTTP/localhost"
    chgrp www-data "$D/krb5/http.keytab"
    chmod 640 "$D/krb5/http.keytab"
}

start_kdc() {
    local -x KRB5_CONFIG=$ETC/krb5.conf KRB5_KDC_PROFILE=$ETC/kdc.conf
    if [ ! -e "$D/krb5/http.keytab" ]; then
        rm -rf "$D/krb5"
        mkdir "$D/krb5"
        logged realm make_realm
    fi
    launch kdc krb5kdc -n
}

# Everything that can do without the data; Apache follows when the catalogue is there
start_site() {
    local service user=(setpriv --reuid=www-data --regid=www-data --init-groups) waiting=()
    for service in "${SERVICES[@]}"; do
        if ! running "$service" >/dev/null; then waiting+=("$service"); fi
    done
    say "start ${waiting[*]}"
    mkdir -p "$STORE"/{dav/data,davs/data,davs/scratch,multi,posix,s3,scp,scratch,xrddoor} /run/sshd \
        "$STORE"/{xrootd/{xrd1,xrd2,scratch,http},xrdgsi/scratch,xrdpool/{http,door}}
    chown www-data: "$STORE"/{xrootd,xrdgsi,xrdpool,xrddoor} "$STORE"/{xrootd,xrdgsi,xrdpool}/* "$D"/{xrootd,xrdgsi,xrdpool,xrddoor}
    launch memcached memcached -u nobody -l 127.0.0.1 -p "$P_MC" -m 64
    launch memcached2 memcached -u nobody -l 127.0.0.1 -p "$P_MC2" -m 16
    launch oidc node "$HERE/services/idp.mjs"
    launch s3 node "$HERE/services/s3.mjs"
    launch stomp "$VENV/bin/python" "$HERE/services/stomp_sink.py" "$P_STOMP" "$LOG/traces.jsonl"
    launch xrootd "${user[@]}" xrootd -c "$ETC/xrootd.cfg" -n testbed -l "$LOG/xrootd.server.log"
    launch xrdgsi "${user[@]}" xrootd -c "$ETC/xrdgsi.cfg" -n gsi -l "$LOG/xrdgsi.server.log"
    for service in pool door; do
        launch "xrd$service" "${user[@]}" xrootd -c "$ETC/xrd$service.cfg" -n "$service" -l "$LOG/xrd$service.server.log"
        launch "cmsd$service" "${user[@]}" cmsd -c "$ETC/xrd$service.cfg" -n "$service" -l "$LOG/cmsd$service.server.log"
    done
    launch sshd /usr/sbin/sshd -D -e -f "$ETC/sshd_config"
    start_kdc
    start_postgres
    await memcached memcached2 oidc s3 stomp xrootd xrdgsi xrdpool xrddoor cmsddoor sshd kdc
}

# Those who hold connections go before those who serve them
stop_site() { end frail second apache sshd s3 cmsdpool cmsddoor xrdpool xrddoor xrdgsi xrootd oidc kdc stomp memcached2 memcached postgres; }
