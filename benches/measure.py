"""Runs the programs of a job in turns, and says what each needed."""
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

OFFICIAL, OURS, BEFORE, CURL, ARIA, XRDCP, LIST = 'official', 'ours', 'before', 'curl', 'aria2c', 'xrdcp', 'list'
# Ours over https where root is compared; one process of xrdcp a file.
HTTPS, EACH = 'https', 'each'
# What may need minutes.
SLOW = (OFFICIAL, EACH)
WALL, CPU, MEMORY = 'wall', 'CPU', 'MiB'


@dataclass
class Aim:
    """What is aimed at: one program's median divided by another's, or by a number, at most or at least so much."""
    of: str
    over: str = None
    what: str = WALL
    most: float = None
    least: float = None

    def line(self, medians):
        index = (WALL, CPU, MEMORY).index(self.what)
        value = medians[self.of][index] / (medians[self.over][index] if self.over else 1)
        name = f'{self.of} / {self.over}, {self.what}' if self.over else f'{self.of}, {self.what}'
        good = value <= self.most if self.most is not None else value >= self.least
        bound = f'at most {self.most}' if self.most is not None else f'at least {self.least}'
        return f'{name}: {value:.2f} ({bound}: {"met" if good else "MISSED"})'

    def measured(self, medians):
        return self.of in medians and (self.over is None or self.over in medians)


@dataclass
class Job:
    """What is timed: a command line a program (a list, or what makes one of the run's folder), and how often."""
    name: str
    commands: dict
    runs: int
    official_runs: int = 1
    expect: tuple = None        # (files, bytes) that a run leaves behind; files may be a range
    aims: tuple = ()
    prepare: object = None      # called with the folder before each run
    clean: object = None        # called with the folder and the program's name after each run
    config: str = None          # another configuration of the clients
    results: dict = field(default_factory=dict)


class Measure:
    """Runs jobs: each program in its own environment, in a fresh folder, on a server that is through with the last one."""

    def __init__(self, base, env, logs):
        self.base, self.env, self.logs = base, env, logs

    def job(self, job):
        for number in range(max(job.runs, job.official_runs if OFFICIAL in job.commands else 0)):
            # Every other round in reverse, so that no program always runs after the same one.
            commands = list(job.commands.items())
            for name, command in commands[::-1] if number % 2 else commands:
                if number < (job.official_runs if name in SLOW else job.runs):
                    job.results.setdefault(name, []).append(self.once(job, name, command))
        report(job)

    def settle(self):
        """The server works on the traces of a download for seconds after it: the next run waits until it is through."""
        traces = f'{self.logs}/traces.jsonl'
        before, now = -1, os.path.getsize(traces) if os.path.exists(traces) else 0
        while now > before:
            time.sleep(1.5)
            before, now = now, os.path.getsize(traces) if os.path.exists(traces) else 0

    def once(self, job, name, command):
        folder = tempfile.mkdtemp(dir=self.base)
        if job.prepare:
            job.prepare(folder)
        words = command(folder) if callable(command) else command
        env = {**self.env.get(name, self.env[CURL]), **({'RUCIO_CONFIG': job.config} if job.config else {})}
        # What others wrote is not written out to the disk at this one's cost.
        os.sync()
        self.settle()
        start = time.monotonic()
        with open(os.devnull, 'w') as null, open(f'{self.base}/stderr', 'w') as stderr:
            process = subprocess.Popen(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=null, stderr=stderr)
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        if status != 0:
            sys.exit(f'{job.name}: {" ".join(words)[:500]} ended with {status}\n{open(f"{self.base}/stderr").read()[-2000:]}')
        if job.expect and name != LIST:
            check(job, name, found(folder))
        if job.clean:
            job.clean(folder, name)
        drop_large(folder)
        return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def check(job, name, left):
    files, size = job.expect
    fits = left[0] in files if isinstance(files, range) else left[0] == files
    if not fits or (size is not None and left[1] != size):
        sys.exit(f'{job.name}: {name} left {left} (files, bytes), not {job.expect}')


def drop_large(folder):
    """Deletes what takes room. The rest stays until the end: ext4 makes files slowly for minutes after many were deleted."""
    for path in walk(folder):
        if os.path.getsize(path) > 1 << 24:
            os.remove(path)


def walk(folder):
    return [os.path.join(top, file) for top, _, files in os.walk(folder) for file in files]


def found(folder):
    paths = walk(folder)
    return len(paths), sum(os.path.getsize(path) for path in paths)


def report(job):
    medians = {name: [statistics.median(column) for column in zip(*runs)] for name, runs in job.results.items()}
    print(f'\n{job.name}\n  {"":9}{"runs":>5}{"wall s":>10}{"CPU s":>10}{"MiB":>8}   wall (min - max)', flush=True)
    for name, (wall, cpu, memory) in medians.items():
        walls = [run[0] for run in job.results[name]]
        print(f'  {name:9}{len(walls):5}{wall:10.3f}{cpu:10.3f}{memory:8.1f}   {min(walls):.3f} - {max(walls):.3f}')
    for other in medians:
        if OURS in medians and other != OURS:
            wall, cpu = (medians[other][i] / medians[OURS][i] for i in (0, 1))
            print(f'  {other} / ours: wall {wall:.2f}, CPU {cpu:.2f}')
    for aim in job.aims:
        if aim.measured(medians):
            print(f'  aim: {aim.line(medians)}')
    sys.stdout.flush()
