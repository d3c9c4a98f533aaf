"""The data of the testbed.

    seed.py            accounts, RSEs, files, datasets, rules of the first server
    seed.py second     the little that the second server knows
    seed.py large      the file of 2 GiB (kept out of the archive that `reset` restores)

Run by `testbed up`, against servers with an empty catalogue, in the server's Python environment. Files are put where
the storage servers find them and then registered in bulk: that is a hundred times faster than 4,000 uploads.
"""
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import zlib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, permutations

D = os.environ['D']
FULL = os.environ['FULL'] == '1'
RELEASE = int(os.environ['RUCIO_RELEASE'])       # of the server
PORT = {name[2:]: int(value) for name, value in os.environ.items() if name.startswith('P_')}
CHUNK = 1000                                   # the server takes no more in one call


# ---- bytes ---------------------------------------------------------------------------------------

FOLDER = {'DAVS': 'davs/data', 'DAV': 'dav/data', 'XRD1': 'xrootd/xrd1', 'XRD2': 'xrootd/xrd2', 'POSIX': 'posix',
          'SSH': 'scp', 'MULTI': 'multi', 'DAVS_SCRATCHDISK': 'davs/scratch', 'SECOND': 'second',
          'XRDHTTP': 'xrootd/http', 'XRDHTTP_NOSUM': 'xrdpool/http', 'XRDHTTP_DOOR': 'xrdpool/door'}


def noise(name, size):
    """The same bytes in every testbed."""
    return random.Random(name).randbytes(size)


def place(rse, scope, name, data):
    path = f'{D}/storage/{FOLDER[rse]}/{path_of(scope, name)}'
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as out:
        out.write(data)


def path_of(scope, name):
    """Where the algorithm "hash" puts a file."""
    digest = hashlib.md5(f'{scope}:{name}'.encode()).hexdigest()
    if scope.startswith(('user', 'group')):
        scope = scope.replace('.', '/')
    return f'{scope}/{digest[:2]}/{digest[2:4]}/{name}'


def large_file():
    """Make the 2 GiB of bench:2g.dat if they are missing; -> what the catalogue wants to know of it."""
    path, sums = f'{D}/large/2g.dat', f'{D}/large/2g.json'
    if not os.path.exists(sums):
        block, adler32, md5 = noise('2g.dat', 1 << 24), 1, hashlib.md5()
        with open(path, 'wb') as out:
            for _ in range(128):
                out.write(block)
                adler32 = zlib.adler32(block, adler32)
                md5.update(block)
        os.chmod(path, 0o644)
        with open(sums, 'w') as out:
            json.dump({'bytes': 1 << 31, 'adler32': f'{adler32:08x}', 'md5': md5.hexdigest()}, out)
    served = f'{D}/storage/davs/data/{path_of("bench", "2g.dat")}'
    if not os.path.exists(served):
        os.makedirs(os.path.dirname(served), exist_ok=True)
        os.link(path, served)
    with open(sums) as file:
        return json.load(file)


if sys.argv[1:] == ['large']:
    large_file()
    sys.exit()

tempfile.tempdir = tempfile.mkdtemp(prefix='testbed-seed-')       # the client keeps its tokens there
from rucio.client import Client  # noqa: E402


