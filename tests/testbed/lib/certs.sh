# shellcheck shell=bash
# One CA, the certificates it issued, proxies, some that expired, and an ssh key. All passwords are "secret".

# `openssl ca`, since only that one can backdate
sign() { # OUT CSR SIGNER SIGNERKEY EXTENSIONS [FROM TO]
    : >index.txt
    openssl ca -batch -notext -config openssl.cnf -in "$2" -out "$1" -cert "$3" -keyfile "$4" -preserveDN \
        -extfile <(printf '%s\n' "$5") -startdate "${6:-20240101000000Z}" -enddate "${7:-20400101000000Z}"
}

issue() { # NAME SUBJECT EXTENSIONS [FROM TO]
    openssl req -newkey rsa:2048 -nodes -keyout "$1.key.pem" -out "$1.csr" -subj "$2"
    sign "$1.pem" "$1.csr" ca.pem ca.key.pem "$3" "${@:4}"
    chmod 600 "$1.key.pem"
    rm "$1.csr"
}

# RFC 3820: the user signs a certificate whose subject is the user's with one more CN. The file holds the proxy, its
# key, and the user's certificate.
proxy() { # NAME USER SUBJECT [FROM TO]
    openssl req -newkey rsa:2048 -nodes -keyout proxy.key -out proxy.csr -subj "$3/CN=$((RANDOM * RANDOM + 1))"
    sign proxy.crt proxy.csr "$2.pem" "$2.key.pem" 'proxyCertInfo=critical,language:id-ppl-inheritAll
keyUsage=critical,digitalSignature,keyEncipherment' "${@:4}"
    cat proxy.crt proxy.key "$2.pem" >"$1"
    chmod 600 "$1"
    rm proxy.crt proxy.key proxy.csr
}

all_certs() {
    local server user past=(20200101000000Z 20200102000000Z) jdoe='/O=Testbed/CN=John Doe'
    user='basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=clientAuth'
    server='subjectAltName=DNS:localhost,IP:127.0.0.1
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth'
    cat >openssl.cnf <<'CNF'
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = issued
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
organizationName = optional
commonName = optional
[req]
distinguished_name = none
[none]
CNF
    mkdir -p issued ca
    # Backdated, too: tests set the client's clock back.
    openssl req -newkey rsa:2048 -nodes -keyout ca.key.pem -out ca.csr -subj '/O=Testbed/CN=Testbed CA'
    : >index.txt
    openssl ca -selfsign -batch -notext -config openssl.cnf -in ca.csr -out ca.pem -keyfile ca.key.pem -preserveDN \
        -extfile <(printf '%s\n' basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign \
            subjectKeyIdentifier=hash) -startdate 20240101000000Z -enddate 20400101000000Z
    rm ca.csr
    issue host '/O=Testbed/CN=localhost' "$server"
    issue root '/O=Testbed/CN=Rucio Root' "$user"
    issue jdoe "$jdoe" "$user"
    issue stranger '/O=Testbed/CN=Nobody Known' "$user"         # good, but of no account
    issue jdoe.expired "$jdoe" "$user" "${past[@]}"
    proxy root.proxy.pem root '/O=Testbed/CN=Rucio Root'
    proxy jdoe.proxy.pem jdoe "$jdoe"
    proxy jdoe.expired-proxy.pem jdoe "$jdoe" "${past[@]}"
    openssl rsa -aes256 -passout pass:secret -in jdoe.key.pem -out jdoe.encrypted.key.pem
    openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret -in jdoe.key.pem -out jdoe.encrypted.pkcs8.pem
    openssl pkcs12 -export -passout pass:secret -in jdoe.pem -inkey jdoe.key.pem -out jdoe.p12
    # RSA in PEM, the one kind of key Rucio's ssh login knows. The catalogue has its public part, so it stays.
    [ -e id_rsa.pub ] || ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -C jdoe@testbed -f id_rsa
    cp ca.pem ca/
    openssl rehash ca
    cat /etc/ssl/certs/ca-certificates.crt ca.pem >bundle.pem
    rm -rf issued index.txt* openssl.cnf
}

make_certs() {
    [ "$(cat "$CERTS/.made" 2>/dev/null)" != "$(certs_version)" ] || return 0
    say "certificates"
    mkdir -p "$CERTS"
    logged certs in_certs
    certs_version >"$CERTS/.made"
}

certs_version() { md5sum <"$HERE/lib/certs.sh" | cut -c1-12; }

in_certs() { (set -e; cd "$CERTS"; all_certs); }
