# shellcheck shell=bash disable=SC2034  # the other files read the settings
# Settings, progress lines, and processes that are remembered well enough to end no one else's.

settings() { # [DIR]
    D=$(readlink -m "${1:-${TESTBED_DIR:-/tmp/rucio-testbed}}")
    RUCIO_VERSION=${RUCIO_VERSION:-41.5.1}      # of the servers
    RUCIO_RELEASE=${RUCIO_VERSION%%.*}
    CLIENT_VERSION=41.5.1                       # of the official client
    REALM=TESTBED.LOCAL
    FULL=${TESTBED_FULL:-1}                     # 0: leave out the large datasets of scope bench

    local base=${TESTBED_PORT_BASE:-19440}
    P_RUCIO=$((base + 3)) P_SECOND=$((base + 4)) P_DAVS=$((base + 5)) P_DAV=$((base + 6))
    P_OIDC=$((base + 7)) P_XRD=$((base + 8)) P_PG=$((base + 9)) P_S3=$((base + 10))
    P_KDC=$((base + 11)) P_MC=$((base + 12)) P_SSHD=$((base + 13)) P_STOMP=$((base + 14))
    P_MC2=$((base + 15)) P_FRAIL=$((base + 16))
    P_XRDHTTP=$((base + 17)) P_XRDPOOL=$((base + 18)) P_XRDDOOR=$((base + 19)) P_CMSD=$((base + 20))
    P_LATE12=$((base + 21)) P_LATE13=$((base + 22)) P_XRDGSI=$((base + 23))
    # read by seed.py, idp.mjs and s3.mjs
    export D FULL RUCIO_RELEASE P_RUCIO P_SECOND P_DAVS P_DAV P_OIDC P_XRD P_PG P_S3 P_SSHD P_XRDHTTP P_XRDPOOL P_XRDDOOR P_XRDGSI

    CERTS=$D/certs ETC=$D/etc LOG=$D/log RUN=$D/run STORE=$D/storage
    VENV=$D/venv CLIENT_VENV=$D/client-venv
    SITE=$VENV/lib/python3.11/site-packages
}

say() { printf '[testbed %3ds] %s\n' "$SECONDS" "$*" >&2; }
die() { say "$*"; exit 1; }

# Run a command with its output in a log; when it fails, show the end of that log and give up.
logged() { # LOG COMMAND...
    local log=$LOG/$1.log
    shift
    # in the background, because bash forgets `set -e` inside a function whose result is tested
    "$@" >"$log" 2>&1 </dev/null 9>&- &
    if wait $!; then return; fi
    say "failed: $* -- the end of $log:"
    tail -n 25 "$log" >&2
    exit 1
}

# Registries have bad moments.
retry() { # COMMAND...
    local pause
    for pause in 3 10 30; do
        "$@" && return
        echo "[testbed] failed, again in ${pause}s: $*"
        sleep "$pause"
    done
    "$@"
}

# Two `up` in one folder would trip over each other. Closed again in every child, or the servers would hold the lock.
one_at_a_time() {
    mkdir -p "$D"
    exec 9>"$D/.lock"
    flock -w 600 9 || die "another testbed command is at work in $D"
}

# ---- processes -------------------------------------------------------------------------------

SERVICES=(postgres memcached memcached2 stomp kdc oidc xrootd xrdgsi xrdpool xrddoor cmsddoor cmsdpool s3 sshd apache second frail)

ports_of() { # SERVICE
    case $1 in
        postgres) echo "$P_PG" ;;
        memcached) echo "$P_MC" ;;
        memcached2) echo "$P_MC2" ;;
        stomp) echo "$P_STOMP" ;;
        kdc) echo "$P_KDC" ;;
        oidc) echo "$P_OIDC" ;;
        xrootd) echo "$P_XRD $P_XRDHTTP" ;;
        xrdgsi) echo "$P_XRDGSI" ;;
        xrdpool) echo "$P_XRDPOOL" ;;
        xrddoor) echo "$P_XRDDOOR" ;;
        cmsddoor) echo "$P_CMSD" ;;
        cmsdpool) ;;                              # on any port
        s3) echo "$P_S3" ;;
        sshd) echo "$P_SSHD" ;;
        apache) echo "$P_RUCIO $P_DAV $P_DAVS $P_LATE12 $P_LATE13" ;;
        second) echo "$P_SECOND" ;;
        frail) echo "$P_FRAIL" ;;
    esac
}

# A pid alone may be someone else's by now: the start time (field 22 of stat) identifies it. A zombie does not count.
started_at() { # PID
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "$1" != Z ] && echo "${20}"
}

remember() { echo "$2 $(started_at "$2")" >"$RUN/$1.pid"; } # SERVICE PID

running() { # SERVICE -> its pid
    local pid time
    read -r pid time 2>/dev/null <"$RUN/$1.pid" || return 1
    [ -n "$time" ] && [ "$(started_at "$pid")" = "$time" ] && echo "$pid"
}

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; } # PORT

free_ports() { # SERVICE
    local port
    for port in $(ports_of "$1"); do
        if listening "$port"; then die "port $port, wanted for $1, is taken (set TESTBED_PORT_BASE)"; fi
    done
}

check_ports() {
    local service
    for service in "${SERVICES[@]}"; do running "$service" >/dev/null || free_ports "$service"; done
}

launch() { # SERVICE COMMAND...
    local service=$1
    shift
    if running "$service" >/dev/null; then return; fi
    free_ports "$service"
    setsid "$@" >"$LOG/$service.log" 2>&1 </dev/null 9>&- &
    remember "$service" $!
}

await() { # SERVICE...
    local service port
    for service; do
        for port in $(ports_of "$service"); do
            for _ in $(seq 300); do
                listening "$port" && continue 2
                running "$service" >/dev/null || break
                sleep 0.1
            done
            say "$service did not open port $port -- the end of $LOG/$service.log:"
            tail -n 25 "$LOG/$service.log" >&2
            exit 1
        done
    done
}

end() { # SERVICE...
    local service pid pids=() signal
    for service; do
        if ! pid=$(running "$service"); then continue; fi
        signal=TERM
        [ "$service" != postgres ] || signal=INT        # "fast": does not wait for its clients
        kill -s "$signal" "$pid" 2>/dev/null || true
        pids+=("$service")
    done
    for service in "${pids[@]}"; do
        for _ in $(seq 100); do
            running "$service" >/dev/null || break
            sleep 0.1
        done
        if pid=$(running "$service"); then kill -s KILL "$pid" 2>/dev/null || true; fi
        rm -f "$RUN/$service.pid"
    done
    [ ${#pids[@]} -eq 0 ] || say "ended: ${pids[*]}"
}

all_up() {
    local service
    for service in "${SERVICES[@]}"; do running "$service" >/dev/null || return 1; done
    [ -e "$D/state/loaded" ]
}

status() {
    local service pid result=0
    for service in "${SERVICES[@]}"; do
        if pid=$(running "$service"); then pid="up, pid $pid"; else pid=down result=3; fi
        printf '%-11s %-19s %s\n' "$service" "$(ports_of "$service")" "$pid"
    done
    if [ -e "$D/state/loaded" ]; then echo "data        loaded"; else echo "data        not loaded"; result=3; fi
    return $result
}
