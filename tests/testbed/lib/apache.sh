# shellcheck shell=bash
# Three Apaches: `apache` with the Rucio server and the WebDAV doors, `second` with the other Rucio server, because the
# configuration of a Rucio server comes from the environment of its process; and `frail` with the first server once more,
# in one process that tests may kill.

MODULES=(mpm_event authn_core authz_core authz_host authz_user alias dir autoindex mime dav dav_fs headers env setenvif
    ssl socache_shmcb wsgi auth_gssapi lua)

apache_config() { # NAME PORT PROCESSES
    local module
    cat <<CFG
ServerRoot $D
ServerName localhost
PidFile $RUN/$1.httpd.pid
DefaultRuntimeDir $RUN
Mutex file:$RUN default
User www-data
Group www-data
Timeout 300
KeepAlive On
KeepAliveTimeout 15
MaxKeepAliveRequests 0
TypesConfig /etc/mime.types
CFG
    for module in "${MODULES[@]}"; do
        echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
    done
    # With what a test wants to know of a request: parts, program, connection -- and which secrets it carried
    cat <<CFG
LogLevel warn
ErrorLog $LOG/$1.error.log
LogFormat "%{%H:%M:%S}t %h %u \"%r\" %>s %b %Dus range=\"%{Range}i\" ua=\"%{User-Agent}i\" conn=%k port=%p token=%{X-Rucio-Auth-Token}i auth=\"%{Authorization}i\" cert=\"%{SSL_CLIENT_S_DN}x\"" testbed
CustomLog $LOG/$1.access.log testbed

SSLCertificateFile $CERTS/host.pem
SSLCertificateKeyFile $CERTS/host.key.pem
SSLCACertificateFile $CERTS/ca.pem
SSLVerifyDepth 10
SSLSessionCache shmcb:$RUN/$1.ssl(512000)
DavLockDB $RUN/$1.davlock
<Directory />
  Require all granted
</Directory>

WSGIRestrictEmbedded On
WSGISocketPrefix $RUN/$1.wsgi
WSGIApplicationGroup %{GLOBAL}
WSGIDaemonProcess $1 python-home=$VENV processes=$3 threads=4 display-name=testbed-$1

Listen 127.0.0.1:$2
<VirtualHost 127.0.0.1:$2>
  SSLEngine on
  SSLVerifyClient optional
  SSLOptions +StdEnvVars
  AllowEncodedSlashes on
  WSGIPassAuthorization On
  WSGIProcessGroup $1
  WSGIScriptAlias / $SITE/rucio/web/rest/main.py
  <Location /auth/gss>
    AuthType GSSAPI
    AuthName Rucio
    GssapiCredStore keytab:$D/krb5/http.keytab
    GssapiLocalName Off
    Require valid-user
  </Location>
</VirtualHost>
CFG
}

webdav_config() {
    cat <<CFG

# http: open to everyone
Listen 127.0.0.1:$P_DAV
<VirtualHost 127.0.0.1:$P_DAV>
  DocumentRoot $STORE/dav
  LuaHookFixups $ETC/grid.lua grid
  <Directory $STORE/dav>
    Dav On
    Options +Indexes
  </Directory>
</VirtualHost>

# https: for a client certificate or anything that looks like a JWT
Listen 127.0.0.1:$P_DAVS
<VirtualHost 127.0.0.1:$P_DAVS>
  SSLEngine on
  SSLVerifyClient optional
  DocumentRoot $STORE/davs
  # Apache takes no more than 1 GiB otherwise.
  LimitRequestBody 0
  LuaHookFixups $ETC/grid.lua grid
  <Directory $STORE/davs>
    Dav On
    Options +Indexes
    <RequireAny>
      Require ssl-verify-client
      Require expr "%{HTTP:Authorization} =~ /^Bearer ey[^.]+\.[^.]+\.[^.]+\$/"
    </RequireAny>
  </Directory>
</VirtualHost>
CFG
}

# The first server and WebDAV once more, with certificates requested per location: after the handshake.
late_config() { # PORT PROTOCOL
    cat <<CFG

Listen 127.0.0.1:$1
<VirtualHost 127.0.0.1:$1>
  SSLEngine on
  SSLProtocol $2
  SSLOptions +StdEnvVars
  AllowEncodedSlashes on
  WSGIPassAuthorization On
  WSGIProcessGroup apache
  WSGIScriptAlias / $SITE/rucio/web/rest/main.py
  <LocationMatch ^/auth/x509>
    SSLVerifyClient require
  </LocationMatch>
  Alias /davs $STORE/davs
  <Location /davs>
    SSLVerifyClient require
    SSLRenegBufferSize 10485760
  </Location>
  <Directory $STORE/davs>
    Dav On
    Options +Indexes
    LuaHookFixups $ETC/grid.lua grid
  </Directory>
</VirtualHost>
CFG
}

start_apache() { # NAME RUCIO_CONFIG
    if running "$1" >/dev/null; then return; fi
    free_ports "$1"
    rm -f "$RUN/$1.httpd.pid"
    logged "$1" env RUCIO_CONFIG="$2" RUCIO_HOME="$D" REQUESTS_CA_BUNDLE="$CERTS/bundle.pem" \
        KRB5_CONFIG="$ETC/krb5.conf" LD_PRELOAD="$D/allow_proxy_certs.so" apache2 -f "$ETC/$1.conf" -k start
    for _ in $(seq 100); do
        if [ -s "$RUN/$1.httpd.pid" ]; then break; fi
        sleep 0.1
    done
    remember "$1" "$(cat "$RUN/$1.httpd.pid")"
}

serve_apache() {
    # Apache's user must be able to read the Lua hook and the folder of this checkout may be closed to it
    install -m 644 "$HERE/services/grid.lua" "$ETC/grid.lua"
    { apache_config apache "$P_RUCIO" "${TESTBED_PROCESSES:-4}"; webdav_config; late_config "$P_LATE12" TLSv1.2; late_config "$P_LATE13" TLSv1.3; } >"$ETC/apache.conf"
    apache_config second "$P_SECOND" 1 >"$ETC/second.conf"
    apache_config frail "$P_FRAIL" 1 >"$ETC/frail.conf"
    start_apache apache "$ETC/rucio.cfg"
    start_apache second "$ETC/second.cfg"
    start_apache frail "$ETC/rucio.cfg"
    await apache second frail
    # the port opens before Python has loaded the server
    logged ping curl -sS --fail --retry 5 --max-time 60 --cacert "$CERTS/ca.pem" "https://localhost:$P_RUCIO/ping"
}
