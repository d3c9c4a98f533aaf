"""Runs the official client many times without paying Python's imports each time.

The modules the client needs from elsewhere are loaded once; each run is a fork in which the client's own program is
executed from its first line, with its own arguments, environment and folder. Rucio's own modules are not preloaded: they
read configuration and environment while they are imported.

Reads one JSON object a line: program, arguments, environment, folder, stdout, stderr (files), limit (seconds).
Answers one a line: the exit code, or null when the limit ended the run.
"""
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
import time

MODULES = 'argparse click configparser dogpile.cache requests rich.console rich.status rich.table rich.text rich.theme ' \
          'rich.traceback rich.logging tabulate urllib3 xml.etree.ElementTree paramiko requests_kerberos ' \
          'jsonschema packaging.version pydoc subprocess uuid'


def preload():
    for name in MODULES.split():
        try:
            importlib.import_module(name)
        except ImportError:
            pass            # not installed: then the client does without it as well
    loaded = [name for name in sys.modules if name.partition('.')[0] == 'rucio']
    assert not loaded, loaded


def become(run):
    """In the fork: be the process that was asked for."""
    os.setsid()
    os.chdir(run['folder'])
    os.environ.clear()
    os.environ.update(run['environment'])
    time.tzset()
    tempfile.tempdir = None
    for descriptor, path, flags in ((0, os.devnull, os.O_RDONLY), (1, run['stdout'], os.O_WRONLY), (2, run['stderr'], os.O_WRONLY)):
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = sys.__stdin__ = open(0)
    sys.stdout = sys.__stdout__ = open(1, 'w', encoding='utf-8')
    sys.stderr = sys.__stderr__ = open(2, 'w', encoding='utf-8', errors='backslashreplace', buffering=1)
    sys.argv = [run['program'], *run['arguments']]
    sys.path[0] = os.path.dirname(run['program'])
    runpy.run_path(run['program'], run_name='__main__')


def wait(pid, limit):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


preload()
for line in sys.stdin:
    run = json.loads(line)
    pid = os.fork()
    if pid == 0:
        become(run)
        sys.exit(0)
    print(json.dumps(wait(pid, run['limit'])), flush=True)
