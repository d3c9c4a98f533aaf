#!/usr/bin/env python3
"""Packs the files of a prefix into a wheel, so that pip installs the same binary as the other packages.

    packaging/wheel.py PREFIX VERSION TARGET OUT

The wheel contains no Python code. Its name is rucio-rs: rucio and rucio-clients on PyPI are the official ones.
"""

import base64
import hashlib
import os
import pathlib
import sys
import time
import zipfile

NAME = "rucio_rs"
# manylinux: glibc 2.17 and later. A static binary runs with every musl.
TAGS = {"gnu": "manylinux_2_17_{0}.manylinux2014_{0}", "musl": "musllinux_1_1_{0}"}
METADATA = """\
Metadata-Version: 2.1
Name: rucio-rs
Version: {version}
Summary: The rucio command-line client as one instant binary
License: Apache-2.0
Keywords: rucio,data management,grid,hep
Classifier: Environment :: Console
Classifier: Intended Audience :: Science/Research
Classifier: License :: OSI Approved :: Apache Software License
Classifier: Operating System :: POSIX :: Linux
Classifier: Topic :: Scientific/Engineering
Requires-Python: >=3.6
Description-Content-Type: text/markdown

{readme}"""
WHEEL = """\
Wheel-Version: 1.0
Generator: packaging/wheel.py
Root-Is-Purelib: false
{tags}"""


def files(prefix):
    """Path in the wheel, contents and mode of each file. Wheels cannot hold links: a link to a file becomes a copy of it, and
    the link to the binary a script."""
    data = f"{NAME}-{{version}}.data"
    yield f"{data}/scripts/rucio", (prefix / "bin/rucio").read_bytes(), 0o755
    admin = pathlib.Path(__file__).with_name("rucio-admin.sh")
    yield f"{data}/scripts/rucio-admin", admin.read_bytes(), 0o755
    for file in sorted((prefix / "share").rglob("*")):
        if file.is_file():
            yield f"{data}/data/share/{file.relative_to(prefix / 'share')}", file.read_bytes(), 0o644


def record(name, contents):
    digest = base64.urlsafe_b64encode(hashlib.sha256(contents).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(contents)}\n"


def main():
    prefix, version, target, out = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4])
    arch, libc = target.rsplit("-", 1)
    tag = TAGS[libc].format(arch)
    info = f"{NAME}-{version}.dist-info"
    readme = (prefix / "share/doc/rucio/README.md").read_text()
    entries = [(name.format(version=version), contents, mode) for name, contents, mode in files(prefix)]
    tags = "".join(f"Tag: py3-none-{single}\n" for single in tag.split("."))
    entries += [
        (f"{info}/METADATA", METADATA.format(version=version, readme=readme).encode(), 0o644),
        (f"{info}/WHEEL", WHEEL.format(tags=tags).encode(), 0o644),
        (f"{info}/licenses/LICENSE", (prefix / "share/doc/rucio/LICENSE").read_bytes(), 0o644),
    ]
    lines = "".join(record(name, contents) for name, contents, _ in entries) + f"{info}/RECORD,,\n"
    entries.append((f"{info}/RECORD", lines.encode(), 0o644))
    date = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    with zipfile.ZipFile(out / f"{NAME}-{version}-py3-none-{tag}.whl", "w") as wheel:
        for name, contents, mode in entries:
            entry = zipfile.ZipInfo(name, date)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, contents, compresslevel=9)


main()
