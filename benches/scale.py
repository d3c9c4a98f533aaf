#!/usr/bin/env python3
"""Lists of up to a million entries: peak memory, time, and time of the first line, beside the server's own time.

    benches/scale [--sizes N,N] [--forms F,F] [COMMAND ...]       a COMMAND may be a pattern: 'did*'

The server's time is that of curl with the same request, thrown away, just before. What takes the testbed's server too long
comes from a stand-in (stand_in.py), which shows only our own part. README.md tells more.
"""
import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace

from jobs import Bench

ENV = os.environ
SIZES = (10_000, 100_000, 1_000_000)
MOST_MEMORY, FIRST_LINE = 48, 1.0     # MiB; seconds, or a fifth more than the server needs for it
STREAMED, TABLE = ('json', 'jsonl', 'csv', 'name'), 'table'
SHARE = 100                           # files that `download --shard` downloads


@dataclass
class Result:
    """What a program needed: seconds until its first byte and its end, CPU seconds, MiB; and how many lines it printed."""
    first: float
    wall: float
    cpu: float
    memory: float
    lines: int


@dataclass
class Target:
    """A server with a dataset of this size."""
    name: str
    size: int
    scope: str
    config: str
    curl: list
    url: str


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sizes', default=','.join(map(str, SIZES)), help='numbers of entries (default %(default)s)')
    parser.add_argument('--forms', default=','.join(EVERY), help='output forms (default %(default)s)')
    parser.add_argument('commands', nargs='*', help='only these commands')
    args = parser.parse_args()
    sizes = [int(size) for size in args.sizes.split(',')]
    with tempfile.TemporaryDirectory(prefix='rucio-scale-', dir=ENV.get('RUCIO_BENCH_DIR')) as base:
        bench = Bench(base, 1, 0)
        del bench.rucio['official']
        create_data(bench, sizes)
        print(f'{os.cpu_count()} processors, load {" ".join(f"{load:.1f}" for load in os.getloadavg())}; '
              f'built with {ENV["RUCIO_BENCH_BUILD"]}')
        print(f'{"":20}{"server":9}{"entries":>9} {"form":7}{"lines":>9}{"first s":>9}{"wall s":>9}{"CPU s":>8}{"MiB":>7}'
              f'{"server: first":>15}{"wall s":>9}', flush=True)
        for name, command in COMMANDS.items():
            if not args.commands or any(fnmatch.fnmatch(name, pattern) for pattern in args.commands):
                for size in sizes:
                    forms = [form for form in command.forms if form in args.forms.split(',')]
                    (at_testbed if size <= command.most else at_stand_in)(bench, name, replace(command, forms=forms), size)


def create_data(bench, sizes):
    words = [f'{ENV["TESTBED_VENV"]}/bin/python', f'{os.path.dirname(__file__)}/scale_data.py', bench.root, ENV['TESTBED_STORAGE']]
    server = {**ENV, 'RUCIO_CONFIG': ENV['TESTBED_SERVER_CONFIG']}
    subprocess.run([*words, *map(str, sizes)], env=server, check=True)


def at_testbed(bench, name, command, size):
    bench.token, config = None, bench.env['ours']['RUCIO_CONFIG']
    bench.warm(config)
    rows(bench, name, command, Target('testbed', size, f'scale{size}', config, bench.api(), ENV['TESTBED_URL']))


def at_stand_in(bench, name, command, size):
    """Our own part of what takes the testbed's server too long."""
    words = ['setpriv', '--pdeathsig', 'TERM', sys.executable, f'{os.path.dirname(__file__)}/stand_in.py', str(size)]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        url, config = f'http://127.0.0.1:{int(server.stdout.readline())}', f'{bench.base}/stand-in.cfg'
        with open(config, 'w') as out:
            out.write(f'[client]\nrucio_host = {url}\nauth_host = {url}\nauth_type = userpass\nusername = jdoe\npassword = secret\n'
                      'account = jdoe\n')
        rows(bench, name, command, Target('stand-in', size, 'scale', config, ['curl', '-sSf'], url))
    finally:
        server.terminate()
        server.wait()


