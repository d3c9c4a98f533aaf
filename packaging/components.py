#!/usr/bin/env python3
"""Lists what is linked into the binary, and the licences of it.

    packaging/components.py TRIPLE FOLDER

Writes into FOLDER:
- components.cdx.json: the crates and OpenSSL, in CycloneDX 1.5
- third-party-licenses.txt.gz: each licence text once, with the crates it is for
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys
import uuid

# OpenSSL's source comes as a build dependency and is linked in.
LINKED_BUILD_DEPENDENCY = "openssl-src"
LICENSE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def metadata(triple):
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", triple]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def linked_packages(data):
    """The packages that the binary contains, without our own, and the edges between them."""
    packages = {package["id"]: package for package in data["packages"]}
    nodes = {node["id"]: node for node in data["resolve"]["nodes"]}
    root = data["resolve"]["root"]
    edges, waiting = {}, [root]
    while waiting:
        package = waiting.pop()
        if package in edges:
            continue
        edges[package] = sorted(
            dependency["pkg"]
            for dependency in nodes[package]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
            or packages[dependency["pkg"]]["name"] == LINKED_BUILD_DEPENDENCY
        )
        waiting += edges[package]
    return packages, root, edges


def checksums():
    """Checksum of each crate's archive, by name and version, of Cargo.lock."""
    entry = re.compile(r'name = "(.+)"\nversion = "(.+)"\nsource = .+\nchecksum = "(.+)"')
    return {(name, version): value for name, version, value in entry.findall(pathlib.Path("Cargo.lock").read_text())}


def component(package, sums):
    purl = f"pkg:cargo/{package['name']}@{package['version']}"
    entry = {"type": "library", "bom-ref": purl, "name": package["name"], "version": package["version"], "purl": purl}
    if package["license"]:
        # Old crates separate alternatives by a slash.
        entry["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return entry


def bill_of_materials(packages, root, edges):
    sums = checksums()
    components = {package: component(packages[package], sums) for package in edges}
    main = components.pop(root)
    main["type"] = "application"
    entries = sorted(components.values(), key=lambda entry: entry["bom-ref"])
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": main},
        "components": entries,
        "dependencies": sorted(
            (
                {
                    "ref": main["bom-ref"] if package == root else components[package]["bom-ref"],
                    "dependsOn": sorted(components[dependency]["bom-ref"] for dependency in edges[package]),
                }
                for package in edges
            ),
            key=lambda entry: entry["ref"],
        ),
    }
    # The same components have the same number, so that two builds give the same file.
    document["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document)).urn
    return document


def license_files(folder):
    files = [file for file in sorted(folder.iterdir()) if LICENSE_FILE.match(file.name) and file.is_file()]
    for subfolder in ("LICENSES", "openssl"):
        if (folder / subfolder).is_dir():
            files += [file for file in sorted((folder / subfolder).iterdir()) if LICENSE_FILE.match(file.name) or subfolder == "LICENSES"]
    return [file for file in files if file.is_file()]


def license_texts(packages, root, edges):
    users = {}
    without = []
    for package in sorted(edges, key=lambda entry: (packages[entry]["name"], packages[entry]["version"])):
        if package == root:
            continue
        entry = packages[package]
        name = f"{entry['name']} {entry['version']} ({entry['license']})"
        files = license_files(pathlib.Path(entry["manifest_path"]).parent)
        for file in files:
            users.setdefault(file.read_text(errors="replace").strip(), []).append(name)
        if not files:
            without.append(name)
    parts = ["rucio contains the following software.\n"]
    if without:
        parts.append("Under the licence that each names, without a text of its own:\n" + "".join(f"  {name}\n" for name in without))
    for text, names in sorted(users.items(), key=lambda item: (item[1], item[0])):
        unique = list(dict.fromkeys(names))
        parts.append("=" * 100 + "\n" + "".join(f"  {name}\n" for name in unique) + "-" * 100 + "\n" + text + "\n")
    return "\n".join(parts)


def main():
    triple, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    packages, root, edges = linked_packages(metadata(triple))
    if not any(packages[package]["name"] == LINKED_BUILD_DEPENDENCY for package in edges):
        sys.exit(f"{LINKED_BUILD_DEPENDENCY} is not among the dependencies: is the feature `static` on?")
    document = json.dumps(bill_of_materials(packages, root, edges), indent=1)
    (folder / "components.cdx.json").write_text(document + "\n")
    texts = license_texts(packages, root, edges).encode()
    with gzip.GzipFile(folder / "third-party-licenses.txt.gz", "wb", mtime=0) as file:
        file.write(texts)


main()
