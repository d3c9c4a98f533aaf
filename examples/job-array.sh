#!/bin/bash
# One job of a Slurm or HTCondor array: fetches its share of a dataset and works on it.
#   sbatch --array=0-9 examples/job-array.sh DID            # Slurm says which job of how many this is
#   arguments = DID $(Process) 10                           # HTCondor, with `queue 10`
#SBATCH --time=02:00:00
set -euo pipefail
did=$1
job=${2:-${SLURM_ARRAY_TASK_ID:?give DID JOB JOBS, or run it as a Slurm array}}
jobs=${3:-${SLURM_ARRAY_TASK_COUNT:?}}

# Every job lists the same files and takes its share: no two take the same, none is left out. A file that cannot be had
# ends the job here, with an exit code the batch system sees.
rucio download --shard "$((job + 1))/$jobs" --dir data --no-subdir "$did"

shopt -s nullglob # a share may be empty
for file in data/*; do
    echo "work on $file" # your program
done
