# SPDX-License-Identifier: Apache-2.0
"""The three that make users: each is given a cluster and a task, and runs one command."""
import glob, json, os, pathlib, re, shutil, signal, subprocess, tempfile, time

HERE = pathlib.Path(__file__).parent
FIRST_UID = 60000


class TooLong(Exception):
    pass


class Task:
    """Users user001, user002, ... who bring public keys (folder `brought`) or get RSA keys in an archive."""

    def __init__(self, count, brought):
        self.brought = brought
        self.users = [(f"user{number:03}", FIRST_UID + number - 1) for number in range(1, count + 1)]

    def archive(self, cluster):
        """Where the keys to hand out go; its folder is private. None if keys are brought."""
        return None if self.brought else cluster.folder / "archive" / "bench-lab.tar.gz"


def run(command, log, limit=None, **options):
    """Seconds that `command` took, a wall clock's. Everything that it started ends with it."""
    with open(log, "a") as output:
        begin = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                                 start_new_session=True, **options)
        try:
            status = child.wait(limit)
            seconds = time.monotonic() - begin
        except subprocess.TimeoutExpired:
            raise TooLong from None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                try:
                    child.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
    if status != 0:
        end = "".join(open(log, errors="replace").readlines()[-40:])
        raise SystemExit(f"bench-users: {command[0]} ended with status {status}\n{end}")
    return seconds


def prepare(cluster, task):
    """What all sides find, made outside of every timing: names, addresses and brought keys in their files."""
    folder = cluster.folder
    (folder / "nodes").write_text("".join(f"{node.name} {node.address}\n" for node in cluster.nodes))
    (folder / "users").write_text("".join(f"{name} {uid}\n" for name, uid in task.users))
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    if task.brought:
        for name, _ in task.users:
            shutil.copy(task.brought / f"{name}.pub", keys)
        (folder / "users.keys").write_text(
            "".join(f"{name} {(keys / f'{name}.pub').read_text()}" for name, _ in task.users))
    else:
        task.archive(cluster).parent.mkdir(mode=0o700)


class Ours:
    name = "ours"
    program = ""  # sally-cluster, set once

    def __init__(self, cluster, task, log):
        self.cluster, self.task, self.log = cluster, task, log
        folder = cluster.folder
        (folder / "own").mkdir(mode=0o700)
        nodes = "".join(
            f"      - {{name: {node.name}, address: {node.address}, role: {'node' if number else 'controller'}}}\n"
            for number, node in enumerate(cluster.nodes))
        keys = (f"    public_keys: {folder}/users.keys\n" if task.brought else
                f"    key_type: rsa\n    download_keys: true\n    download_keys_dir: {task.archive(cluster).parent}\n")
        (folder / "clusters.yaml").write_text(f"""\
clusters:
  bench:
    provider: inventory
    login: root
    identity_file: {folder}/key
    known_hosts: {folder}/known_hosts
    region: lab
    plugins: [createusers]
    accounting: false
    nodes:
{nodes}plugins:
  createusers:
    type: createusers
    num_users: {len(task.users)}
    scratch: [/mnt, /scratch]
    uids: 60000-64999
    shell: /bin/bash
{keys}""")

    def apply(self, limit):
        """The one place that says how ours is called. Its own records lie with the cluster's files, and go with them.
        It is never stopped for taking long."""
        own = str(self.cluster.folder / "own")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("SALLY", "STARCLUSTER"))}
        environment |= {"HOME": own, "SALLYPORT_STATE": own + "/state"}
        command = [self.program, "runplugin", "createusers", "bench", "-c", f"{self.cluster.folder}/clusters.yaml"]
        return run(command, self.log, env=environment)

    def close(self):
        pass


class Ansible:
    name = "ansible"
    environment = None  # the folder of its Python, set once

    @classmethod
    def collections(cls):
        """Name and version of those that were taken out of the package `ansible`."""
        for manifest in sorted(cls.environment.glob("lib/python*/site-packages/ansible_collections/*/*/MANIFEST.json")):
            told = json.loads(manifest.read_text())["collection_info"]
            yield f"{told['namespace']}.{told['name']} {told['version']}"

    def __init__(self, cluster, task, log):
        self.cluster, self.log = cluster, log
        folder = cluster.folder
        # The name of a unix socket is short (108 bytes, unix(7)).
        self.sockets = tempfile.mkdtemp(prefix="bench-users-")
        hosts = "".join(f"{node.name} ansible_host={node.address}\n" for node in cluster.nodes)
        (folder / "inventory").write_text(f"""\
{hosts}
[home_server]
{cluster.nodes[0].name}

[all:vars]
ansible_user=root
ansible_ssh_private_key_file={folder}/key
ansible_ssh_common_args=-F none -o UserKnownHostsFile={folder}/known_hosts -o GlobalKnownHostsFile=none
""")
        (folder / "variables.json").write_text(json.dumps({
            "users": [{"name": name, "uid": uid} for name, uid in task.users],
            "nodes": [{"name": node.name, "address": node.address, "host_key": node.host_key}
                      for node in cluster.nodes],
            "public_keys": f"{folder}/keys", "made_keys": not task.brought, "archive": str(task.archive(cluster))}))

    def apply(self, limit):
        folder = self.cluster.folder
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE", "PYTHON"))}
        environment |= {"ANSIBLE_CONFIG": f"{HERE}/ansible.cfg", "ANSIBLE_HOME": f"{folder}/ansible",
                        "ANSIBLE_SSH_CONTROL_PATH_DIR": self.sockets, "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        command = [f"{self.environment}/bin/ansible-playbook", "-i", f"{folder}/inventory",
                   "-e", f"@{folder}/variables.json", f"{HERE}/playbook.yaml"]
        try:
            return run(command, self.log, limit, env=environment)
        finally:
            self.hang_up()

    def shares(self):
        """Seconds of the last run by task, the longest first, as its callback profile_tasks counted them."""
        last = open(self.log, errors="replace").read().rpartition("TASKS RECAP")[2]
        return [(name, float(seconds)) for name, seconds in re.findall(r"^(\S.*?) -+ ([\d.]+)s$", last, re.MULTILINE)]

    def hang_up(self):
        """Connections that are kept would be found open by the next run, which stands for one on another day."""
        for socket in glob.glob(f"{self.sockets}/*"):
            subprocess.run(["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "any"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        shutil.rmtree(self.sockets, ignore_errors=True)


class Floor:
    name = "floor"

    def __init__(self, cluster, task, log):
        self.cluster, self.task, self.log = cluster, task, log

    def apply(self, limit):
        archive = self.task.archive(self.cluster)
        return run([f"{HERE}/floor", str(self.cluster.folder), *([str(archive)] if archive else [])], self.log)

    def close(self):
        pass


SIDES = [Ours, Ansible, Floor]
