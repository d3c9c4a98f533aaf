#!/bin/bash
# Nightly job: logs in with a grid proxy and downloads the new files of a dataset. In the crontab:
#   15 2 * * *  X509_USER_PROXY=$HOME/.proxy.pem /usr/local/bin/cron-proxy.sh user.jdoe:results /data/results
# Existing files with the right checksum are not downloaded again.
set -euo pipefail
did=$1 folder=$2
proxy=${X509_USER_PROXY:-/tmp/x509up_u$(id -u)}

# cron mails the output: warn before the proxy expires.
openssl x509 -in "$proxy" -noout -checkend 0 >/dev/null ||
    { echo "$proxy has expired: make a new one (voms-proxy-init -valid 168:00 -out $proxy)" >&2; exit 1; }
openssl x509 -in "$proxy" -noout -checkend 86400 >/dev/null ||
    echo "$proxy expires within a day: $(openssl x509 -in "$proxy" -noout -enddate)" >&2

export RUCIO_AUTH_TYPE=x509_proxy RUCIO_CLIENT_PROXY=$proxy
# One job at a time: the previous one may still be running.
exec 9>"$folder/.lock"
flock -n 9 || { echo "the job of last night is still running" >&2; exit 1; }
rucio download --dir "$folder" "$did" >"$folder/.last.log" 2>&1 || { cat "$folder/.last.log" >&2; exit 1; }
