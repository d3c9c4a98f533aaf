# Tab completion of rucio for bash. Installed as share/bash-completion/completions/rucio, or by
#   source <(rucio completion bash)
# The program computes the candidates, which takes some milliseconds.

_rucio() {
    local program=$1 word
    type -P -- "$program" >/dev/null || program=rucio
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(RUCIO_COMPLETE=bash command "$program" "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}

complete -o nospace -F _rucio rucio rucio-admin
