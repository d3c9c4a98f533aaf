#!/bin/bash
# One job of a Slurm or HTCondor array: downloads its part of a dataset and processes it.
#   sbatch --array=0-9 examples/job-array.sh DID            # Slurm sets number and size of the array
#   scontrol requeue JOB_ID_3                               # runs job 3 again; `sbatch --array=3` would be an array of one job
#   arguments = DID $(Process) 10                           # HTCondor, with `queue 10`
#SBATCH --time=02:00:00
set -euo pipefail
did=$1
job=${2:-${SLURM_ARRAY_TASK_ID:?give DID JOB JOBS, or run it as a Slurm array}}
jobs=${3:-${SLURM_ARRAY_TASK_COUNT:?}}

# All jobs list the same files; each downloads one of the disjoint parts, which together are complete. If a file cannot be
# downloaded, the job ends here with an exit code that the batch system sees. The jobs may share the directory: `name` prints
# only the files of this part.
files=$(rucio download --output name --shard "$((job + 1))/$jobs" --dir data --no-subdir "$did")

[ -n "$files" ] || exit 0 # a part may be empty
while read -r file; do
    echo "work on data/${file#*:}" # your program
done <<<"$files"
