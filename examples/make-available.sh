#!/bin/bash
# Has a dataset copied to a place and waits until all of it is there.
#   examples/make-available.sh DID RSE_EXPRESSION [MINUTES]
# Ends with 0 when the rule is OK, 1 when it is stuck or the time (60 minutes unless given) is over. The rule stays.
set -euo pipefail
did=$1 rses=$2 minutes=${3:-60}

# A rule that exists already is waited for like a new one.
rule=$(rucio rule list --did "$did" -o json |
    jq -r --arg rses "$rses" 'first(.[] | select(.rse_expression == $rses)).id // empty')
[ -n "$rule" ] || rule=$(rucio rule add --copies 1 --rses "$rses" "$did" -o name)
echo "rule $rule"

end=$((SECONDS + minutes * 60))
while :; do
    IFS=$'\t' read -r state ok moving stuck < <(rucio rule show "$rule" -o json |
        jq -r '[.state, .locks_ok_cnt, .locks_replicating_cnt, .locks_stuck_cnt] | @tsv')
    echo "$state: $ok there, $moving on their way, $stuck stuck"
    case $state in
        OK) exit 0 ;;
        STUCK | SUSPENDED) rucio rule show --examine "$rule"; exit 1 ;;
    esac
    [ $SECONDS -lt $end ] || { echo "not there after $minutes minutes" >&2; exit 1; }
    sleep "${INTERVAL:-30}"
done
