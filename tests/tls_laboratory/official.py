"""What the official client's TLS makes of servers: its libraries (requests, urllib3, ssl), used as it uses them.

Reads a list of cases as JSON: url, ca, proxy, cert. Prints for each an empty text, or why it was refused.
"""
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import requests
import urllib3

urllib3.disable_warnings()


def run(case):
    session = requests.Session()
    session.trust_env = False
    if case['proxy']:
        session.proxies = {'https': case['proxy']}
    cert = tuple(case['cert']) if len(case['cert']) > 1 else next(iter(case['cert']), None)
    try:
        answer = session.get(case['url'], verify=case['ca'], cert=cert, timeout=10)
        return '' if answer.status_code == 200 and answer.json()['version'] else f'status {answer.status_code}'
    except Exception as error:  # whatever it is, the official client ends with it
        return f'{type(error).__name__}: {error}'


# No terminal: an encrypted key would be asked for there.
os.setsid()
with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(run, json.load(sys.stdin)))))
