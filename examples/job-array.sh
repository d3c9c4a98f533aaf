#!/bin/bash
# One job of a Slurm or HTCondor array: downloads its part of a dataset and processes it.
#   sbatch --array=0-9 examples/job-array.sh DID            # Slurm sets number and size of the array
#   arguments = DID $(Process) 10                           # HTCondor, with `queue 10`
#SBATCH --time=02:00:00
set -euo pipefail
did=$1
job=${2:-${SLURM_ARRAY_TASK_ID:?give DID JOB JOBS, or run it as a Slurm array}}
jobs=${3:-${SLURM_ARRAY_TASK_COUNT:?}}

# All jobs list the same files; each downloads one of the disjoint parts, which together are complete. If a file cannot be
# downloaded, the job ends here with an exit code that the batch system sees.
rucio download --shard "$((job + 1))/$jobs" --dir data --no-subdir "$did"

shopt -s nullglob # a part may be empty
for file in data/*; do
    echo "work on $file" # your program
done
