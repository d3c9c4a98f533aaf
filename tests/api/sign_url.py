"""Signed URLs of the official client and of ours, made in one second: SERVICE OPERATION LIFETIME OFFICIAL OURS a line.

    python sign_url.py RUCIO URL
"""
import subprocess
import sys
import time

from rucio.client.credentialclient import CredentialClient

rucio, url = sys.argv[1:]
client = CredentialClient()
for service in ('gcs', 's3', 'swift'):
    for operation, lifetime in (('read', 3600), ('write', 600), ('delete', 60)):
        for _ in range(20):
            start = int(time.time())
            official = client.get_signed_url('S3', service, operation, url, lifetime=lifetime)
            ours = subprocess.run([rucio, 'credential', 'sign-url', '--rse', 'S3', '--service', service,
                                   '--operation', operation, '--lifetime', str(lifetime), url],
                                  check=True, capture_output=True, text=True).stdout
            if int(time.time()) == start:
                break
        print(service, operation, lifetime, official, ours, end='')