@dataclass
class Command:
    """The words for a scope, the path and body of the server's calls that give the same, and the forms to try."""
    words: object
    path: str
    forms: tuple
    body: object = None
    times: int = 1                    # lists of unknown length are read twice
    most: int = 1_000_000             # entries that the testbed's server lists in minutes; more come from the stand-in


def replicas(scope):
    return json.dumps({
        'dids': [{'scope': scope, 'name': 'all'}], 'domain': None, 'ignore_availability': False, 'all_states': False,
        'resolve_archives': True, 'resolve_parents': False,
        'client_location': {'ip': '127.0.0.1', 'fqdn': 'localhost', 'site': 'ROAMING'}})


SEARCH = 'dids/{}/dids/search?type=all&filters=%5B%7B%22name%22%3A%22%2A%22%7D%5D&long=True&recursive=False'
EVERY = (*STREAMED, TABLE)
COMMANDS = {
    'list-files': Command(lambda scope, _: ['list-files', f'{scope}:all'], 'dids/{}/all/files', EVERY),
    'did list': Command(lambda scope, _: ['did', 'list', '--filter', 'type=all', f'{scope}:*'], SEARCH, EVERY, times=2, most=100_000),
    'rule list': Command(lambda scope, _: ['rule', 'list', '--account', scope], 'accounts/{}/rules', EVERY, times=2, most=100_000),
    'verify': Command(lambda scope, _: ['verify', f'{scope}:all'], 'dids/{}/all/files', ('jsonl', TABLE)),
    'download --shard': Command(lambda scope, size: ['download', '--shard', f'1/{size // SHARE}', f'{scope}:all'], 'dids/{}/all/files',
                                ('name',)),
    'download --dry-run': Command(lambda scope, _: ['download', '--dry-run', f'{scope}:all'], 'replicas/list', ('jsonl', TABLE),
                                  replicas, most=10_000),
    'list-file-replicas': Command(lambda scope, _: ['list-file-replicas', f'{scope}:all'], 'replicas/list', ('csv', TABLE),
                                  replicas, most=10_000),
}


def rows(bench, name, command, target):
    request = [*target.curl, *(['-d', command.body(target.scope)] if command.body else []), f'{target.url}/{command.path.format(target.scope)}']
    asked = [run(bench, request, bench.env['curl'], (0,)) for _ in range(command.times)]
    first, wall = asked[0].first, sum(one.wall for one in asked)
    env = {**bench.env['ours'], 'RUCIO_CONFIG': target.config}
    for form in command.forms:
        # Nothing is there that `verify` could find.
        words = [bench.rucio['ours'], *command.words(target.scope, target.size), '--output', form]
        ours = run(bench, words, env, (1,) if name == 'verify' else (0,))
        notes = []
        if form != TABLE and ours.memory > MOST_MEMORY:
            notes.append(f'MISSED: more than {MOST_MEMORY} MiB')
        if form != TABLE and name != 'download --shard' and ours.first > max(FIRST_LINE, 1.2 * first + 0.2):
            notes.append('MISSED: first line late')
        print(f'{name:20}{target.name:9}{target.size:9} {form:7}{ours.lines:9}{ours.first:9.2f}{ours.wall:9.2f}{ours.cpu:8.2f}'
              f'{ours.memory:7.1f}{first:15.2f}{wall:9.2f}  {"; ".join(notes)}', flush=True)


def run(bench, words, env, good):
    folder = tempfile.mkdtemp(dir=bench.base)
    start, first, lines = time.monotonic(), None, 0
    with open(f'{bench.base}/stderr', 'w') as stderr:
        process = subprocess.Popen(words, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)
    while data := os.read(process.stdout.fileno(), 1 << 20):
        first = first or time.monotonic() - start
        lines += data.count(b'\n')
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    if process.returncode not in good:
        sys.exit(f'{" ".join(words)[:500]} ended with {process.returncode}\n{open(f"{bench.base}/stderr").read()[-2000:]}')
    return Result(first or wall, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, lines)


if __name__ == '__main__':
    main()
