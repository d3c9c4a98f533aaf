#!/usr/bin/env python3
"""A thousand jobs of an array at once: `rucio download --shard I/N` of one dataset, against a stand-in for the server.

    benches/jobs-at-once [--jobs 10,100,1000] [--files N] [SCENARIO ...]

The clients are processes of the real program. The server is a stand-in with the latencies of the testbed's (stand_in.py),
because a thousand clients and a real server need more than two cores. All clients start, and their logins arrive at the
same moment; the time runs from then. `ideal` is the time that the server needs for all calls but the traces, if none of its
slots is ever idle. The lines marked `model` are those of jobs_model.py: the same server and the same rules of
the client, without processes.
"""
import argparse
import asyncio
import os
import resource
import sys
import tempfile
import time
from collections import Counter

import jobs_model
from stand_in import SCOPE, Behaviour, StandIn, seconds

CONFIG = """[client]
rucio_host = http://127.0.0.1:{port}
auth_host = http://127.0.0.1:{port}
account = jdoe
auth_type = userpass
username = jdoe
password = secret
request_retries = {attempts}
"""
# What the server does, and the number of attempts that the site configures (`request_retries`).
SCENARIOS = {
    'queues': ({}, 3),
    'refuses': ({'queue': 40}, 3),
    'refuses-60': ({'queue': 40}, 60),
    'retry-after': ({'queue': 40, 'retry_after': 5}, 3),
    'outage': ({'outage': (2, 12)}, 3),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--jobs', default='10,100,1000', help='numbers of jobs (default %(default)s)')
    parser.add_argument('--files', type=int, default=2000, help='files of the dataset (default %(default)s)')
    parser.add_argument('--model', default='10,100,1000,10000', help='numbers of jobs in the model (default %(default)s)')
    parser.add_argument('scenarios', nargs='*', help=f'only these: {", ".join(SCENARIOS)}')
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 16), hard))
    print(f'{os.cpu_count()} processors, load {" ".join(f"{load:.1f}" for load in os.getloadavg())}; dataset of {args.files} files')
    print(f'{"":12}{"":9}{"jobs":>7}{"failed":>8}{"calls/job":>11}{"calls/file":>11}{"peak":>7}{"503s":>7}{"back/s":>8}'
          f'{"total s":>9}{"ideal s":>9}{"ratio":>7}', flush=True)
    for name in args.scenarios or SCENARIOS:
        behaviour, attempts = SCENARIOS[name]
        for jobs in numbers(args.jobs):
            server = Behaviour(hold=jobs, **behaviour)
            row(name, 'measured', jobs, args.files, server, asyncio.run(measure(jobs, args.files, server, attempts)))
        for jobs in numbers(args.model):
            server = Behaviour(**behaviour)
            row(name, 'model', jobs, args.files, server, jobs_model.simulate(jobs, args.files, server, attempts))


def numbers(text):
    return [int(number) for number in text.split(',') if number]


async def measure(jobs, files, behaviour, attempts):
    server = StandIn(files, behaviour)
    async with await server.serve():
        with tempfile.TemporaryDirectory(prefix='rucio-jobs-', dir=os.environ.get('RUCIO_BENCH_DIR')) as base:
            config = f'{base}/rucio.cfg'
            with open(config, 'w') as out:
                out.write(CONFIG.format(port=server.port, attempts=attempts))
            starting = asyncio.Semaphore(8)
            codes = await asyncio.gather(*(client(base, config, number, jobs, starting) for number in range(1, jobs + 1)))
            end = max(ended for _, ended in codes)
    return server.calls, sum(code != 0 for code, _ in codes), server.started, end


async def client(base, config, number, jobs, starting):
    home = f'{base}/{number}'
    os.mkdir(home)
    env = {'PATH': '/usr/bin:/bin', 'HOME': home, 'TMPDIR': home, 'RUCIO_CONFIG': config, 'TZ': 'UTC', 'LANG': 'C.UTF-8'}
    words = ['download', '--shard', f'{number}/{jobs}', '--dir', home, f'{SCOPE}:all']
    with open(f'{home}/log', 'w') as log:
        async with starting:
            process = await asyncio.create_subprocess_exec(os.environ['RUCIO_OURS'], *words, env=env, cwd=home, stdin=asyncio.subprocess.DEVNULL,
                                                           stdout=log, stderr=log)
        code = await process.wait()
    if code != 0 and os.environ.get('RUCIO_BENCH_DEBUG'):
        sys.stderr.write(open(f'{home}/log').read()[-1500:])
    return code, time.monotonic()


def row(scenario, source, jobs, files, behaviour, result):
    calls, failed, start, end = result
    peak, level = 0, 0
    for _, step in sorted([(call.arrived, 1) for call in calls] + [(call.ended, -1) for call in calls if call.ended]):
        level += step
        peak = max(peak, level)
    refused = sum(call.status == 503 for call in calls)
    served = [seconds(call.kind, rows(call.kind, files, jobs)) for call in calls if call.status == 200 and call.kind != 'traces']
    # All slots busy all the time, or the calls of one client one after the other.
    outage = behaviour.outage or (0, 0)
    ideal = max(sum(served) / behaviour.slots, sum(served) / jobs) + outage[1] - outage[0]
    print(f'{scenario:12}{source:9}{jobs:7}{failed:8}{len(calls) / jobs:11.1f}{len(calls) / files:11.2f}{peak:7}{refused:7}'
          f'{fullest(calls, start):8}{end - start:9.1f}{ideal:9.1f}{(end - start) / ideal:7.2f}', flush=True)


def rows(kind, files, jobs):
    return {'files': files, 'replicas': files / jobs}.get(kind, 0)


def fullest(calls, start):
    """The most calls that arrived in one second, from the second on."""
    seconds = Counter(int(call.arrived - start) for call in calls)
    return max((number for second, number in seconds.items() if second > 0), default=0)


if __name__ == '__main__':
    main()
