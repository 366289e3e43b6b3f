# SPDX-License-Identifier: Apache-2.0
"""Clusters of containers with a real sshd each, one network, and one folder at /home in all of them."""
import ipaddress, json, os, pathlib, shutil, subprocess, time
from concurrent.futures import ThreadPoolExecutor

NAME = "sallyport-bench-users"
LABEL = "sallyport.bench=users"

# As the tests of the OpenSSH transport start theirs; fifty handshakes at once are no reason to turn somebody away.
START = """
mkdir -p /run/sshd
install -d -m 0700 /root/.ssh
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
echo "$1" >/root/.ssh/authorized_keys
set -- -D -E /var/log/bench/sshd.log -o MaxStartups=200 -o MaxSessions=100
if /usr/sbin/sshd -t -o PerSourcePenalties=no; then set -- "$@" -o PerSourcePenalties=no; fi
exec /usr/sbin/sshd "$@"
"""


def podman(*arguments, data=None, check=True):
    done = subprocess.run(["podman", *arguments], input=data, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise SystemExit(f"bench-users: podman {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


class Node:
    def __init__(self, name, address, log):
        self.name, self.address, self.log = name, address, log
        self.container = f"{NAME}-{name}"
        self.host_key = ""

    def execute(self, *command, data=None):
        return podman("exec", "--interactive", self.container, *command, data=data)

    def sign_ins(self):
        """How often somebody has signed in since the node started. sshd ends its lines with carriage return too."""
        with open(self.log, errors="replace") as log:
            return sum("Accepted publickey" in line for line in log)


class Cluster:
    """`with Cluster(...) as cluster`: the first node is the master, which serves /home."""

    def __init__(self, folder, image, count):
        self.folder, self.image, self.count = pathlib.Path(folder), image, count
        self.nodes = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        self.folder.mkdir(mode=0o700, parents=True)
        (self.folder / "home").mkdir()
        (self.folder / "home").chmod(0o755)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "key"], check=True)
        # Podman looks for addresses that nobody on this machine uses. Names come from /etc/hosts alone.
        podman("network", "create", "--disable-dns", "--label", LABEL, NAME)
        network = ipaddress.ip_network(json.loads(podman("network", "inspect", NAME))[0]["subnets"][0]["subnet"])
        for number in range(self.count):
            name = f"node{number:03}" if number else "master"
            log = self.folder / "log" / name
            log.mkdir(parents=True)
            self.nodes.append(Node(name, str(network[10 + number]), log / "sshd.log"))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self.start_node, self.nodes))
            list(pool.map(self.learn, self.nodes))
        with open(self.folder / "known_hosts", "w") as known:
            known.writelines(f"{node.name},{node.address} {node.host_key}\n" for node in self.nodes)

    def start_node(self, node):
        hosts = [word for other in self.nodes for word in ("--add-host", f"{other.name}:{other.address}")]
        podman("run", "--detach", "--pull", "never", "--name", node.container, "--hostname", node.name,
               "--label", LABEL, "--network", NAME, "--ip", node.address, *hosts, 
               "--volume", f"{self.folder}/home:/home",
               "--volume", f"{node.log.parent}:/var/log/bench", "--entrypoint", "/bin/bash", self.image,
               "-c", START, "sshd", (self.folder / "key.pub").read_text().strip())

    def learn(self, node):
        """The host key comes over `podman exec`, which nobody on the network can answer in the node's place."""
        deadline = time.monotonic() + 120
        while not (node.log.exists() and "Server listening" in node.log.read_text(errors="replace")):
            if time.monotonic() > deadline:
                raise SystemExit(f"bench-users: no sshd on {node.name} after 120 s: {podman('logs', node.container)}")
            time.sleep(0.05)
        kind, key, *_ = node.execute("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()
        node.host_key = f"{kind} {key}"

    def __exit__(self, *_):
        containers = podman("ps", "--all", "--quiet", "--filter", f"label={LABEL}", check=False).split()
        if containers:
            podman("rm", "--force", "--time", "0", *containers, check=False)
        podman("network", "rm", "--force", NAME, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sign_ins(self):
        return {node.name: node.sign_ins() for node in self.nodes}