class Catalogue:
    """Collects replicas, and registers them in a few calls."""

    def __init__(self, client):
        self.client = client
        self.replicas = defaultdict(list)
        self.contents = defaultdict(list)

    def file(self, scope, name, data, rses, dataset=None, wrong=(), absent=()):
        """A file with replicas on all `rses`; with other bytes on those in `wrong`, without on those in `absent`."""
        for rse in rses:
            if rse in wrong:
                place(rse, scope, name, bytes(byte ^ 0x20 for byte in data))
            elif rse not in absent:
                place(rse, scope, name, data)
        self.entry(scope, name, rses, dataset, bytes=len(data), adler32=f'{zlib.adler32(data):08x}',
                   md5=hashlib.md5(data).hexdigest())

    def entry(self, scope, name, rses, dataset=None, **facts):
        for rse in rses:
            self.replicas[rse].append({'scope': scope, 'name': name, **facts})
        if dataset:
            self.contents[scope, dataset].append({'scope': scope, 'name': name})

    def flush(self):
        # one RSE after the other, since they share DIDs; but the chunks of one at the same time
        with ThreadPoolExecutor(4) as pool:
            for rse, files in self.replicas.items():
                list(pool.map(lambda chunk, rse=rse: self.client.add_replicas(rse, chunk), chunks(files)))
        for (scope, dataset), files in self.contents.items():
            self.client.add_dataset(scope, dataset)
            for chunk in chunks(files):
                self.client.attach_dids(scope, dataset, chunk)
        self.replicas.clear()
        self.contents.clear()

    def container(self, scope, name, *contents):
        self.client.add_container(scope, name)
        self.client.attach_dids(scope, name, [{'scope': scope, 'name': content} for content in contents])

    def rule(self, scope, name, copies, rses, **options):
        return self.client.add_replication_rule([{'scope': scope, 'name': name}], copies, rses, **options)[0]


def chunks(items):
    items = iter(items)
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def give_to_www_data():
    for top in ('dav', 'davs', 'multi', 'xrootd', 'xrdpool'):
        for folder, _, files in os.walk(f'{D}/storage/{top}'):
            for path in [folder] + [os.path.join(folder, file) for file in files]:
                shutil.chown(path, 'www-data', 'www-data')
    for top in ('posix', 'scp', 'scratch'):
        os.chmod(f'{D}/storage/{top}', 0o1777)


# ---- accounts ------------------------------------------------------------------------------------

def add_accounts(client):
    for account, kind in (('jdoe', 'USER'), ('alice', 'USER'), ('prod', 'SERVICE'), ('higgs', 'GROUP')):
        client.add_account(account, kind, f'{account}@testbed.local')
    with open(f'{D}/certs/id_rsa.pub') as file:
        ssh_key = file.read().strip()
    identities = [('jdoe', 'X509', 'CN=John Doe,O=Testbed', None), ('jdoe', 'SSH', ssh_key, None),
                  ('jdoe', 'GSS', 'jdoe@TESTBED.LOCAL', None)]
    identities += [(account, 'USERPASS', account, 'secret') for account in ('jdoe', 'alice')]
    identities += [(account, 'OIDC', f'SUB={account}, ISS=https://localhost:{PORT["OIDC"]}', None)
                   for account in ('jdoe', 'alice', 'root')]
    for account, kind, identity, password in identities:
        client.add_identity(account, identity, kind, f'{account}@testbed.local', password=password, default=True)
    for account, scope in (('root', 'test'), ('root', 'mock'), ('root', 'bench'), ('jdoe', 'user.jdoe'),
                           ('alice', 'user.alice'), ('prod', 'data25')):
        client.add_scope(account, scope)
    add_account_attributes()


def add_account_attributes():
    """Past the REST interface, which takes no boolean. Without sign-url (alice) S3 URLs come unsigned."""
    from rucio.common.types import InternalAccount
    from rucio.core.account import add_account_attribute, has_account_attribute
    from rucio.db.sqla.session import get_session
    with get_session()() as session, session.begin():
        for account, key in (('root', 'admin'), ('prod', 'admin'), ('jdoe', 'sign-url')):
            if not has_account_attribute(account=InternalAccount(account), key=key, session=session):
                add_account_attribute(account=InternalAccount(account), key=key, value=True, session=session)


# ---- configuration and subscriptions -------------------------------------------------------------

def add_config(client):
    """What the server keeps in its database; the values come back as what they look like."""
    options = {'number': '42', 'real': '1.50', 'exponent': '1e30', 'on': 'yes', 'off': 'False', 'text': 'a = b # c; é',
               'blanks': ' around ', 'list': '1, 2,3', 'json': '{"a": [1, null]}'}
    for option, value in options.items():
        client.set_config_option('testbed', option, value)
    client.set_config_option('testbed-more', 'contact', 'help@testbed.local')
    client.set_config_option('lifetime_model', 'cutoff_date', '2100-01-01')


