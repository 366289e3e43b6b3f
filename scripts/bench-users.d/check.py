# SPDX-License-Identifier: Apache-2.0
"""Runs on a node (`python3 -c`, as root): tells in fixed words how users, homes, trust and scratch are.

Standard input: {users: {name: key that was brought or made}, nodes: {name: [address, host key]}, try: [[user, node]]}
Standard output: {uids: {name: uid}, lines: [...], wrong: [...]}. Lines say nothing of what differs by nature (uids,
keys); what no side may get wrong is in `wrong` too, so that three equal mistakes are not taken for a good end.
"""
import fnmatch, grp, ipaddress, json, os, pwd, re, socket, stat, subprocess, sys

asked = json.load(sys.stdin)
lines, wrong, uids = [], [], {}


def tell(text, right=True):
    lines.append(text)
    if not right:
        wrong.append(text)


def look(path, account):
    """Kind, mode and owner of something, the owner as `itself`, `root` or a number."""
    try:
        found = os.lstat(path)
    except OSError as error:
        return error.strerror
    kind = {stat.S_IFDIR: "folder", stat.S_IFREG: "file", stat.S_IFLNK: "link"}.get(stat.S_IFMT(found.st_mode), "else")

    def who(number, own):
        return "itself" if own is not None and number == own else "root" if number == 0 else str(number)
    owners = (who(found.st_uid, account and account.pw_uid), who(found.st_gid, account and account.pw_gid))
    owner = owners[0] if owners[0] == owners[1] else ":".join(owners)
    if kind == "link":
        # Nobody asks for the owner of a link.
        return f"link to {os.readlink(path)}"
    return f"{kind} {stat.S_IMODE(found.st_mode):04o} {owner}"


def covers(patterns, address):
    """Whether a list of sshd_config(5) patterns, as in `from=`, lets an address in."""
    for pattern in patterns.split(","):
        try:
            if ipaddress.ip_address(address) in ipaddress.ip_network(pattern):
                return True
        except ValueError:
            if fnmatch.fnmatchcase(address, pattern):
                return True
    return False


def read(path):
    try:
        with open(path) as file:
            return file.read().splitlines()
    except OSError as error:
        return [f"# {error.strerror}"]


def account_of(name):
    """The entry in passwd and group."""
    try:
        account = pwd.getpwnam(name)
        group = grp.getgrgid(account.pw_gid)
    except KeyError:
        tell(f"{name}: no account, or one without a group", False)
        return None
    uids[name] = account.pw_uid
    [entry] = [line.split(":") for line in read("/etc/shadow") if line.startswith(name + ":")]
    password = "locked" if entry[1][:1] in ("!", "*") else "usable"
    own = group.gr_name == name and group.gr_gid == account.pw_uid and not group.gr_mem
    tell(f"{name}: home {account.pw_dir}, shell {account.pw_shell}, password {password}, "
         f"{'a group of its own with the same number' if own else f'group {group.gr_name} {group.gr_gid}'}",
         own and password == "locked" and account.pw_dir == f"/home/{name}")
    return account


def home_of(account, name, key):
    home, folder = f"/home/{name}", f"/home/{name}/.ssh"
    entries = sorted(os.listdir(home)) if os.path.isdir(home) else []
    tell(f"{name}: home is a {look(home, account)}", look(home, account) == "folder 0700 itself")
    for entry in entries:
        tell(f"{name}: ~/{entry} is a {look(f'{home}/{entry}', account)}")
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        seen = look(f"{folder}/{entry}", account)
        # In a folder that is closed it is all one whether others may read what is public.
        tell(f"{name}: ~/.ssh/{entry} is a {seen.replace('0644', '0600') if entry.endswith('.pub') else seen}")
    pairs = {" ".join(read(f"{folder}/{entry}")[0].split()[:2])
             for entry in (os.listdir(folder) if os.path.isdir(folder) else []) if entry.endswith(".pub")}
    tell(f"{name}: pairs of keys: {', '.join(sorted(pair.split()[0] for pair in pairs))}", len(pairs) == 1)
    own, going, other = 0, [], 0
    for line in read(f"{folder}/authorized_keys"):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.match(r'(?P<options>.*?)\s*(?P<key>(?:ssh|ecdsa)-\S+ AAAA\S+)', line)
        if match and match["key"] == key and not match["options"]:
            own += 1
        elif match and match["key"] in pairs:
            given = re.search(r'(?:^|,)from="([^"]*)"', match["options"])
            going.append(bool(given) and all(covers(given[1], node[0]) for node in asked["nodes"].values())
                         and not covers(given[1], "192.0.2.1"))
        else:
            other += 1
    tell(f"{name}: authorized_keys: its key {own} time, the pair of the nodes {len(going)} time"
         f"{' from the nodes alone' if all(going) else ' from anywhere or too few'}, {other} others",
         (own, going, other) == (1, [True], 0))
    modes = [look(path, account) for path in (folder, f"{folder}/authorized_keys")]
    if modes != ["folder 0700 itself", "file 0600 itself"]:
        wrong.append(f"{name}: ~/.ssh and authorized_keys: {modes}")


def scratch_of(account, name):
    folder, link = look(f"/mnt/{name}", account), look(f"/scratch/{name}", account)
    tell(f"{name}: /mnt/{name} is a {folder}, /scratch/{name} a {link}",
         (folder, link) == ("folder 0700 itself", f"link to /mnt/{name}"))


def host_keys():
    path = "/etc/ssh/ssh_known_hosts"
    tell(f"{path} is a {look(path, None)}", look(path, None) == "file 0644 root")
    known = set()
    for line in read(path):
        words = line.split()
        if len(words) >= 3 and not line.startswith("#"):
            known |= {(name, " ".join(words[1:3])) for name in words[0].split(",")}
    needed = {(name, key) for node, (address, key) in asked["nodes"].items() for name in (node, address)}
    tell(f"{path}: name and address of {len(asked['nodes'])} nodes: {'all' if needed <= known else 'not all'}, "
         f"other keys: {len({key for _, key in known} - {key for _, key in needed})}", needed <= known)


def go(name, target):
    """From here to another node, as the user does it; where a question would be asked, ssh gives up (BatchMode)."""
    try:
        done = subprocess.run(
            ["setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "--reset-env",
             "ssh", "-o", "BatchMode=yes", "-o", "UpdateHostKeys=no", target, "hostname; id -un"],
            cwd=f"/home/{name}", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        answer = " ".join(done.stdout.split()) if done.returncode == 0 else done.stderr.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        answer = str(error)
    tell(f"{name}: ssh {target}: {answer}", answer == f"{target} {name}")


for name, key in asked["users"].items():
    account = account_of(name)
    if account:
        home_of(account, name, key)
        scratch_of(account, name)
tell(f"/scratch is a {look('/scratch', None)}", look("/scratch", None) == "folder 0755 root")
host_keys()
for name, target in asked["try"]:
    go(name, target)
json.dump({"uids": uids, "lines": [f"{socket.gethostname()} {line}" for line in lines],
           "wrong": [f"{socket.gethostname()} {line}" for line in wrong]}, sys.stdout)
