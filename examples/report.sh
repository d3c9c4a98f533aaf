#!/bin/bash
# Reports with jq: RSEs by country, the largest datasets of a scope, rules that expire soon.
#   examples/report.sh SCOPE ACCOUNT
set -euo pipefail
scope=$1 account=$2

echo "# RSEs by country"
rucio rse list -o json |
    jq -r 'group_by(.country_name)[] | "\(.[0].country_name // "?"): \(map(.rse) | join(", "))"'

echo "# datasets of $scope"
rucio did list "$scope:*" --filter type=dataset -o jsonl |
    jq -r '[.name, .length // 0, .bytes // 0] | @tsv' | sort -t $'\t' -k3,3nr | sed -n 1,10p

echo "# rules of $account that expire within a month"
rucio rule list --account "$account" -o json |
    jq -r 'map(select(.expires_at != null)
        | .end = (.expires_at | strptime("%a, %d %b %Y %H:%M:%S UTC") | mktime)
        | select(.end < now + 30 * 86400))
        | sort_by(.end)[] | [.id, .scope + ":" + .name, .expires_at] | @tsv'
