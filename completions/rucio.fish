# Tab completion of rucio for fish. Installed as share/fish/vendor_completions.d/rucio.fish, or by
#   rucio completion fish | source
# The program computes the candidates, which takes some milliseconds.

function __rucio_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l program $words[1]
    command --query $program; or set program rucio
    set -lx RUCIO_COMPLETE fish
    command $program $words (commandline --current-token --cut-at-cursor) 2>/dev/null
end

complete --command rucio --no-files --keep-order --arguments '(__rucio_complete)'
complete --command rucio-admin --no-files --keep-order --arguments '(__rucio_complete)'
