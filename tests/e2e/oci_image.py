#!/usr/bin/python3
"""Makes container images for oci.sh, good and hostile, in every form.

Usage: oci_image.py FORM OUT <SPEC     FORM: layout, archive, docker, docker-old, podman
       oci_image.py root OUT.tar NAME...  a root of installed packages and what they need

SPEC is JSON: layers (each a list of entries [kind, name, content, mode], or the name of a
tar file; a "gzip" or "zstd" before it packs it), config, tags, and changes: [blob, what]
where blob is config, manifest or the number of a layer, and what is "byte", "size",
"absent", or an object that is put over its descriptor.
"""
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile

KINDS = {"file": tarfile.REGTYPE, "hard": tarfile.LNKTYPE, "link": tarfile.SYMTYPE, "char": tarfile.CHRTYPE,
         "block": tarfile.BLKTYPE, "folder": tarfile.DIRTYPE, "pipe": tarfile.FIFOTYPE}


def add(tar, name, content, kind=tarfile.REGTYPE, mode=0o644, records=None):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.pax_headers = kind, mode, records or {}
    if kind in (tarfile.LNKTYPE, tarfile.SYMTYPE):
        info.linkname, content = content, b""
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    tar.addfile(info, io.BytesIO(content))


def layer(entries):
    if isinstance(entries, str):
        with open(entries, "rb") as file:
            return file.read()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            kind, name, content, mode = entry[:4] if len(entry) > 3 else entry + [0o644]
            if kind == "host":  # a file of this host
                with open(content, "rb") as file:
                    add(tar, name, file.read(), mode=mode)
                continue
            if kind in ("link", "hard"):
                add(tar, name, content, KINDS[kind], mode)
            else:
                add(tar, name, content.encode(), KINDS[kind], mode, entry[4] if len(entry) > 4 else None)
    return out.getvalue()


