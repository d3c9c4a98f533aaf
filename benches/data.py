"""The data that the benchmark adds to the testbed's, made at its first use and kept.

    RUCIO_CONFIG=... client-venv/bin/python benches/data.py STORAGE LARGE [NAME ...]      names: far large root many small far_root large_far_root

STORAGE is the folder with the bytes, LARGE the testbed's file of 2 GiB. All lies in a scope of its own, on RSEs of its own
that show one folder of the testbed's WebDAV and XRootD servers, the same for both:

    BENCH          https and root, straight
    BENCH_RELAY    https, through the relay
    BENCH_GSI      root with gsi, straight
    BENCH_RELAY_ROOT   root, through the relay

Prints the facts that the jobs need, as JSON.
"""
import hashlib
import json
import os
import random
import shutil
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

from rucio.client import Client
from rucio.common.exception import DataIdentifierNotFound, Duplicate, RSENotFound

SCOPE = 'benches'
NEAR, FAR, GSI, FAR_ROOT = 'BENCH', 'BENCH_RELAY', 'BENCH_GSI', 'BENCH_RELAY_ROOT'
CALL = 1000                    # the server takes no more in one call
MANY, SHARES = 100_000, 50     # names, of which one share of this many is downloaded
LINKS = 10_000                 # names of one file: a file system takes no more than some ten thousand
EVERYWHERE = {domain: {'read': 1, 'write': 1, 'delete': 1} for domain in ('lan', 'wan')}


class Data:
    def __init__(self, storage, large):
        self.client = Client()
        self.folder = f'{storage}/multi/{SCOPE}'
        self.large = large
        os.makedirs(self.folder, exist_ok=True)
        shutil.chown(self.folder, 'www-data', 'www-data')

    def site(self, relay_port):
        """The scope, and the RSEs as the testbed's MULTI, whose folder they share."""
        try:
            self.client.add_scope('root', SCOPE)
        except Duplicate:
            pass
        doors = {one['scheme']: one for one in self.client.get_protocols('MULTI')}
        self.rse(NEAR, [doors['https'], doors['root']])
        self.rse(FAR, [{**doors['https'], 'port': relay_port}])
        self.rse(GSI, [{**doors['root'], 'port': int(os.environ['TESTBED_XRDGSI'].rstrip('/').rsplit(':', 1)[1])}])
        self.rse(FAR_ROOT, [{**doors['root'], 'port': relay_port + 1}])

    def rse(self, rse, protocols):
        try:
            self.client.get_rse(rse)
            return
        except RSENotFound:
            self.client.add_rse(rse)
        for one in protocols:
            wanted = {key: one[key] for key in ('scheme', 'impl', 'hostname', 'port', 'prefix')}
            self.client.add_protocol(rse, {**wanted, 'domains': EVERYWHERE})
        self.client.add_rse_attribute(rse, 'lfn2pfn_algorithm', 'identity')
        self.client.set_local_account_limit('root', rse, -1)

    def place(self, name, data):
        path = f'{self.folder}/{name}'
        with open(path, 'wb') as out:
            out.write(data)
        return {'scope': SCOPE, 'name': name, 'bytes': len(data), 'adler32': f'{zlib.adler32(data):08x}',
                'md5': hashlib.md5(data).hexdigest()}

    def known(self, name):
        """Whether the catalogue has it, and the storage what belongs to it (a testbed begins anew with empty ones)."""
        try:
            did = self.client.get_did(SCOPE, name)
        except DataIdentifierNotFound:
            return False
        return did['type'] == 'FILE' or bool(next(iter(self.client.list_content(SCOPE, name)), None))

    def register(self, rse, files, dataset=None):
        chunks = [files[start:start + CALL] for start in range(0, len(files), CALL)]
        if dataset:
            try:
                self.client.add_dataset(SCOPE, dataset)
            except Duplicate:
                pass
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda chunk: self.client.add_replicas(rse, chunk), chunks))
        for chunk in chunks if dataset else ():
            self.client.attach_dids(SCOPE, dataset, [{key: one[key] for key in ('scope', 'name')} for one in chunk])

    def far(self):
        """200 files of 1 MB at the end of the long road."""
        names = [f'far-{number:03}.dat' for number in range(200)]
        if not self.known('far'):
            files = [self.place(name, random.Random(name).randbytes(10**6)) for name in names]
            self.register(FAR, files, 'far')

    def large_far(self):
        """One file of 500 MB there."""
        name = 'far-500MB.dat'
        if not self.known(name):
            block = random.Random(name).randbytes(10**6)
            self.register(FAR, [self.place(name, block * 500)])

    def root(self):
        """The testbed's file of 2 GiB, by https and root."""
        name, path = '2g-root.dat', f'{self.folder}/2g-root.dat'
        if not os.path.exists(path):
            os.link(self.large, path)
        if not self.known(name):
            facts = json.load(open(f'{os.path.splitext(self.large)[0]}.json'))
            self.register(NEAR, [{'scope': SCOPE, 'name': name, **facts}])

    def small(self):
        """2,000 files of 1 to 3 kB, by https, by root, and by root with gsi."""
        if not self.known('small'):
            names = [f'small-{number:04}.dat' for number in range(2000)]
            files = [self.place(name, random.Random(name).randbytes(1000 + number)) for number, name in enumerate(names)]
            self.register(NEAR, files, 'small')
            self.register(GSI, files)

    def far_root(self):
        """The files at the end of the long road, by root."""
        self.far()
        self.also_at(FAR_ROOT, 'far')

    def large_far_root(self):
        self.large_far()
        self.also_at(FAR_ROOT, 'far-500MB.dat')

    def also_at(self, rse, name):
        files = list(self.client.list_files(SCOPE, name))
        listed = self.client.list_replicas([{'scope': SCOPE, 'name': files[0]['name']}], rse_expression=rse)
        if not any(one['rses'] for one in listed):
            self.register(rse, [{key: one[key] for key in ('scope', 'name', 'bytes', 'adler32')} for one in files])

    def many(self):
        """100,000 names of few files of 1 kB."""
        if self.known('many'):
            return
        files = []
        for number in range(MANY):
            name = f'many-{number:06}.dat'
            if number % LINKS == 0:
                first = self.place(name, random.Random('many').randbytes(1000))
            elif not os.path.exists(f'{self.folder}/{name}'):
                os.link(f'{self.folder}/{first["name"]}', f'{self.folder}/{name}')
            files.append({**first, 'name': name})
        self.register(NEAR, files, 'many')


def main(storage, large, relay_port, *wanted):
    data = Data(storage, large)
    data.site(int(relay_port))
    for one in wanted:
        getattr(data, one)()
    prefix = next(one for one in data.client.get_protocols(NEAR) if one['scheme'] == 'https')
    near = f'https://localhost:{prefix["port"]}{prefix["prefix"]}{SCOPE}'
    json.dump({'folder': data.folder, 'near': near, 'far': near.replace(f':{prefix["port"]}/', f':{relay_port}/')}, sys.stdout)


if __name__ == '__main__':
    main(*sys.argv[1:])
