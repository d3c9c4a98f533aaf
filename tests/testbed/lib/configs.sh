# shellcheck shell=bash
# Configuration files: of the two Rucio servers, of the other servers, and of the clients.

make_configs() {
    mkdir -p "$ETC/client"
    rucio_server_config rucio "$P_RUCIO" "$P_MC" >"$ETC/rucio.cfg"
    rucio_server_config second "$P_SECOND" "$P_MC2" >"$ETC/second.cfg"
    identity_provider "$P_RUCIO" >"$ETC/idpsecrets-rucio.json"
    identity_provider "$P_SECOND" >"$ETC/idpsecrets-second.json"
    alembic_config rucio >"$ETC/alembic-rucio.ini"
    alembic_config second >"$ETC/alembic-second.ini"
    [ -e "$ETC/rse-accounts.cfg" ] || echo '{}' >"$ETC/rse-accounts.cfg"
    [ -e "$ETC/gcs.json" ] || google_account >"$ETC/gcs.json"
    client_configs
    kerberos_configs
    xrootd_config >"$ETC/xrootd.cfg"
    xrootd_gsi_config >"$ETC/xrdgsi.cfg"
    xrootd_pool_config >"$ETC/xrdpool.cfg"
    xrootd_door_config >"$ETC/xrddoor.cfg"
    # it runs as another user and accepts no key that others may read
    install -m 400 -o www-data "$CERTS/host.key.pem" "$ETC/xrootd.key.pem"
    grid_ca
    logged gsi-host gsi_host
    ssh_configs
}

# ---- Rucio servers -----------------------------------------------------------------------------

# Servers before 37 use another driver of the database.
database_url() { # DATABASE
    local driver=psycopg
    [ "$RUCIO_RELEASE" -ge 37 ] || driver=psycopg2
    echo "postgresql+$driver://rucio:rucio@127.0.0.1:$P_PG/$1"
}

