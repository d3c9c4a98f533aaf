#!/usr/bin/env python3
"""Times the same jobs with the official client, ours, curl, aria2c and xrdcp, on one machine in one run.

    benches/run [--runs N] [--official-runs N] [--before PROGRAM] [JOB ...]       a JOB may be a pattern: 'relay-*'

Each job's programs take turns, so that a machine that becomes slower meanwhile is slower for all. Wall and CPU seconds
are medians; memory is the largest resident set of a process. A download goes to a fresh folder each time, and its bytes
are compared with the catalogue's sizes. README.md tells what the jobs are.
"""
import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile

from jobs import JOBS, PEERS, Bench
from measure import Measure

ENV = os.environ


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=5, help='runs of each program (default 5)')
    parser.add_argument('--official-runs', type=int, default=1, help='runs of the official client where it needs minutes (default 1)')
    parser.add_argument('--before', metavar='PROGRAM', help='another build of ours to compare with: the one before a change')
    parser.add_argument('--list', action='store_true', help='list the jobs and exit')
    parser.add_argument('jobs', nargs='*', help='only these jobs')
    args = parser.parse_args()
    names = [name for name in JOBS if not args.jobs or any(fnmatch.fnmatch(name, pattern) for pattern in args.jobs)]
    if args.list:
        print(*names, sep='\n')
        return
    if not names:
        sys.exit(f'no such job; the jobs are: {", ".join(JOBS)}')
    before = args.before and os.path.join(ENV['RUCIO_BENCH_CALLED_FROM'], args.before)
    if before and not os.access(before, os.X_OK):
        sys.exit(f'{args.before} is not a program')
    for program in PEERS:
        if not shutil.which(program):
            print(f'{program} is missing: nothing is compared with it', flush=True)
    print(f'{os.cpu_count()} processors, load {" ".join(f"{load:.1f}" for load in os.getloadavg())}', flush=True)
    with tempfile.TemporaryDirectory(prefix='rucio-bench-', dir=ENV.get('RUCIO_BENCH_DIR')) as base:
        bench = Bench(base, args.runs, args.official_runs, before)
        relay = bench.start_relay()
        try:
            for name in names:
                measure(bench, base, name)
        finally:
            relay.terminate()


def measure(bench, base, name):
    job = bench.job(name)
    for program in [program for program in job.commands if program in PEERS and not shutil.which(program)]:
        del job.commands[program]
    Measure(base, bench.env, ENV['TESTBED_LOGS']).job(job)


if __name__ == '__main__':
    main()
