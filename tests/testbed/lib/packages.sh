# shellcheck shell=bash
# What has to be on the machine: Debian packages, two Python environments, two node modules.

APT_PACKAGES=(
    apache2 libapache2-mod-wsgi-py3 libapache2-mod-auth-gssapi postgresql memcached
    xrootd-server xrootd-client xrootd-scitokens-plugins krb5-kdc krb5-admin-server krb5-user openssh-server openssh-client
    openssl curl ca-certificates python3-venv libmagic1 gcc libc6-dev
)
# Debian's own kerberos modules spare the official client a compiler run
GSS_PACKAGES=(python3-requests-kerberos python3-kerberos)

missing_packages() {
    local want=("${APT_PACKAGES[@]}" "${GSS_PACKAGES[@]}") package
    command -v node >/dev/null || want+=(nodejs)
    command -v npm >/dev/null || want+=(npm)
    for package in "${want[@]}"; do
        [ "$(dpkg-query -Wf '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

need_root_on_debian() {
    local system missing
    # shellcheck source=/dev/null
    system=$(. /etc/os-release 2>/dev/null; echo "${ID:-an unknown system} ${VERSION_ID:-}")
    if [ "$system" != 'debian 12' ]; then
        say "the testbed is written for Debian 12, and this is $system."
        say "Run it in a Debian 12 container or machine as root; there it installs with apt:"
        die "    ${APT_PACKAGES[*]} ${GSS_PACKAGES[*]} nodejs npm"
    fi
    [ "$(id -u)" != 0 ] || return 0
    missing=$(missing_packages | tr '\n' ' ')
    say "the testbed has to run as root: its servers use the users postgres, www-data and nobody."
    [ -z "$missing" ] || say "not installed on this machine yet: $missing"
    die "do: sudo $HERE/testbed up $D"
}

apt_install() { # PACKAGE...
    retry apt-get -q -o Acquire::Retries=3 update &&
        retry env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 \
            install --no-install-recommends "$@"
}

# apt must not start the servers it installs: ours have their own folders and ports.
apt_packages() { # LOG PACKAGE...
    local log=$1 policy=/usr/sbin/policy-rc.d
    shift
    say "apt: $*"
    if [ ! -e $policy ]; then
        # shellcheck disable=SC2064
        trap "rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    logged "$log" apt_install "$@"
}

python_env() { # FOLDER LOG REQUIREMENT...
    local folder=$1 log=$2
    shift 2
    [ "$(cat "$folder/.installed" 2>/dev/null)" != "$*" ] || return 0
    say "pip: $*"
    # Debian's python: mod_wsgi is linked with that one, and its ssl module works
    logged "$log" /usr/bin/python3 -m venv --clear "$folder"
    logged "$log" retry "$folder/bin/pip" -q --disable-pip-version-check install --prefer-binary "$@"
    echo "$*" >"$folder/.installed"
}

# Some servers are only there as source, whose setup.py imports a module that newer versions of setuptools lack.
old_setuptools() {
    [ "$RUCIO_RELEASE" -le 36 ] || return 0
    echo 'setuptools<80' >"$D/constraints.txt"
    export PIP_CONSTRAINT=$D/constraints.txt
}

node_modules() {
    [ ! -e "$D/node/.installed" ] || return 0
    say "npm: oidc-provider s3rver"
    mkdir -p "$D/node"
    logged npm retry npm install --prefix "$D/node" --no-audit --no-fund --no-update-notifier oidc-provider@8 s3rver@3
    touch "$D/node/.installed"
}

# The official client's `gss` login wants modules which pip would have to compile: borrow Debian's.
borrow_kerberos() {
    local site=$CLIENT_VENV/lib/python3.11/site-packages from=/usr/lib/python3/dist-packages module
    for module in "$from"/requests_kerberos "$from"/kerberos*.so; do
        [ ! -e "$module" ] || ln -sfn "$module" "$site/"
    done
}

install_packages() {
    local missing first=() rest=() package job jobs=() failed=0
    mapfile -t missing < <(missing_packages)
    # what pip needs comes first; then apt and npm on one side, pip on the other
    for package in "${missing[@]}"; do
        case $package in
            python3-venv | ca-certificates) first+=("$package") ;;
            *) rest+=("$package") ;;
        esac
    done
    if [ ${#first[@]} -gt 0 ]; then (apt_packages apt-first "${first[@]}"); fi
    (
        [ ${#rest[@]} -eq 0 ] || apt_packages apt "${rest[@]}"
        node_modules
    ) & jobs+=($!)
    (
        old_setuptools
        python_env "$VENV" pip "rucio[postgresql]==$RUCIO_VERSION"
        python_env "$CLIENT_VENV" pip-client "rucio-clients==$CLIENT_VERSION" argcomplete paramiko
    ) & jobs+=($!)
    for job in "${jobs[@]}"; do wait "$job" || failed=1; done
    [ $failed = 0 ] || die "the packages could not be installed, see above"
    borrow_kerberos
    [ -e "$D/allow_proxy_certs.so" ] ||
        logged gcc gcc -shared -fPIC -O1 -o "$D/allow_proxy_certs.so" "$HERE/services/allow_proxy_certs.c"
}