rucio_server_config() { # DATABASE PORT MEMCACHED_PORT
    local endpoints=(
        accountlimits accounts archives auth config credentials dids dirac export heartbeats identities import
        lifetime_exceptions locks meta_conventions metrics nongrid_traces ping redirect
        replicas requests rses rules scopes subscriptions traces vos
    )
    [ "$RUCIO_RELEASE" -lt 38 ] || endpoints+=(opendata opendata_public)
    cat <<CFG
[common]
logdir = $LOG
loglevel = ${TESTBED_LOGLEVEL:-INFO}
mailtemplatedir = $VENV/rucio/etc/mail_templates

[database]
default = $(database_url "$1")
pool_size = 10
max_overflow = 10
pool_recycle = 3600
pool_reset_on_return = rollback
echo = false

[alembic]
cfg = $ETC/alembic-$1.ini

# Each server has its own: checked tokens are kept there
[cache]
url = 127.0.0.1:$3

[api]
endpoints = $(printf '%s, ' "${endpoints[@]}" | sed 's/, $//')

[bootstrap]
userpass_identity = ddmlab
userpass_pwd = secret
userpass_email = root@testbed.local
x509_identity = CN=Rucio Root,O=Testbed
x509_email = root@testbed.local
gss_identity = rootuser@$REALM
gss_email = root@testbed.local
ssh_identity = $(cat "$CERTS/id_rsa.pub")
ssh_email = root@testbed.local

[accounts]
special_accounts = panda, tier0

[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = hash
support = testbed@localhost
support_rucio = testbed@localhost

[oidc]
idpsecrets = $ETC/idpsecrets-$1.json
admin_issuer = testbed

[credentials]
gcs = $ETC/gcs.json

[conveyor]
scheme = https,davs,root,http,file,mock
transfertool = mock
cacert = $CERTS/ca.pem
usercert = $CERTS/root.proxy.pem

[opendata]
rse_expression = OpenData=True

[transmogrifier]
maxdids = 100000

$(for section in trace nongrid-trace; do
        printf '[%s]\ntracedir = %s\nbrokers = 127.0.0.1\nport = %s\n' "$section" "$LOG/trace-$1" "$P_STOMP"
        printf 'username = none\npassword = none\ntopic = /topic/none\n\n'
    done)

# For seed.py and the daemons, which are clients of their own server
$(client_section "$2" root userpass "username = ddmlab" "password = secret" \
        "client_cert = $CERTS/root.pem" "client_key = $CERTS/root.key.pem" "client_x509_proxy = $CERTS/root.proxy.pem")

[test]
cacert = $CERTS/ca.pem
usercert = $CERTS/root.pem
userkey = $CERTS/root.key.pem
CFG
}

# The key that signs URLs of Google Cloud Storage, which does not know it
google_account() {
    local key
    key=$(openssl genrsa 2048 2>/dev/null | sed 's/$/\\n/' | tr -d '\n')
    cat <<CFG
{
  "type": "service_account",
  "client_email": "rucio@testbed.local",
  "token_uri": "https://localhost/token",
  "private_key": "$key"
}
CFG
}

identity_provider() { # PORT
    cat <<CFG
{
  "testbed": {
    "issuer": "https://localhost:$P_OIDC",
    "client_id": "rucio",
    "client_secret": "rucio-secret",
    "redirect_uris": ["https://localhost:$1/auth/oidc_code", "https://localhost:$1/auth/oidc_token"],
    "SCIM": {"client_id": "rucio-admin", "client_secret": "rucio-admin-secret", "grant_type": "client_credentials"}
  }
}
CFG
}

alembic_config() { # DATABASE
    cat <<CFG
[alembic]
sqlalchemy.url = $(database_url "$1")
script_location = $SITE/rucio/db/sqla/migrate_repo/
[loggers]
keys = root
[handlers]
keys = stderr
[formatters]
keys = short
[logger_root]
level = WARN
handlers = stderr
[handler_stderr]
class = StreamHandler
args = (sys.stderr,)
formatter = short
[formatter_short]
format = %(levelname)s %(message)s
CFG
}

# ---- clients: one file for each way of logging in --------------------------------------------------

client_section() { # PORT ACCOUNT AUTH_TYPE LINE...
    printf '[client]\nrucio_host = https://localhost:%s\nauth_host = https://localhost:%s\n' "$1" "$1"
    printf 'ca_cert = %s\naccount = %s\nauth_type = %s\nrequest_retries = 3\n' "$CERTS/ca.pem" "$2" "$3"
    printf '%s\n' "${@:4}"
}

client_config() { # NAME ACCOUNT AUTH_TYPE LINE...
    {
        client_section "${PORT:-$P_RUCIO}" "${@:2}"
        printf '\n[policy]\nlfn2pfn_algorithm_default = hash\n'
    } >"$ETC/client/$1.cfg"
}

client_configs() {
    local oidc=('oidc_scope = openid profile offline_access' 'oidc_audience = rucio' 'oidc_issuer = testbed')
    local way cert="client_cert = $CERTS/jdoe.pem" jdoe=('username = jdoe' 'password = secret')
    client_config root root userpass 'username = ddmlab' 'password = secret'
    client_config userpass jdoe userpass "${jdoe[@]}"
    client_config x509 jdoe x509 "$cert" "client_key = $CERTS/jdoe.key.pem"
    client_config x509_encrypted jdoe x509 "$cert" "client_key = $CERTS/jdoe.encrypted.key.pem"
    client_config x509_proxy jdoe x509_proxy "client_x509_proxy = $CERTS/jdoe.proxy.pem"
    client_config ssh jdoe ssh "ssh_private_key = $CERTS/id_rsa"
    client_config gss jdoe gss
    client_config oidc jdoe oidc "${oidc[@]}" 'oidc_polling = true'
    client_config oidc_code jdoe oidc "${oidc[@]}"
    for way in device browser; do
        client_config "oidc_$way" jdoe oidc "${oidc[@]:0:2}" "oidc_login = $way" \
            "oidc_provider = https://localhost:$P_OIDC" 'oidc_client_id = rucio-cli'
    done
    PORT=$P_SECOND client_config second jdoe userpass "${jdoe[@]}"
    client_config lifetime jdoe userpass "${jdoe[@]}" '[cli]' 'endpoints_add = lifetime-exception'
}

# ---- the other servers ---------------------------------------------------------------------------

kerberos_configs() {
    cat >"$ETC/krb5.conf" <<CFG
[libdefaults]
 default_realm = $REALM
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
[realms]
 $REALM = {
  kdc = 127.0.0.1:$P_KDC
 }
[domain_realm]
 localhost = $REALM
CFG
    cat >"$ETC/kdc.conf" <<CFG
[realms]
 $REALM = {
  database_name = $D/krb5/principal
  key_stash_file = $D/krb5/stash
  kdc_listen = 127.0.0.1:$P_KDC
  kdc_tcp_listen = 127.0.0.1:$P_KDC
 }
CFG
}

# All XRootD servers but one are anonymous, and speak http and https on one port: the first bytes tell which.
xrootd_common() { # SERVICE PORT
    cat <<CFG
all.export /
all.adminpath $D/$1
all.pidpath $D/$1
oss.localroot $STORE/$1
if exec xrootd
xrd.port $2
fi
xrd.network nodnr
xrd.tls $CERTS/host.pem $ETC/xrootd.key.pem
xrd.tlsca certfile $CERTS/ca.pem
xrootd.seclib libXrdSec.so
CFG
}

# Computes checksums itself
xrootd_config() {
    xrootd_common xrootd "$P_XRD"
    cat <<CFG
xrootd.chksum adler32
xrd.protocol http:$P_XRDHTTP libXrdHttp.so
CFG
}

# Requires a certificate or proxy
xrootd_gsi_config() {
    xrootd_common xrdgsi "$P_XRDGSI"
    cat <<CFG
xrootd.chksum adler32
sec.protparm gsi -certdir:$ETC/grid-ca -cert:$ETC/xrdgsi.pem -key:$ETC/xrdgsi.key.pem -crl:0 -gmapopt:10 -vomsat:0
sec.protocol gsi
sec.protbind * gsi
CFG
}

# A certificate of its own: gsi of XRootD 5.5 reads one that is valid beyond January 2038 again for each login.
gsi_host() {
    openssl req -newkey rsa:2048 -nodes -keyout "$ETC/xrdgsi.key.pem" -out "$ETC/xrdgsi.csr" -subj /O=Testbed/CN=localhost
    openssl x509 -req -days 3650 -set_serial "$(date +%s)" -in "$ETC/xrdgsi.csr" -out "$ETC/xrdgsi.pem" \
        -CA "$CERTS/ca.pem" -CAkey "$CERTS/ca.key.pem" -extfile <(echo subjectAltName=DNS:localhost,IP:127.0.0.1)
    chmod 400 "$ETC/xrdgsi.key.pem"
    chown www-data "$ETC/xrdgsi.key.pem"
}

# The CA as gsi wants it: without a policy it accepts none of its certificates
grid_ca() {
    rm -rf "$ETC/grid-ca"
    mkdir "$ETC/grid-ca"
    cp "$CERTS/ca.pem" "$ETC/grid-ca/"
    openssl rehash "$ETC/grid-ca"
    local hash
    hash=$(openssl x509 -in "$CERTS/ca.pem" -noout -hash)
    cat >"$ETC/grid-ca/$hash.signing_policy" <<CFG
access_id_CA X509 '/O=Testbed/CN=Testbed CA'
pos_rights globus CA:sign
cond_subjects globus '"/O=Testbed/*"'
CFG
}

# Without checksums: refuses who asks for one. Also reached through the door, which redirects to it.
xrootd_pool_config() {
    xrootd_common xrdpool "$P_XRDPOOL"
    cat <<CFG
all.role server
all.manager localhost:$P_CMSD
# by default the manager selects no server with less than 10 GB free: writing ends with 404
cms.space min 1m 2m
if exec cmsd
xrd.port any
fi
if exec xrootd
xrd.protocol http:$P_XRDPOOL libXrdHttp.so
fi
CFG
}

xrootd_door_config() {
    xrootd_common xrddoor "$P_XRDDOOR"
    cat <<CFG
all.role manager
all.manager localhost:$P_CMSD
cms.allow host *
cms.space min 1m 2m
cms.delay startup 1 lookup 1 full 1 hold 200 servers 1
if exec cmsd
xrd.port $P_CMSD
fi
if exec xrootd
xrd.protocol http:$P_XRDDOOR libXrdHttp.so
fi
CFG
}

# The server, and ssh and scp for the client's PATH that bring the key and know the host
ssh_configs() {
    local program
    cat >"$ETC/sshd_config" <<CFG
Port $P_SSHD
ListenAddress 127.0.0.1
HostKey $CERTS/host.key.pem
AuthorizedKeysFile $CERTS/id_rsa.pub
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
StrictModes no
PidFile none
Subsystem sftp internal-sftp
CFG
    cat >"$ETC/ssh_config" <<CFG
Host localhost
  IdentityFile $CERTS/id_rsa
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
CFG
    mkdir -p "$D/bin"
    for program in ssh scp; do
        printf '#!/bin/sh\nexec /usr/bin/%s -F %s "$@"\n' $program "$ETC/ssh_config" >"$D/bin/$program"
        chmod +x "$D/bin/$program"
    done
}

# ---- variables for the tests -----------------------------------------------------------------------

print_env() {
    cat <<OUT
export TESTBED_DIR=$D
export TESTBED_RUCIO_VERSION=$RUCIO_VERSION     # of the servers
export TESTBED_CONFIGS=$ETC/client              # root, jdoe: userpass x509 x509_encrypted x509_proxy ssh gss oidc
                                                # oidc_code oidc_device oidc_browser, lifetime (has that
                                                # command); at the second server: second (.cfg)
export RUCIO_CONFIG=$ETC/client/userpass.cfg    # jdoe, by password
export TESTBED_SERVER_CONFIG=$ETC/rucio.cfg
export TESTBED_CERTS=$CERTS                     # see README.md
export TESTBED_VENV=$VENV                       # the servers' Python, with the daemons
export TESTBED_CLIENT_VENV=$CLIENT_VENV         # the official client
export TESTBED_STORAGE=$STORE                   # dav davs xrootd xrdpool posix scp s3: what the storage servers serve
export TESTBED_LOGS=$LOG                        # apache.access.log, second.access.log, traces.jsonl, s3.log, ...
export TESTBED_URL=https://localhost:$P_RUCIO
export TESTBED_SECOND_URL=https://localhost:$P_SECOND
export TESTBED_LATE12_URL=https://localhost:$P_LATE12 # requests certificates after the handshake, in TLS 1.2
export TESTBED_LATE13_URL=https://localhost:$P_LATE13 # in TLS 1.3
export TESTBED_FRAIL_URL=https://localhost:$P_FRAIL # the first server; its process may be killed
export TESTBED_DAVS=https://localhost:$P_DAVS
export TESTBED_DAV=http://localhost:$P_DAV
export TESTBED_XROOTD=root://localhost:$P_XRD/
export TESTBED_XRDGSI=root://localhost:$P_XRDGSI/
export TESTBED_XRDHTTP=https://localhost:$P_XRDHTTP # the same server
export TESTBED_XRDPOOL=https://localhost:$P_XRDPOOL # without checksums
export TESTBED_XRDDOOR=https://localhost:$P_XRDDOOR # redirects to it
export TESTBED_S3=https://localhost:$P_S3
export TESTBED_OIDC=https://localhost:$P_OIDC
export TESTBED_PG=postgresql://rucio:rucio@127.0.0.1:$P_PG/rucio
export TESTBED_SSH_PORT=$P_SSHD
export KRB5_CONFIG=$ETC/krb5.conf               # echo secret | kinit jdoe
export X509_USER_PROXY=$CERTS/jdoe.proxy.pem    # DAVS wants a certificate or a JWT
export X509_CERT_DIR=$CERTS/ca
export REQUESTS_CA_BUNDLE=$CERTS/bundle.pem
export PATH=$D/bin:\$PATH                       # ssh and scp with the key
OUT
}

# Follow the redirects as a browser does; the provider logs in whom the cookie names, and asks nothing. Its page for
# devices has a form, which is sent as its script would.
idp_login() { # URL [USER]
    [ $# -gt 0 ] || die "idp-login needs the URL which the client printed"
    local jar page browser
    jar=$(mktemp)
    # shellcheck disable=SC2064
    trap "rm -f '$jar'" EXIT
    browser=(curl -sSL --cacert "$CERTS/ca.pem" -c "$jar" -b "$jar" -b "testbed_user=${2:-jdoe}")
    case $1 in
        *user_code=*)
            page=$("${browser[@]}" "$1")
            [[ $page =~ name=\"xsrf\"\ value=\"([0-9a-f]+)\" ]] || die "no form for a device: $page"
            "${browser[@]}" --data "xsrf=${BASH_REMATCH[1]}&user_code=${1#*user_code=}&confirm=yes" "${1%%\?*}"
            ;;
        *) "${browser[@]}" "$1" ;;
    esac
    echo
}
