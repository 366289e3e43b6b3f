# SPDX-License-Identifier: Apache-2.0
"""Where a run has led to, as a text that is the same for all sides, or an end of the benchmark."""
import difflib, json, pathlib, subprocess, tarfile
from concurrent.futures import ThreadPoolExecutor

CHECK = (pathlib.Path(__file__).parent / "check.py").read_text()


def observe(side, cluster, task):
    """Looks at every node, goes from node to node, signs in with the keys that were handed out or brought."""
    lines, wrong = [], []
    keys = cluster.folder / "handed-out"
    if task.brought:
        private = {name: task.brought / name for name, _ in task.users}
        public = {name: (task.brought / f"{name}.pub").read_text() for name, _ in task.users}
    else:
        private = unpack(task.archive(cluster), keys, lines)
        public = {name: subprocess.run(["ssh-keygen", "-y", "-f", path], stdin=subprocess.DEVNULL, capture_output=True,
                                       text=True, check=True).stdout for name, path in private.items()}
    names = [name for name, _ in task.users]
    if sorted(public) != sorted(names):
        raise SystemExit(f"bench-users: {side}: keys for {sorted(public)}")
    some = sorted({names[0], names[len(names) // 2], names[-1]})
    asked = {"users": {name: " ".join(public[name].split()[:2]) for name in names},
             "nodes": {node.name: [node.address, node.host_key] for node in cluster.nodes}}

    def look(numbered):
        number, node = numbered
        # A ring: each node is left and reached once by each of these users.
        following = cluster.nodes[(number + 1) % len(cluster.nodes)].name
        data = json.dumps(asked | {"try": [[name, following] for name in some]})
        return json.loads(node.execute("python3", "-c", CHECK, data=data))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(look, enumerate(cluster.nodes)))
    for each in found:
        lines += each["lines"]
        wrong += each["wrong"]
    uids = found[0]["uids"]
    same = all(each["uids"] == uids for each in found) and len(set(uids.values())) == len(names)
    lines.append(f"uids: {'one for each user, the same on every node' if same else 'differ'}")
    if not same or min(uids.values(), default=0) < 1000:
        wrong.append(f"uids: {[each['uids'] for each in found]}")
    for name in some:
        answer = sign_in(cluster, private[name], name)
        lines.append(f"{name}: signs in with the key: {answer}")
        if answer != f"{cluster.nodes[0].name} {name}":
            wrong.append(lines[-1])
    if wrong:
        raise SystemExit(f"bench-users: {side} has not come to the end that was asked for:\n" + "\n".join(wrong[:40]))
    return lines


def sign_in(cluster, key, name):
    done = subprocess.run(
        ["ssh", "-F", "none", "-i", key, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
         "-o", "GlobalKnownHostsFile=none", "-o", f"UserKnownHostsFile={cluster.folder}/known_hosts",
         f"{name}@{cluster.nodes[0].address}", "hostname; id -un"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return " ".join(done.stdout.split()) if done.returncode == 0 else done.stderr.strip()


def unpack(archive, folder, lines):
    """The keys in the archive, by user; what is in it goes into the text."""
    folder.mkdir(mode=0o700)
    modes = [path.stat().st_mode & 0o7777 for path in (archive, archive.parent)]
    lines.append(f"archive: {modes[0]:04o} in a folder {modes[1]:04o}")
    keys = {}
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            lines.append(f"archive: {member.name} {'folder' if member.isdir() else f'{member.mode & 0o7777:04o}'}")
            if member.isfile():
                name = pathlib.PurePath(member.name).name
                path = folder / name
                path.touch(mode=0o600)
                path.write_bytes(tar.extractfile(member).read())
                bits = subprocess.run(["ssh-keygen", "-l", "-f", path], capture_output=True, text=True).stdout.split()
                lines.append(f"archive: {name}: {bits[0]} bits {bits[-1]}" if bits else f"archive: {name}: no key")
                keys[name.removesuffix(".rsa")] = path
    return keys


def compare(texts):
    """Ends the benchmark unless all sides have come to the same end."""
    (first, text), *others = texts.items()
    for side, other in others:
        if other != text:
            difference = difflib.unified_diff(text, other, first, side, lineterm="", n=0)
            raise SystemExit("bench-users: not the same end:\n" + "\n".join(list(difference)[:80]))
