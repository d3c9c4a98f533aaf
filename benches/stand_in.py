"""A stand-in for a Rucio server and a storage, with the latencies of real ones: a thousand clients at once need more than two cores.

What a real server does is modelled as: so many calls are served at once, in order of arrival, each for the time measured
at a real server. What exceeds `queue` is answered with 503, as is everything during an outage. Every call is recorded.
"""
import asyncio
import itertools
import json
import sys
import time
import zlib
from dataclasses import dataclass

DATA = b'one of many\n'
LIST = 'application/x-json-stream'
SCOPE, DATASET = 'scale', 'all'

# As the real server lists them.
DATE = 'Mon, 30 Nov 2026 20:44:45 UTC'
RULE = {'copies': 1, 'activity': 'User Subscriptions', 'updated_at': DATE, 'account': 'jdoe', 'expires_at': None, 'grouping': 'DATASET',
        'comments': None, 'scope': SCOPE, 'weight': None, 'notification': 'NO', 'child_rule_id': None, 'locked': False, 'stuck_at': None,
        'eol_at': None, 'did_type': 'FILE', 'locks_ok_cnt': 1, 'purge_replicas': False, 'split_container': False, 'state': 'OK',
        'locks_replicating_cnt': 0, 'ignore_availability': False, 'meta': None, 'error': None, 'locks_stuck_cnt': 0,
        'ignore_account_limit': False, 'deleted_at': None, 'subscription_id': None, 'rse_expression': 'POSIX',
        'source_replica_expression': None, 'priority': 3, 'created_at': DATE, 'bytes': 12}

# Seconds of one call at the testbed's server, the fewest of 25; of lists also for each row. jobs_at_once.py --measure repeats it.
LATENCY = {'login': 0.0186, 'search': 0.0058, 'rses': 0.0018, 'did': 0.0050, 'files': 0.0017, 'replicas': 0.100, 'rules': 0.01, 'traces': 0.005}
ROW = {'files': 40e-6, 'search': 80e-6, 'replicas': 1.2e-3, 'rules': 250e-6}

# Seconds for each row of a list if nothing else is modelled: a twentieth of what replicas take the testbed's server.
PACE = 60e-6


@dataclass
class Behaviour:
    """How the server meets many calls."""
    slots: int = 4                # calls served at once
    queue: int = 10**9            # calls that wait for that; more get 503
    retry_after: int = None       # seconds in the 503's
    outage: tuple = None          # seconds after the start: from, until
    hold: int = 0                 # the logins of this many clients are held until all have arrived

    def is_out(self, now):
        return self.outage is not None and self.outage[0] <= now < self.outage[1]


def seconds(kind, rows):
    """What a call takes that looks up this many rows."""
    return LATENCY[kind] + ROW.get(kind, 0) * rows


@dataclass
class Call:
    kind: str
    arrived: float
    ended: float = None
    status: int = None


def chunks(names, row):
    """Rows, a thousand at a time."""
    for start in range(0, len(names), 1000):
        yield b''.join(map(row, names[start:start + 1000]))


