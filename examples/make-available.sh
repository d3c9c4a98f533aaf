#!/bin/bash
# Has a dataset copied to a place and waits until all of it is there.
#   examples/make-available.sh DID RSE_EXPRESSION [MINUTES]
# Ends with 0 when the rule is OK, 1 when it is stuck, 124 when the time (60 minutes unless given) is over. The rule stays.
set -euo pipefail
did=$1 rses=$2 minutes=${3:-60}

# A rule that exists already is waited for like a new one.
rule=$(rucio rule list --did "$did" -o json |
    jq -r --arg rses "$rses" 'first(.[] | select(.rse_expression == $rses)).id // empty')
[ -n "$rule" ] || rule=$(rucio rule add --copies 1 --rses "$rses" "$did" -o name)
echo "rule $rule"

# A line whenever the rule gets on; it ends with 0 when all is there.
rucio rule wait --timeout "${minutes}m" --interval "${INTERVAL:-30}" "$rule"
