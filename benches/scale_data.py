"""The catalogue that `scale.py` lists: for each size a scope with that many files in one dataset, and a rule on each.

    RUCIO_CONFIG=$TESTBED_SERVER_CONFIG server-venv/bin/python benches/scale_data.py CLIENT_CONFIG STORAGE SIZE ...

The server creates the first file, with replica and rule; the database multiplies them, because the server would need an
hour for a million. All replicas have the path of the first, so that any of them can be downloaded.
"""
import hashlib
import os
import sys
import zlib

from rucio.client import Client
from rucio.common.exception import DataIdentifierAlreadyExists, Duplicate, DuplicateRule, FileAlreadyExists
from rucio.db.sqla.session import get_session
from sqlalchemy import text

DATA = b'one of many\n'
RSE = 'POSIX'


def main(config, storage, *sizes):
    server = os.environ['RUCIO_CONFIG']
    os.environ['RUCIO_CONFIG'] = config
    client = Client()
    os.environ['RUCIO_CONFIG'] = server
    for size in map(int, sizes):
        if not known(size):
            first = begin(client, storage, size)
            multiply(size, first)
            print(f'created {size} files and rules', file=sys.stderr, flush=True)
    with get_session()() as session:
        session.connection(execution_options={'isolation_level': 'AUTOCOMMIT'}).execute(text('vacuum analyze'))


def scope_of(size):
    return f'scale{size}'


def known(size):
    with get_session()() as session:
        found = session.execute(text('select count(*) from rules where scope = :scope'), {'scope': scope_of(size)})
        return found.scalar() == size


def begin(client, storage, size):
    scope, name = scope_of(size), 'file-0000000.dat'
    digest = hashlib.md5(f'{scope}:{name}'.encode()).hexdigest()
    path = f'{scope}/{digest[:2]}/{digest[2:4]}/{name}'
    full = f'{storage}/posix/{path}'
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, 'wb') as out:
        out.write(DATA)
    file = {'scope': scope, 'name': name, 'bytes': len(DATA), 'adler32': f'{zlib.adler32(DATA):08x}'}
    for create in (lambda: client.add_account(scope, 'USER', 'scale@testbed.local'), lambda: client.add_scope('root', scope),
                   lambda: client.set_local_account_limit(scope, RSE, -1),
                   lambda: client.add_dataset(scope, 'all'), lambda: client.add_replicas(RSE, [file]),
                   lambda: client.attach_dids(scope, 'all', [{'scope': scope, 'name': name}]),
                   lambda: client.add_replication_rule([{'scope': scope, 'name': name}], 1, RSE, account=scope)):
        try:
            create()
        except (Duplicate, DataIdentifierAlreadyExists, FileAlreadyExists, DuplicateRule):
            pass
    with get_session()() as session, session.begin():
        session.execute(text('update replicas set path = :path where scope = :scope'), {'path': path, 'scope': scope})
    return name


def multiply(size, first):
    with get_session()() as session, session.begin():
        # Foreign keys of rows that are copies of valid ones.
        session.execute(text("set local synchronous_commit = off"))
        for table, name, more in (('dids', 'name', ''), ('replicas', 'name', ''), ('contents', 'child_name', ''),
                                  ('rules', 'name', ", 'id', gen_random_uuid()")):
            session.execute(text(f"""
                insert into {table} select (jsonb_populate_record(one, jsonb_build_object(
                    '{name}', 'file-' || lpad(i::text, 7, '0') || '.dat'{more}))).*
                from {table} one, generate_series(1, :count) i where one.scope = :scope and one.{name} = :first
                """), {'count': size - 1, 'scope': scope_of(size), 'first': first})
        # What the server counts in the background.
        session.execute(text("delete from updated_dids where scope = :scope"), {'scope': scope_of(size)})
        session.execute(text("update dids set length = :size, bytes = :bytes where scope = :scope and name = 'all'"),
                        {'size': size, 'bytes': size * len(DATA), 'scope': scope_of(size)})


if __name__ == '__main__':
    main(*sys.argv[1:])