def add_subscriptions(client):
    rule = {'copies': 1, 'rse_expression': 'tier=1&disk=1', 'activity': 'User Subscriptions', 'lifetime': 3600}
    for account, name, filter_, rules, comments, days, priority in (
            ('jdoe', 'testdata', {'scope': ['test'], 'project': ['data25', 'é']}, [rule], 'all of "test"', None, 5),
            ('jdoe', 'for.a-while', {'account': ['jdoe'], 'datatype': ['RAW']}, [rule, {**rule, 'copies': 2}], None, 9999, None),
            ('root', 'testdata', {}, [rule], '', None, 1)):
        client.add_subscription(name, account, filter_, rules, comments, days, False, False, priority)


# ---- RSEs ----------------------------------------------------------------------------------------

def protocol(scheme, implementation, port, prefix, priority=1):
    both = {operation: priority for operation in ('read', 'write', 'delete')}
    copies = {f'third_party_copy_{operation}': priority for operation in ('read', 'write')}
    variant = 'NoRename' if port == PORT['S3'] else 'Default'
    return {'scheme': scheme, 'impl': f'rucio.rse.protocols.{implementation}.{variant}', 'hostname': 'localhost', 'port': port, 'prefix': prefix, 'domains': {'lan': both, 'wan': {**both, **copies}}}


def site(name, country, tier, **more):
    return {'tier': str(tier), 'country': country, 'site': name, **({} if 'tape' in more else {'disk': '1'}), **more}


def rses():
    """name: (protocols, attributes). First the protocols which the client from PyPI can use without gfal."""
    davs, dav, xrd, folder = PORT['DAVS'], PORT['DAV'], PORT['XRD'], f'{D}/storage'
    return {
        'DAVS': ([protocol('https', 'webdav', davs, '/data/'), protocol('davs', 'gfal', davs, '/data/', 2)],
                 site('GENEVA', 'ch', 1)),
        # webdav.Default writes the URL twice when it is http
        'DAV': ([protocol('http', 'gfal', dav, '/data/')], site('LYON', 'fr', 2)),
        'XRD1': ([protocol('root', 'xrootd', xrd, '//xrd1/'), protocol('xroot', 'gfal', xrd, '//xrd1/', 2)],
                 site('BNL', 'us', 1)),
        'XRD2': ([protocol('root', 'xrootd', xrd, '//xrd2/')], site('BNL', 'us', 2)),
        'POSIX': ([protocol('file', 'posix', 0, f'{folder}/posix/')], site('DESY', 'de', 3)),
        'SSH': ([protocol('scp', 'ssh', PORT['SSHD'], f'{folder}/scp/')], site('RAL', 'uk', 3, skip_upload_stat=True)),
        'S3': ([protocol('https', 'webdav', PORT['S3'], '/rucio/')],
               site('CNAF', 'it', 2, sign_url='s3', s3_url_style='path', skip_upload_stat=True, verify_checksum=False,
                    strict_copy=True)),
        # the generic policy lets ordinary users register files only where the name ends like this
        'DAVS_SCRATCHDISK': ([protocol('https', 'webdav', davs, '/scratch/')], site('GENEVA', 'ch', 3)),
        'XRD_SCRATCHDISK': ([protocol('root', 'xrootd', xrd, '//scratch/')], site('BNL', 'us', 3)),
        'GSI_SCRATCHDISK': ([protocol('root', 'xrootd', PORT['XRDGSI'], '//scratch/')], site('LUND', 'se', 4)),
        'POSIX_SCRATCHDISK': ([protocol('file', 'posix', 0, f'{folder}/scratch/')], site('DESY', 'de', 3)),
        # one folder, three doors
        'MULTI': ([protocol('https', 'webdav', davs, '/multi/', 1), protocol('http', 'gfal', dav, '/multi/', 3),
                   protocol('root', 'xrootd', xrd, '//multi/', 2)], site('GENEVA', 'ch', 1)),
        # XRootD over https: with checksums, without, and through a door that redirects to the one without
        'XRDHTTP': ([protocol('https', 'webdav', PORT['XRDHTTP'], '/http/'),
                     protocol('davs', 'gfal', PORT['XRDHTTP'], '/http/', 2)], site('LUND', 'se', 4)),
        'XRDHTTP_NOSUM': ([protocol('https', 'webdav', PORT['XRDPOOL'], '/http/')], site('LUND', 'se', 4)),
        'XRDHTTP_DOOR': ([protocol('https', 'webdav', PORT['XRDDOOR'], '/door/')], site('LUND', 'se', 4)),
        # OpenData: where the server looks for the files of open data
        'CATALOG': ([protocol('mock', 'mock', 0, '/catalog/')], site('GENEVA', 'ch', 0, OpenData=True)),
        'TAPE': ([protocol('mock', 'mock', 0, '/tape/')], site('GENEVA', 'ch', 0, tape='1', istape=True)),
    }


