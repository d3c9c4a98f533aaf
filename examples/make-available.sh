#!/bin/bash
# Requests a copy of a dataset at an RSE and waits until it is complete.
#   examples/make-available.sh DID RSE_EXPRESSION [MINUTES]
# Exits with 0 when the rule is OK, 1 when it is stuck, 124 on timeout (default: 60 minutes). The rule stays.
set -euo pipefail
did=$1 rses=$2 minutes=${3:-60}

# Uses an existing rule, if there is one.
rule=$(rucio rule list --did "$did" -o json |
    jq -r --arg rses "$rses" 'first(.[] | select(.rse_expression == $rses)).id // empty')
[ -n "$rule" ] || rule=$(rucio rule add --copies 1 --rses "$rses" "$did" -o name)
echo "rule $rule"

# Prints a line when the rule changes; exits with 0 when all files are there.
rucio rule wait --timeout "${minutes}m" --interval "${INTERVAL:-30}" "$rule"
