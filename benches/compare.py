#!/usr/bin/env python3
"""Times the same jobs with the official client, ours and curl, on one machine in one run.

    benches/run [--runs N] [JOB ...]

Each job's programs take turns, so that a machine that becomes slower meanwhile is slower for all. Wall and CPU seconds
are medians; memory is the largest resident set of a process. A download goes to a fresh folder each time, which is
removed afterwards; its bytes are compared with the catalogue's sizes.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

ENV = os.environ
OFFICIAL, OURS, CURL = 'official', 'ours', 'curl'


@dataclass
class Job:
    """What is timed: a command line a program, and how often the slow ones are repeated."""
    name: str
    commands: dict
    runs: int
    slow_runs: int = 1
    expect: tuple = None        # (files, bytes) that a run must leave behind
    results: dict = field(default_factory=dict)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=5, help='runs of each program (default 5)')
    parser.add_argument('jobs', nargs='*', help='only these jobs')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='rucio-bench-') as base:
        bench = Bench(base)
        jobs = [job for job in bench.jobs(args.runs) if not args.jobs or job.name in args.jobs]
        if not jobs:
            sys.exit(f'no job of that name; there are: {", ".join(job.name for job in bench.jobs(1))}')
        for job in jobs:
            bench.measure(job)
            report(job)


class Bench:
    """The programs, their environment and their token caches."""

    def __init__(self, base):
        self.base = base
        self.rucio = {OFFICIAL: f'{ENV["TESTBED_CLIENT_VENV"]}/bin/rucio', OURS: ENV['RUCIO_OURS']}
        self.env = {}
        for name in (OFFICIAL, OURS, CURL):
            home = f'{base}/{name}'
            os.mkdir(home)
            self.env[name] = {
                'PATH': '/usr/bin:/bin', 'HOME': home, 'TMPDIR': home, 'LANG': 'C.UTF-8', 'TZ': 'UTC',
                'RUCIO_CONFIG': ENV['RUCIO_CONFIG'], 'X509_USER_PROXY': ENV['X509_USER_PROXY'],
            }
        self.warm()

    def warm(self):
        """Both clients get their token; curl gets one too, and the list of URLs."""
        for name in (OFFICIAL, OURS):
            subprocess.run([self.rucio[name], 'whoami'], env=self.env[name], check=True, capture_output=True)
        answer = self.curl_output('-sSi', '-H', 'X-Rucio-Account: jdoe', '-H', 'X-Rucio-Username: jdoe',
                                  '-H', 'X-Rucio-Password: secret', f'{ENV["TESTBED_URL"]}/auth/userpass')
        self.token = next(line.split(': ', 1)[1] for line in answer.splitlines() if line.lower().startswith('x-rucio-auth-token:'))
        pfns = subprocess.run([self.rucio[OURS], 'list-file-replicas', '--pfns', '--protocols', 'https', 'bench:small', 'bench:2g.dat'],
                              env=self.env[OURS], check=True, capture_output=True, text=True).stdout.split()
        self.big = next(pfn for pfn in pfns if pfn.endswith('/2g.dat'))
        self.small = [pfn for pfn in pfns if pfn != self.big]
        with open(f'{self.base}/urls', 'w') as urls:
            for pfn in self.small:
                urls.write(f'url = "{pfn}"\noutput = "{pfn.rsplit("/", 1)[1]}"\n')

    def curl_output(self, *words):
        return subprocess.run(['curl', '--cacert', f'{ENV["TESTBED_CERTS"]}/ca.pem', *words],
                              check=True, capture_output=True, text=True).stdout

    def jobs(self, runs):
        ca = ['curl', '-sSf', '--cacert', f'{ENV["TESTBED_CERTS"]}/ca.pem']
        api = [*ca, '-H', f'X-Rucio-Auth-Token: {self.token}']
        data = [*ca, '--cert', ENV['X509_USER_PROXY'], '--key', ENV['X509_USER_PROXY']]
        url = ENV['TESTBED_URL']
        everything = f'{url}/dids/test/dids/search?type=all&long=True&filters=%5B%7B%22name%22%3A%22%2A%22%7D%5D'
        body = '{"dids":[{"scope":"bench","name":"small"}],"resolve_parents":true,"rse_expression":"DAVS"}'
        sizes = sum(1000 + i for i in range(2000))

        def rucio(*words):
            return {name: [program, *words] for name, program in self.rucio.items()}
        yield Job('version', {**rucio('--version'), CURL: ['curl', '--version']}, runs, runs)
        yield Job('whoami', {**rucio('whoami'), CURL: [*api, '-L', f'{url}/accounts/whoami']}, runs, runs)
        yield Job('list-files-20000', {**rucio('list-files', 'bench:big'), CURL: [*api, f'{url}/dids/bench/big/files']}, runs, runs)
        yield Job('list-dids', {**rucio('list-dids', '--filter', 'type=all', 'test:*'), CURL: [*api, everything]}, runs, runs)
        yield Job('replicas-of-2000', {CURL: [*api, '-X', 'POST', '-d', body, f'{url}/replicas/list']}, runs)
        yield Job('download-2000', {**rucio('download', '--rses', 'DAVS', '--protocol', 'https', 'bench:small'),
                                    CURL: [*data, '-Z', '--parallel-max', '16', '-K', f'{self.base}/urls']},
                  runs, 1, (2000, sizes))
        yield Job('download-2GiB', {**rucio('download', '--protocol', 'https', '--transfer-timeout', '600', 'bench:2g.dat'),
                                    CURL: [*data, '-o', '2g.dat', self.big]}, runs, 1, (1, 2 << 30))

    def measure(self, job):
        rounds = max(job.runs, job.slow_runs)
        for number in range(rounds):
            for name, command in job.commands.items():
                if name == OFFICIAL and number >= job.slow_runs:
                    continue
                job.results.setdefault(name, []).append(self.once(job, name, command))

    def settle(self):
        """The server works on the traces of a download for seconds after it: the next run waits until it is through."""
        traces = f'{ENV["TESTBED_LOGS"]}/traces.jsonl'
        before, now = -1, os.path.getsize(traces) if os.path.exists(traces) else 0
        while now > before:
            time.sleep(1.5)
            before, now = now, os.path.getsize(traces) if os.path.exists(traces) else 0

    def once(self, job, name, command):
        self.settle()
        folder = tempfile.mkdtemp(dir=self.base)
        start = time.monotonic()
        with open(os.devnull, 'w') as null, open(f'{self.base}/stderr', 'w') as stderr:
            process = subprocess.Popen(command, cwd=folder, env=self.env[name], stdin=subprocess.DEVNULL, stdout=null, stderr=stderr)
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        if status != 0:
            sys.exit(f'{job.name}: {" ".join(command)} ended with {status}\n{open(f"{self.base}/stderr").read()[-2000:]}')
        if job.expect and found(folder) != job.expect:
            sys.exit(f'{job.name}: {name} left {found(folder)} (files, bytes), not {job.expect}')
        shutil.rmtree(folder)
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def found(folder):
    paths = [os.path.join(top, file) for top, _, files in os.walk(folder) for file in files]
    return len(paths), sum(os.path.getsize(path) for path in paths)


def report(job):
    medians = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in job.results.items()}
    print(f'\n{job.name}\n  {"":9}{"runs":>5}{"wall s":>10}{"CPU s":>10}{"MiB":>8}   wall (min - max)', flush=True)
    for name, (wall, cpu, memory) in medians.items():
        walls = [run[0] for run in job.results[name]]
        print(f'  {name:9}{len(walls):5}{wall:10.3f}{cpu:10.3f}{memory:8.1f}   {min(walls):.3f} - {max(walls):.3f}')
    for other in (OFFICIAL, CURL):
        if OURS in medians and other in medians:
            wall, cpu = (medians[other][i] / medians[OURS][i] for i in (0, 1))
            print(f'  {other} / ours: wall {wall:.2f}, CPU {cpu:.2f}', flush=True)


if __name__ == '__main__':
    main()