def add_rses(client):
    everywhere = rses()
    for rse, (protocols, attributes) in everywhere.items():
        client.add_rse(rse, rse_type='TAPE' if rse == 'TAPE' else 'DISK', country_name=attributes['country'])
        for one in protocols:
            client.add_protocol(rse, one)
        for key, value in attributes.items():
            client.add_rse_attribute(rse, key, value)
        client.set_rse_usage(rse, 'storage', 10**12, 10**13)
        for account in ('root', 'jdoe', 'alice', 'prod'):
            client.set_local_account_limit(account, rse, -1)
    for source, destination in permutations(everywhere, 2):
        client.add_distance(source, destination, {'distance': 1})
    # limits to be seen, not to be in the way
    client.set_local_account_limit('alice', 'DAVS_SCRATCHDISK', 10**9)
    client.set_global_account_limit('jdoe', 'tier=1', 5 * 10**12)
    for door in ('dav', 'davs', 'xrootd', 'xrdgsi'):
        os.symlink(f'{D}/storage/multi', f'{D}/storage/{door}/multi')
    # what the server signs URLs of S3 and Swift with
    with open(f'{D}/etc/rse-accounts.cfg', 'w') as out:
        json.dump({client.get_rse('S3')['id']: {'access_key': 'S3RVER', 'secret_key': 'S3RVER', 'signature_version': 's3v4',
                                                'region': 'us-east-1', 'tempurl_key': 'testbed'}}, out)


# ---- files ---------------------------------------------------------------------------------------

MIXED = (1_000, 4_096, 10_000, 100_000, 1_000_000, 1_048_576, 5_000_000, 10_000_000, 25_000_000, 50_000_000)
THREE = (1_000, 20_000, 300_000, 1_000_000, 1_048_577, 3_000_000)


