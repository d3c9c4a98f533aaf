"""The jobs, and what they need: tokens, URLs, data, the relay."""
import json
import os
import subprocess
import sys
from uuid import uuid4

from measure import ARIA, BEFORE, CPU, CURL, EACH, HTTPS, LIST, MEMORY, OFFICIAL, OURS, WALL, XRDCP, Aim, Job

ENV = os.environ
PEERS = (CURL, ARIA, XRDCP)
SMALL, FAR, UPLOADS = 2000, 200, 500
SMALL_BYTES = sum(1000 + i for i in range(SMALL))
FIRST = tuple(Aim(other, OURS, least=1.0) for other in (OFFICIAL, CURL, ARIA))
LITTLE_MEMORY = Aim(OURS, what=MEMORY, most=48)
LESS_THAN_XRDCP = (Aim(OFFICIAL, OURS, least=1.0), *(Aim(OURS, XRDCP, what, most=0.9) for what in (WALL, CPU)))


class Bench:
    """The programs, their environment and their token caches; makes the jobs, each with its data, when they are asked for."""

    def __init__(self, base, runs, official_runs, before=None):
        self.base, self.runs, self.official_runs = base, runs, official_runs
        self.rucio = {OFFICIAL: f'{ENV["TESTBED_CLIENT_VENV"]}/bin/rucio', OURS: ENV['RUCIO_OURS']}
        if before:
            self.rucio[BEFORE] = before
        self.root = f'{ENV["TESTBED_CONFIGS"]}/root.cfg'
        self.relay_port = int(ENV['TESTBED_DAVS'].rsplit(':', 1)[1]) + 25
        self.env = {}
        for name in (*self.rucio, CURL):
            home = f'{base}/{name}'
            os.mkdir(home)
            self.env[name] = {
                'PATH': '/usr/bin:/bin', 'HOME': home, 'TMPDIR': home, 'LANG': 'C.UTF-8', 'TZ': 'UTC',
                'RUCIO_CONFIG': ENV['RUCIO_CONFIG'], 'X509_USER_PROXY': ENV['X509_USER_PROXY'],
            }
        # The CA as xrdcp wants it; it reads no configuration.
        self.env[XRDCP] = self.env[EACH] = {**self.env[CURL], 'X509_CERT_DIR': f'{ENV["TESTBED_DIR"]}/etc/grid-ca'}
        self.env[OFFICIAL]['X509_CERT_DIR'] = self.env[XRDCP]['X509_CERT_DIR']
        self.env[HTTPS] = self.env[OURS]
        self.token = None

    # ---- what is needed ----------------------------------------------------------------------------

    def warm(self, config):
        """Both clients get their token, and curl one too."""
        for name, program in self.rucio.items():
            self.run([program, 'whoami'], {**self.env[name], 'RUCIO_CONFIG': config})
        if self.token is None:
            answer = self.run([*self.ca(), '-i', '-H', 'X-Rucio-Account: jdoe', '-H', 'X-Rucio-Username: jdoe',
                               '-H', 'X-Rucio-Password: secret', f'{ENV["TESTBED_URL"]}/auth/userpass'])
            self.token = next(line.split(': ', 1)[1] for line in answer.splitlines() if line.lower().startswith('x-rucio-auth-token:'))

    def run(self, words, env=None):
        return subprocess.run(words, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout

    def data(self, *names):
        """Makes what is missing, and says where it lies."""
        words = [f'{ENV["TESTBED_CLIENT_VENV"]}/bin/python', f'{os.path.dirname(__file__)}/data.py', ENV['TESTBED_STORAGE'],
                 f'{ENV["TESTBED_DIR"]}/large/2g.dat', str(self.relay_port), *names]
        return json.loads(self.run(words, {**ENV, 'RUCIO_CONFIG': self.root}))

    def start_relay(self):
        """Starts the relay; it ends with us, however we end."""
        doors = (ENV['TESTBED_DAVS'], ENV['TESTBED_XROOTD'].rstrip('/'))
        routes = [f'127.0.0.1:{self.relay_port + i}=127.0.0.1:{door.rsplit(":", 1)[1]}' for i, door in enumerate(doors)]
        relay = subprocess.Popen(['setpriv', '--pdeathsig', 'TERM', ENV['RUCIO_RELAY'], *routes], stdout=subprocess.PIPE, text=True)
        if relay.stdout.readline() != 'ready\n':
            sys.exit('the relay does not start')
        return relay

    def ca(self):
        return ['curl', '-sSf', '--cacert', f'{ENV["TESTBED_CERTS"]}/ca.pem']

    def curl(self, *words):
        return [*self.ca(), '--cert', ENV['X509_USER_PROXY'], '--key', ENV['X509_USER_PROXY'], *words]

    def api(self, *words):
        return [*self.ca(), '-H', f'X-Rucio-Auth-Token: {self.token}', *words]

    def aria(self, *words):
        return ['aria2c', '-q', '--no-conf', '--file-allocation=none', f'--ca-certificate={ENV["TESTBED_CERTS"]}/ca.pem',
                f'--certificate={ENV["X509_USER_PROXY"]}', f'--private-key={ENV["X509_USER_PROXY"]}', *words]

    def clients(self, *words):
        return {name: [program, *words] for name, program in self.rucio.items()}

    def urls(self, name, urls):
        """Lists of URLs as curl and aria2c read them."""
        curl, aria = f'{self.base}/{name}.curl', f'{self.base}/{name}.aria'
        with open(curl, 'w') as out:
            out.writelines(f'url = "{url}"\noutput = "{url.rsplit("/", 1)[1]}"\n' for url in urls)
        with open(aria, 'w') as out:
            out.writelines(f'{url}\n' for url in urls)
        return {CURL: self.curl('-Z', '--parallel-max', '16', '-K', curl), ARIA: self.aria('-j16', '-i', aria)}

    def metalink(self, rse, scheme, did):
        """A document with the replicas of a dataset."""
        words = ['list-file-replicas', '--metalink', '--protocols', scheme, '--rses', rse, did]
        meta = f'{self.base}/{rse}-{scheme}.meta4'
        with open(meta, 'w') as out:
            out.write(self.run([self.rucio[OURS], *words], self.env[OURS]))
        return meta

    def small_urls(self):
        replicas = ['list-file-replicas', '--pfns', '--protocols', 'https', '--rses', 'DAVS', 'bench:small']
        return self.run([self.rucio[OURS], *replicas], self.env[OURS]).split()

    def replicas(self, **more):
        """The listing of the 2,000 that our client asks for, and with `resolve_parents` as the official one does."""
        here = {'ip': '127.0.0.1', 'fqdn': 'localhost', 'site': 'ROAMING'}
        body = {'dids': [{'scope': 'bench', 'name': 'small'}], 'schemes': ['https'], 'rse_expression': 'DAVS', 'domain': None,
                'ignore_availability': False, 'all_states': False, 'resolve_archives': True, 'resolve_parents': False,
                'client_location': here, **more}
        return self.api('-X', 'POST', '-d', json.dumps(body), f'{ENV["TESTBED_URL"]}/replicas/list')

    def job(self, name):
        self.warm(self.env[OURS]['RUCIO_CONFIG'])
        job = getattr(self, 'job_' + name.replace('-', '_'))()
        if job.config:
            self.warm(job.config)
        job.name = name
        job.aims = (*job.aims, Aim(OURS, BEFORE, most=1.05))
        return job

    # ---- the catalogue -----------------------------------------------------------------------------

    def job_version(self):
        return Job('', {**self.clients('--version'), CURL: ['curl', '--version']}, self.runs, self.runs)

    def job_whoami(self):
        url = f'{ENV["TESTBED_URL"]}/accounts/whoami'
        return Job('', {**self.clients('whoami'), CURL: self.api('-L', url)}, self.runs, self.runs)

    def job_list_files_20000(self):
        url = f'{ENV["TESTBED_URL"]}/dids/bench/big/files'
        return Job('', {**self.clients('list-files', 'bench:big'), CURL: self.api(url)}, self.runs, self.runs)

    def job_list_dids(self):
        url = f'{ENV["TESTBED_URL"]}/dids/test/dids/search?type=all&long=True&filters=%5B%7B%22name%22%3A%22%2A%22%7D%5D'
        return Job('', {**self.clients('list-dids', '--filter', 'type=all', 'test:*'), CURL: self.api(url)}, self.runs, self.runs)

    def job_replicas_of_2000(self):
        # The work of the server alone: asked as our client does, and as the official one does.
        return Job('', {'as ours': self.replicas(), 'as theirs': self.replicas(resolve_parents=True)}, self.runs)

    # ---- (a) many small files ----------------------------------------------------------------------

    def job_download_2000(self):
        words = self.clients('download', '--rses', 'DAVS', '--protocol', 'https', 'bench:small')
        aims = (Aim(OURS, LIST, most=1.15), Aim(OFFICIAL, OURS, least=25), LITTLE_MEMORY)
        return Job('', {**words, **self.urls('small', self.small_urls()), LIST: self.replicas()},
                   self.runs, self.official_runs, (SMALL, SMALL_BYTES), aims)

    def job_metalink_2000(self):
        meta = self.metalink('DAVS', 'https', 'bench:small')
        ours = {name: [program, 'download', '--metalink', meta] for name, program in self.rucio.items() if name != OFFICIAL}
        curl = self.urls('small', self.small_urls())[CURL]
        return Job('', {**ours, CURL: curl, ARIA: self.aria('-j16', '-M', meta)}, self.runs,
                   expect=(SMALL, SMALL_BYTES), aims=(Aim(OURS, CURL, most=1.2), LITTLE_MEMORY))

    # ---- (b) one large file ------------------------------------------------------------------------

    def job_https_2GiB(self):
        url = f'{self.data("root")["near"]}/2g-root.dat'
        words = self.clients('download', '--protocol', 'https', '--transfer-timeout', '600', 'benches:2g-root.dat')
        peers = {CURL: self.curl('-O', url), ARIA: self.aria('-x5', url)}
        aims = (Aim(OURS, CURL, most=1.05), Aim(OURS, CURL, CPU, most=1.15), LITTLE_MEMORY)
        return Job('', {**words, **peers}, self.runs, self.official_runs, (1, 2 << 30), aims)

    # ---- root --------------------------------------------------------------------------------------

    def root_2000(self, rse, door, aims):
        """2,000 small files over root, and the same over https, from metalink files, which the official client cannot use."""
        self.data('small')
        meta = self.metalink(rse, 'root', 'benches:small')
        words = {name: [program, 'download', '--metalink', meta] for name, program in self.rucio.items()}
        words[OFFICIAL] = [self.rucio[OFFICIAL], 'download', '--rses', rse, '--protocol', 'root', 'benches:small']
        https = [self.rucio[OURS], 'download', '--metalink', self.metalink('BENCH', 'https', 'benches:small')]
        listed = f'{self.base}/{rse}.xrdcp'
        with open(listed, 'w') as out:
            out.writelines(f'{door}/multi/benches/small-{number:04}.dat\n' for number in range(SMALL))
        peers = {XRDCP: ['xrdcp', '-s', '-C', 'adler32', '-I', listed, '.'],
                 EACH: ['xargs', '-a', listed, '-I{}', 'xrdcp', '-s', '-C', 'adler32', '{}', '.']}
        first = tuple(Aim(other, OURS, least=1.0) for other in (OFFICIAL, XRDCP, EACH))
        return Job('', {**words, HTTPS: https, **peers}, self.runs, self.official_runs, (SMALL, SMALL_BYTES),
                   (*first, *aims, LITTLE_MEMORY))

    def job_root_2000(self):
        return self.root_2000('BENCH', ENV['TESTBED_XROOTD'], ())

    def job_gsi_2000(self):
        return self.root_2000('BENCH_GSI', ENV['TESTBED_XRDGSI'], (Aim(OURS, HTTPS, most=1.3),))

    def job_root_2GiB(self):
        self.data('root')
        url = f'{ENV["TESTBED_XROOTD"]}/multi/benches/2g-root.dat'
        words = self.clients('download', '--protocol', 'root', '--transfer-timeout', '600', 'benches:2g-root.dat')
        peers = {XRDCP: ['xrdcp', '-s', '-C', 'adler32', url, '2g-root.dat']}
        return Job('', {**words, **peers}, self.runs, self.official_runs, (1, 2 << 30), (*LESS_THAN_XRDCP, LITTLE_MEMORY))

    def job_root_upload_2GiB(self):
        folder = self.data()['folder']

        def prepare(run):
            os.symlink(f'{ENV["TESTBED_DIR"]}/large/2g.dat', f'{run}/up-{uuid4().hex[:12]}.dat')

        def command(program):
            return lambda run: [program, 'upload', '--rse', 'BENCH', '--protocol', 'root', '--scope', 'benches',
                                '--lifetime', '3600', '--transfer-timeout', '600', *os.listdir(run)]

        def xrdcp(run):
            name, = os.listdir(run)
            return ['xrdcp', '-s', '-C', 'adler32', name, f'{ENV["TESTBED_XROOTD"]}/multi/benches/{name}']
        commands = {**{name: command(program) for name, program in self.rucio.items()}, XRDCP: xrdcp}
        return Job('', commands, min(self.runs, 3), self.official_runs, prepare=prepare, config=self.root,
                   clean=lambda run, _: uploaded(folder, os.listdir(run), 2 << 30), aims=(*LESS_THAN_XRDCP, LITTLE_MEMORY))

    # ---- (c) a long, narrow road -------------------------------------------------------------------

    def job_relay_200x1MB(self):
        far = self.data('far')['far']
        urls = self.urls('far', [f'{far}/far-{number:03}.dat' for number in range(FAR)])
        words = self.clients('download', '--rses', 'BENCH_RELAY', 'benches:far')
        return Job('', {**words, **urls}, self.runs, self.official_runs,
                   (FAR, FAR * 10**6), FIRST)

    def job_relay_500MB(self):
        url = f'{self.data("large_far")["far"]}/far-500MB.dat'
        words = self.clients('download', '--rses', 'BENCH_RELAY', '--transfer-timeout', '600', 'benches:far-500MB.dat')
        peers = {CURL: self.curl('-O', url), ARIA: self.aria('-x16', '-s16', '-k1M', url)}
        return Job('', {**words, **peers}, min(self.runs, 3), self.official_runs, (1, 500 * 10**6), (*FIRST, LITTLE_MEMORY))

    def relay_root(self, data, did, names, expect):
        """The same over root."""
        self.data(data)
        words = ['download', '--transfer-timeout', '600', did, '--rses']
        https = [self.rucio[OURS], *words, 'BENCH_RELAY']
        urls = [f'root://localhost:{self.relay_port + 1}//multi/benches/{name}' for name in names]
        xrdcp = ['xrdcp', '-s', '-C', 'adler32', '--parallel', '4', *urls, '.']
        aims = (Aim(OURS, HTTPS, most=1.1), *(Aim(other, OURS, least=1.0) for other in (OFFICIAL, XRDCP)), LITTLE_MEMORY)
        return Job('', {**self.clients(*words, 'BENCH_RELAY_ROOT'), HTTPS: https, XRDCP: xrdcp}, min(self.runs, 3),
                   self.official_runs, expect, aims)

    def job_relay_root_200x1MB(self):
        names = [f'far-{number:03}.dat' for number in range(FAR)]
        return self.relay_root('far_root', 'benches:far', names, (FAR, FAR * 10**6))

    def job_relay_root_500MB(self):
        return self.relay_root('large_far_root', 'benches:far-500MB.dat', ['far-500MB.dat'], (1, 500 * 10**6))

    # ---- (d) up ------------------------------------------------------------------------------------

    def job_upload_500(self):
        folder = self.data()['folder']

        def prepare(run):
            mark = uuid4().hex[:12]
            os.mkdir(f'{run}/files')
            for number in range(UPLOADS):
                with open(f'{run}/files/up-{mark}-{number:03}.dat', 'wb') as out:
                    out.write(os.urandom(1000 + number))
        words = self.clients('upload', '--rse', 'BENCH', '--protocol', 'https', '--scope', 'benches', '--lifetime', '3600', 'files')
        return Job('', words, self.runs, self.official_runs, prepare=prepare, config=self.root,
                   clean=lambda run, _: uploaded(folder, os.listdir(f'{run}/files'), sum(1000 + i for i in range(UPLOADS))),
                   aims=(Aim(OFFICIAL, OURS, least=1.0), LITTLE_MEMORY))

    def job_upload_2GiB(self):
        folder = self.data()['folder']

        def prepare(run):
            os.symlink(f'{ENV["TESTBED_DIR"]}/large/2g.dat', f'{run}/up-{uuid4().hex[:12]}.dat')

        def command(program):
            return lambda run: [program, 'upload', '--rse', 'BENCH', '--protocol', 'https', '--scope', 'benches',
                                '--lifetime', '3600', '--transfer-timeout', '600', *os.listdir(run)]
        return Job('', {name: command(program) for name, program in self.rucio.items()}, min(self.runs, 3), self.official_runs,
                   prepare=prepare, config=self.root, clean=lambda run, _: uploaded(folder, os.listdir(run), 2 << 30),
                   aims=(Aim(OFFICIAL, OURS, least=1.0), LITTLE_MEMORY))

    # ---- (e) memory --------------------------------------------------------------------------------

    def many(self, *words, official=True, **more):
        self.data('many')
        commands = self.clients(*words, 'benches:many')
        if not official:
            del commands[OFFICIAL]
        return Job('', commands, min(self.runs, 3), self.official_runs, aims=(LITTLE_MEMORY,), **more)

    def job_list_files_100000(self):
        return self.many('list-files', '--csv')

    def job_replicas_of_100000(self):
        return self.many('list-file-replicas', '--pfns', '--protocols', 'https')

    def job_plan_100000(self):
        return self.many('download', '--dry-run', '--protocol', 'https', official=False)

    def job_download_2000_of_100000(self):
        return self.many('download', '--shard', '1/50', '--protocol', 'https', official=False, expect=(range(1800, 2200), None))


def uploaded(folder, names, size):
    """Looks whether all that went up lies there, and takes it away."""
    found = [os.path.getsize(f'{folder}/{name}') for name in names]
    if sum(found) != size:
        sys.exit(f'{sum(found)} bytes of {len(found)} files lie at the storage, not {size}')
    for name in names:
        os.remove(f'{folder}/{name}')


JOBS = [name.removeprefix('job_').replace('_', '-') for name in vars(Bench) if name.startswith('job_')]