class StandIn:
    def __init__(self, files, behaviour):
        self.behaviour, self.calls = behaviour, []
        self.pace = 0                 # seconds for each row of a list
        self.slots, self.waiting = asyncio.Semaphore(behaviour.slots), 0
        self.started, self.all_here, self.held = None, asyncio.Event(), 0
        self.names = [f'file-{number:07}.dat' for number in range(files)]
        self.rows = list(chunks(self.names, self.row))
        self.port = None

    @staticmethod
    def facts(name):
        return {'scope': SCOPE, 'name': name, 'bytes': len(DATA), 'adler32': f'{zlib.adler32(DATA):08x}'}

    def row(self, name):
        return json.dumps({**self.facts(name), 'guid': None, 'events': None}).encode() + b'\n'

    def did(self, name):
        return json.dumps({**self.facts(name), 'did_type': 'FILE', 'length': None}).encode() + b'\n'

    def rule(self, name):
        return json.dumps({**RULE, 'id': zlib.crc32(name.encode()).to_bytes(4).hex() * 4, 'name': name}).encode() + b'\n'

    def replica(self, name):
        pfn = f'http://127.0.0.1:{self.port}/data/{name}'
        at = {'rse': 'SITE', 'rse_id': '0', 'type': 'DISK', 'domain': 'wan', 'priority': 1, 'client_extract': False, 'volatile': False}
        return json.dumps({**self.facts(name), 'md5': None, 'rses': {'SITE': [pfn]}, 'states': {'SITE': 'AVAILABLE'},
                           'pfns': {pfn: at}}).encode() + b'\n'

    async def serve(self):
        server = await asyncio.start_server(self.connection, '127.0.0.1', 0, backlog=4096, limit=1 << 24)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def connection(self, reader, writer):
        try:
            while head := await reader.readuntil(b'\r\n\r\n'):
                line, *fields = head.decode('latin-1').split('\r\n')
                method, target, _ = line.split(' ')
                fields = {name.lower(): value for name, _, value in (field.partition(': ') for field in fields)}
                body = await reader.readexactly(int(fields.get('content-length', 0)))
                status, headers, answer = await self.answer(method, target, body)
                extra = ''.join(f'{name}: {value}\r\n' for name, value in headers.items())
                # A list has no length: our client reads some of them twice for that reason.
                is_list = headers.get('Content-Type') == LIST
                length = 'Transfer-Encoding: chunked' if is_list else f'Content-Length: {len(answer)}'
                writer.write(f'HTTP/1.1 {status} -\r\n{length}\r\n{extra}\r\n'.encode())
                for chunk in answer if is_list else ():
                    await asyncio.sleep(self.pace * chunk.count(b'\n'))
                    writer.write(b'%x\r\n%s\r\n' % (len(chunk), chunk))
                    await writer.drain()
                writer.write(b'0\r\n\r\n' if is_list else answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, method, target, body):
        if target.startswith('/data/'):
            await asyncio.sleep(0.002)
            return 200, {}, DATA
        kind, rows, answer = self.content(*target.partition('?')[::2], body)
        if kind == 'login' and self.held < self.behaviour.hold:
            await self.hold()
        call = Call(kind, time.monotonic())
        self.calls.append(call)
        call.status = await self.served(seconds(kind, rows))
        call.ended = time.monotonic()
        if call.status == 503:
            after = self.behaviour.retry_after
            return 503, {} if after is None else {'Retry-After': after}, b''
        if kind == 'login':
            expiry = time.strftime('%a, %d %b %Y %H:%M:%S UTC', time.gmtime(time.time() + 3600))
            return 200, {'X-Rucio-Auth-Token': 'token', 'X-Rucio-Auth-Token-Expires': expiry}, b''
        return 200, {'Content-Type': 'application/json' if kind in ('did', 'traces') else LIST}, answer

    async def hold(self):
        """The starting signal: all clients have started, and call at the same moment."""
        self.held += 1
        if self.held == self.behaviour.hold:
            self.started = time.monotonic()
            self.all_here.set()
        await self.all_here.wait()

    async def served(self, duration):
        behaviour = self.behaviour
        now = time.monotonic() - (self.started or time.monotonic())
        if behaviour.is_out(now) or (self.waiting >= behaviour.queue and self.slots.locked()):
            return 503
        self.waiting += 1
        async with self.slots:
            self.waiting -= 1
            await asyncio.sleep(duration)
        return 200

    def content(self, path, query, body):
        """Kind of the call, number of rows that the server looks up, answer."""
        did = {'scope': SCOPE, 'name': DATASET, 'type': 'DATASET', 'did_type': 'DATASET', 'account': 'jdoe', 'open': True,
               'bytes': len(self.names) * len(DATA), 'length': len(self.names), 'expired_at': None}
        match path:
            case '/auth/userpass':
                return 'login', 0, b''
            case '/traces/':
                return 'traces', 0, b'CREATED'
            case '/rses/':
                return 'rses', 0, [b'{"rse": "TAPE"}\n']
            case '/replicas/list':
                asked = [one['name'] for one in json.loads(body)['dids']]
                names = self.names if asked == [DATASET] else asked
                return 'replicas', len(names), chunks(names, self.replica)
            case path if path.endswith('/files'):
                return 'files', len(self.names), self.rows
            case path if path.endswith('/dids/search'):
                names = self.names if '*' in query.replace('%2A', '*') else []
                return 'search', len(names), itertools.chain([json.dumps(did).encode() + b'\n'], chunks(names, self.did))
            case path if path.rstrip('/').endswith('scopes'):
                return 'did', 0, json.dumps([SCOPE]).encode()
            case path if path.endswith('/rules'):
                return 'rules', len(self.names), chunks(self.names, self.rule)
        return 'did', 0, json.dumps(did).encode()


async def main(files):
    """Serves a dataset of this many files, faster than any real server."""
    for known in (LATENCY, ROW):
        known.update(dict.fromkeys(known, 0))
    server = StandIn(files, Behaviour())
    server.pace = PACE
    async with await server.serve() as serving:
        print(server.port, flush=True)
        await serving.serve_forever()


if __name__ == '__main__':
    asyncio.run(main(int(sys.argv[1])))