def add_files(catalogue):
    def file(name, size, rses, dataset=None, **faults):
        catalogue.file('test', name, noise(name, size), rses, dataset, **faults)

    for rse in ('DAVS', 'DAV', 'XRD1', 'XRD2', 'POSIX', 'SSH', 'MULTI'):
        file(f'one-{rse.lower()}.dat', 100_000, [rse])
    for rse in ('XRDHTTP', 'XRDHTTP_NOSUM', 'XRDHTTP_DOOR'):
        file(f'{rse.lower()}.dat', 3_000_000, [rse])
    for i, size in enumerate(MIXED):
        file(f'mixed-{i:02}.dat', size, ['DAVS'], 'mixed')
    for i in range(5):
        file(f'xrd-{i:02}.dat', 2_000_000, ['XRD1'], 'xrd')
    for i in range(10):
        file(f'multi-{i:02}.dat', 1_000_000, ['MULTI'], 'multi')
    for i, size in enumerate(THREE):
        file(f'davsfile-{i}.dat', size, ['DAVS', 'DAV', 'POSIX'], 'davsfile')
    for rse in ('DAVS', 'DAV', 'POSIX'):
        for i, size in enumerate((50_000, 500_000)):
            file(f'only-{rse.lower()}-{i}.dat', size, [rse], f'only-{rse.lower()}')

    file('replicated.dat', 3_000_000, ['DAVS', 'XRD1', 'POSIX'])
    file('empty.dat', 0, ['DAVS'])
    file('rotten.dat', 100_000, ['DAVS', 'XRD2'], wrong=['DAVS'])
    file('rotten2.dat', 100_000, ['DAVS', 'DAV', 'POSIX'], wrong=['DAVS'])
    file('missing.dat', 100_000, ['DAVS', 'XRD2'], absent=['DAVS'])
    file('missing2.dat', 100_000, ['DAVS', 'POSIX'], absent=['DAVS'])
    file('hopeless.dat', 100_000, ['DAVS', 'POSIX'], wrong=['DAVS', 'POSIX'])
    file('gone.dat', 100_000, ['DAVS'], absent=['DAVS'])
    put_s3_object(catalogue)
    if RELEASE >= 38:                            # servers before take no slashes in names
        # a good name to the server, and a trap for a client that makes it a path below the download folder
        catalogue.file('mock', 'up/../../../escape.dat', b'out of bounds\n', ['POSIX'], 'escape')
    catalogue.flush()

    catalogue.container('test', 'container', 'mixed', 'xrd')
    catalogue.container('test', 'nested', 'container')
    catalogue.container('test', 'threeways', 'only-davs', 'only-dav', 'only-posix')
    for key, value in (('project', 'testbed'), ('run_number', 1234), ('datatype', 'RAW')):
        catalogue.client.set_metadata('test', 'mixed', key, value)
    catalogue.client.close('test', 'davsfile')
    catalogue.client.set_metadata_bulk('test', 'davsfile', {'campaign': 'summer', 'quality': 7, 'checked': True})


def add_odd_metadata(catalogue):
    """All that a metadata plugin may hand back, and entries of the open data catalogue, where the server has one."""
    for i, events in enumerate((100, 0, 2_000_000)):
        catalogue.entry('mock', f'events-{i}.root', ['CATALOG'], 'events', bytes=10**(6 * i), adler32=f'{i:08x}',
                        md5=f'{i:032x}', meta={'guid': f'{i:032x}', 'events': events})
    catalogue.flush()
    client, date = catalogue.client, 'Tue, 15 Sep 2015 12:00:00 UTC'
    odd = {'nested': {'list': [1, 2.5, None, {'at': date, 'flag': False}, date], 'empty': {}, "it's": []},
           'at': date, 'almost a date': 'noon UTC', 'float': 0.1, 'large': 1e15, 'small': 1e-7, 'integer': 2**53 + 1,
           'negative': -0.0, 'none': None, 'flag': True, 'text': 'ünï "quoted" it\'s\ttabbed', 'lines': 'one\ntwo',
           'blank': '', 'number': '1.50', 'Zulu': 'capitals first'}
    client.add_dataset('mock', 'odd')
    client.set_metadata_bulk('mock', 'odd', odd)
    client.add_dataset('mock', 'large')
    client.set_metadata_bulk('mock', 'large', {'luminosity': 1.5e34, 'nested': [-1e20]})
    client.add_dataset('mock', 'plain')
    for name in ('odd', 'events'):
        client.close('mock', name)
    if RELEASE < 38:
        return
    for name in ('odd', 'events', 'plain'):
        client.add_opendata_did(scope='mock', name=name)
    for name, record_id in (('odd', 7), ('events', 8)):
        record = {'record_id': record_id} if RELEASE >= 39 else {}
        client.update_opendata_did(scope='mock', name=name, state='public', meta=odd, doi=f'10.1234/{name}', **record)
    client.update_opendata_did(scope='mock', name='events', state='suspended')


def put_s3_object(catalogue):
    import requests
    data = noise('s3.dat', 500_000)
    url = f'https://localhost:{PORT["S3"]}/rucio/{path_of("test", "s3.dat")}'
    url = catalogue.client.get_signed_url('S3', 's3', 'write', url)
    requests.put(url, data=data, timeout=60).raise_for_status()
    catalogue.entry('test', 's3.dat', ['S3'], bytes=len(data), adler32=f'{zlib.adler32(data):08x}',
                    md5=hashlib.md5(data).hexdigest())