def pack(data, how):
    if how == "gzip":
        return gzip.compress(data, 1, mtime=0)
    if how == "zstd":
        return subprocess.run(["zstd", "-q", "-1", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def digest(data):
    return hashlib.sha256(data).hexdigest()


class Image:
    def __init__(self, spec):
        self.files = {}
        self.tags = spec.get("tags", ["localhost/test:latest"])
        self.changes = {str(blob): what for blob, what in spec.get("changes", [])}
        plain, packed, kinds = [], [], []
        for entries in spec["layers"]:
            how = ""
            if entries and entries[0] in ("gzip", "zstd"):
                how, entries = entries[0], entries[1]
            plain.append(layer(entries))
            packed.append(pack(plain[-1], how))
            kinds.append("application/vnd.oci.image.layer.v1.tar" + ("+" + how if how else ""))
        self.plain, self.diff_ids = plain, [digest(one) for one in plain]
        config = {"architecture": "amd64", "os": "linux", "config": spec.get("config", {}),
                  "rootfs": {"type": "layers", "diff_ids": ["sha256:" + one for one in self.diff_ids]},
                  "history": [{"created_by": "test"}] * len(plain)}
        config.update(spec.get("more", {}))
        self.config = json.dumps(config).encode()
        layers = [self.blob(str(i), one, kinds[i]) for i, one in enumerate(packed)]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                               "config": self.blob("config", self.config, "application/vnd.oci.image.config.v1+json"),
                               "layers": layers}).encode()
        entry = self.blob("manifest", manifest, "application/vnd.oci.image.manifest.v1+json")
        entry["annotations"] = {"org.opencontainers.image.ref.name": self.tags[0].split(":")[-1],
                                "io.containerd.image.name": self.tags[0]}
        self.index = json.dumps({"schemaVersion": 2, "manifests": spec.get("before", []) + [entry]}).encode()

    def blob(self, name, data, kind):
        found = {"mediaType": kind, "digest": "sha256:" + digest(data), "size": len(data)}
        what = self.changes.get(name)
        path = "blobs/sha256/" + digest(data)
        if what == "byte":
            data = data[:20] + bytes([data[20] ^ 1]) + data[21:]
        if what == "size":
            data += b" "
        if isinstance(what, dict):
            found.update(what)
        if what != "absent":
            self.files[path] = data
        return found

    def layout(self):
        self.files["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
        self.files["index.json"] = self.index

    def listed(self, config, layers):
        self.files["manifest.json"] = json.dumps([{"Config": config, "RepoTags": self.tags, "Layers": layers}]).encode()


def write_tar(out, files, links=()):
    with tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(files.items()):
            add(tar, name, data)
        for name, target in links:
            add(tar, name, target, tarfile.SYMTYPE)


def make(form, out):
    image = Image(json.load(sys.stdin))
    config = digest(image.config) + ".json"
    links = []
    if form in ("docker-old", "podman"):  # files by other names, layers unpacked
        image.files = {config: image.config}
        names = []
        for one, data in zip(image.diff_ids, image.plain):
            folder = digest(one.encode())
            name = one + ".tar" if form == "podman" else folder + "/layer.tar"
            image.files[name] = data
            image.files[folder + "/VERSION"] = b"1.0"
            if form == "podman":
                links.append((folder + "/layer.tar", "../" + name))
            names.append(name)
        # docker writes a layer once, and podman names it by the link, too
        if links:
            names[-1] = links[-1][0]
        image.listed(config, names)
    else:
        image.layout()
    if form == "docker":
        manifest = json.loads(image.files["blobs/sha256/" + json.loads(image.index)["manifests"][-1]["digest"][7:]])
        path = [one["digest"].replace(":", "/") for one in [manifest["config"]] + manifest["layers"]]
        image.listed("blobs/" + path[0], ["blobs/" + one for one in path[1:]])
    if form == "layout":
        for name, data in image.files.items():
            os.makedirs(os.path.dirname(os.path.join(out, name)), exist_ok=True)
            with open(os.path.join(out, name), "wb") as file:
                file.write(data)
    else:
        write_tar(out, image.files, links)


def installed(names):
    """These packages and all that they depend on, of what is installed here."""
    provides, depends = {}, {}
    with open("/var/lib/dpkg/status", encoding="utf-8") as file:
        for text in file.read().split("\n\n"):
            fields = dict(re.findall(r"^([\w-]+): (.*)$", text, re.M))
            if "installed" not in fields.get("Status", ""):
                continue
            name = fields["Package"]
            depends[name] = [[re.sub(r"[ (:].*", "", one.strip()) for one in choice.split("|")] for choice in
                             (fields.get("Depends", "") + "," + fields.get("Pre-Depends", "")).split(",") if choice.strip()]
            for one in [name] + re.findall(r"[\w.+-]+", re.sub(r"\([^)]*\)", "", fields.get("Provides", ""))):
                provides.setdefault(one, name)
    todo, done = list(names), []
    while todo:
        name = provides.get(todo.pop())
        if name and name not in done:
            done.append(name)
            todo += [next((one for one in choice if one in provides), "") for choice in depends[name]]
    return sorted(done)


def make_root(out, names):
    with tarfile.open(out, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in ("bin", "lib", "lib64", "sbin"):
            add(tar, name, "usr/" + name, tarfile.SYMTYPE)
        for package in installed(names):
            paths = subprocess.run(["dpkg", "-L", package], stdout=subprocess.PIPE, check=True, text=True).stdout
            for path in paths.splitlines():
                inside = re.sub(r"^/(bin|lib|lib64|sbin)/", r"/usr/\1/", path)
                if os.path.lexists(path) and path not in ("/.", "/bin", "/lib", "/lib64", "/sbin") and "/share/doc/" not in path:
                    tar.add(path, inside.lstrip("/"), recursive=False)
        for path in ("/etc/passwd", "/etc/group", "/etc/alternatives/awk", "/etc/alternatives/python3"):
            if os.path.lexists(path):
                tar.add(path, path.lstrip("/"), recursive=False)
        add(tar, "etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default", tarfile.SYMTYPE)


if sys.argv[1] == "root":
    make_root(sys.argv[2], sys.argv[3:])
else:
    make(sys.argv[1], sys.argv[2])