def add_small(catalogue):
    for i in range(2_000):
        name = f'small-{i:05}.dat'
        catalogue.file('bench', name, noise(name, 1_000 + i), ['DAVS', 'POSIX'], 'small')
    catalogue.entry('bench', '2g.dat', ['DAVS'], **large_file())
    catalogue.flush()


def add_big(catalogue):
    """A dataset of 20,000 files in the catalogue only, with a rule."""
    count, first = 20_000, 'big-000000.root'
    catalogue.entry('bench', first, ['CATALOG'], 'big', bytes=10**9, adler32=f'{1:08x}', md5=f'{0:032x}')
    catalogue.flush()
    rule = catalogue.rule('bench', 'big', 1, 'CATALOG', comment='testbed')

    from sqlalchemy import text
    from rucio.common.types import InternalAccount
    from rucio.core import account_counter
    from rucio.core.rse import get_rse_id
    from rucio.db.sqla.session import get_session
    size = sum(10**9 + i for i in range(1, count))
    with get_session()() as session, session.begin():
        multiply(session, first, count - 1, size, 'CATALOG', """, 'bytes', one.bytes + i,
            'adler32', lpad(to_hex(i + 1), 8, '0'), 'md5', lpad(to_hex(i), 32, '0')""")
        session.execute(text('update rules set locks_ok_cnt = :count where id = :rule'), {'count': count, 'rule': rule})
        rse_id = get_rse_id('CATALOG', session=session)
        account_counter.increase(rse_id, InternalAccount('root'), files=count - 1, bytes_=size, session=session)


def add_many(catalogue):
    """A dataset of 12,000 files that can be downloaded: all replicas have the path of the first."""
    count, first, data = 12_000, 'many-000000.dat', b'one of many\n'
    catalogue.file('bench', first, data, ['POSIX'], 'many')
    catalogue.flush()

    from sqlalchemy import text
    from rucio.db.sqla.session import get_session
    with get_session()() as session, session.begin():
        session.execute(text("update replicas set path = :path where scope = 'bench' and name = :first"),
                        {'path': path_of('bench', first), 'first': first})
        multiply(session, first, count - 1, (count - 1) * len(data), 'POSIX')


def multiply(session, first, count, size, rse, differences=''):
    """The server would take a minute for so many files, so it creates the first, with replica and lock, and the database
    `count` others after it, of `size` bytes in all."""
    from sqlalchemy import text
    from rucio.core import rse_counter
    from rucio.core.rse import get_rse_id
    dataset, suffix = first.replace('-000000', ' ').split()
    for table, name in (('dids', 'name'), ('replicas', 'name'), ('contents', 'child_name'), ('locks', 'name')):
        session.execute(text(f"""
            insert into {table} select (jsonb_populate_record(one, jsonb_build_object(
                '{name}', '{dataset}-' || lpad(i::text, 6, '0') || '{suffix}'{differences}))).*
            from {table} one, generate_series(1, :count) i where one.scope = 'bench' and one.{name} = :first
            """), {'count': count, 'first': first})
    session.execute(text("delete from updated_dids where scope = 'bench' and name = :dataset"), {'dataset': dataset})
    rse_counter.increase(get_rse_id(rse, session=session), files=count, bytes_=size, session=session)


def add_user_files(jdoe):
    catalogue = Catalogue(jdoe)
    catalogue.file('user.jdoe', 'hello.txt', b'hello, testbed\n', ['DAVS_SCRATCHDISK'], 'mine')
    # all that the schema "generic" allows in a name: a slash (since 38), dots, dashes, underscores
    slash = '/' if RELEASE >= 38 else '-'
    for odd in (f'odd{slash}sub-folder{slash}9_name..v1.-x', '9_odd..name-.v1-'):
        catalogue.file('user.jdoe', odd, noise(odd, 12_345), ['DAVS_SCRATCHDISK'], f'odd{slash}names')
    catalogue.flush()
    catalogue.rule('user.jdoe', 'mine', 1, 'DAVS_SCRATCHDISK', lifetime=30 * 86400)
    catalogue.rule('user.jdoe', f'odd{slash}names', 1, 'DAVS_SCRATCHDISK', lifetime=7 * 86400, comment='short-lived')


# ---- rules ---------------------------------------------------------------------------------------

def add_rules(catalogue, jdoe):
    for rse in ('DAVS', 'DAV', 'XRD1', 'XRD2', 'POSIX', 'SSH', 'MULTI'):
        catalogue.rule('test', f'one-{rse.lower()}.dat', 1, rse)
    for name, copies, rses in (('mixed', 1, 'DAVS'), ('xrd', 1, 'tier=1&disk=1&country=us'), ('multi', 1, 'MULTI'),
                               ('replicated.dat', 3, 'DAVS|XRD1|POSIX'), ('davsfile', 3, 'DAVS|DAV|POSIX')):
        catalogue.rule('test', name, copies, rses, comment='testbed')
    catalogue.rule('test', 'container', 1, 'TAPE', comment='waits for a transfer that never comes')
    stuck = catalogue.rule('test', 'multi', 1, 'XRD2', comment='stuck')
    catalogue.client.update_replication_rule(stuck, {'state': 'STUCK'})
    mine = Catalogue(jdoe)
    mine.rule('test', 'davsfile', 1, 'POSIX', lifetime=10 * 86400, comment='for a while')
    mine.rule('test', 'xrd', 1, 'XRD_SCRATCHDISK', lifetime=86400, activity='User Subscriptions', comment='replicating')
    if FULL:
        for name in ('small', '2g.dat'):
            catalogue.rule('bench', name, 1, 'DAVS', comment='testbed')
        mine.rule('bench', 'small', 1, 'XRD1', lifetime=20 * 86400, comment='replicating')


def run_once(*daemons):
    for daemon in daemons:
        daemon.run(once=True)


# ---- the two servers -----------------------------------------------------------------------------

def first():
    from rucio.daemons.abacus import account, collection_replica, rse
    from rucio.daemons.judge import evaluator
    client = Client()
    add_accounts(client)
    add_config(client)
    add_subscriptions(client)
    add_rses(client)
    jdoe = Client(account='jdoe', auth_type='userpass', creds={'username': 'jdoe', 'password': 'secret'})
    catalogue = Catalogue(client)
    with ThreadPoolExecutor() as pool:
        small = pool.submit(add_small, Catalogue(Client())) if FULL else None      # beside the rest
        add_files(catalogue)
        add_user_files(jdoe)
        add_odd_metadata(catalogue)
        if small:
            small.result()
    give_to_www_data()
    run_once(evaluator)                          # before there are rules, or it looks at each of their locks
    add_rules(catalogue, jdoe)
    if FULL:
        add_big(catalogue)
        add_many(catalogue)
    run_once(rse, account, collection_replica)   # what is used where, and by whom


def second():
    client = Client()
    client.add_account('jdoe', 'USER', 'jdoe@testbed.local')
    client.add_identity('jdoe', 'jdoe', 'USERPASS', 'jdoe@testbed.local', password='secret', default=True)
    client.add_identity('jdoe', 'CN=John Doe,O=Testbed', 'X509', 'jdoe@testbed.local', default=True)
    client.add_scope('root', 'test')
    client.add_scope('jdoe', 'user.jdoe')
    client.add_rse('SECOND')
    client.add_protocol('SECOND', protocol('file', 'posix', 0, f'{D}/storage/second/'))
    catalogue = Catalogue(client)
    catalogue.file('test', 'second.dat', noise('second.dat', 100_000), ['SECOND'], 'on-second')
    catalogue.flush()


try:
    second() if sys.argv[1:] == ['second'] else first()
finally:
    shutil.rmtree(tempfile.tempdir)
