#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Submits held jobs to slurmrestd directly and through the gateway, in alternating blocks (ABBA), and compares.

Usage: bench-submit.py SETTINGS.json
Settings: socket, version, user, key (PEM of the RS256 key), kid, gateway_port, session_file, cluster, processes {name: pid},
folder (for the fsync probe, on the file system of the gateway's database), block, rounds.
Both sides are driven by the same raw HTTP client, with one connection per client where the server keeps it.
"""
import json, os, socket, statistics, sys, threading, time
import multiprocessing as mp

S = json.load(open(sys.argv[1]))
TICKS = os.sysconf("SC_CLK_TCK")


class Client:
    """HTTP/1.1 on a kept-alive connection, reconnecting when the server closed it."""

    def __init__(self, family, address):
        self.family, self.address, self.sock = family, address, None

    def connect(self):
        self.sock = socket.socket(self.family, socket.SOCK_STREAM)
        if self.family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(30)
        self.sock.connect(self.address)

    def post(self, path, headers, body):
        head = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        data = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for attempt in (1, 2):
            if self.sock is None:
                self.connect()
            try:
                self.sock.sendall(data)
                status, close, answer = self.read()
            except (ConnectionError, EOFError):
                self.sock.close()
                self.sock = None
                if attempt == 2:
                    raise
                continue
            if close:
                self.sock.close()
                self.sock = None
            return status, answer

    def read(self):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin1").split("\r\n")
        fields = {k.strip().lower(): v.strip() for k, v in (l.split(":", 1) for l in lines[1:])}
        length = int(fields.get("content-length", "0"))
        while len(body) < length:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError
            body += piece
        return int(lines[0].split()[1]), fields.get("connection", "").lower() == "close", body


def slurm_token():
    import jwt
    now = int(time.time())
    key = open(S["key"]).read()
    return jwt.encode({"sun": S["user"], "iat": now, "exp": now + 3600}, key, algorithm="RS256", headers={"kid": S["kid"]})


SCRIPT = "#!/bin/bash\ntrue\n"


def direct(token):
    client = Client(socket.AF_UNIX, S["socket"])
    body = json.dumps({"script": SCRIPT, "job": {
        "name": "bench", "account": "research", "partition": "debug", "hold": True, "current_working_directory": f"/home/{S['user']}",
        "environment": ["PATH=/usr/bin:/bin"], "time_limit": {"set": True, "number": 5}, "tasks": 1}}).encode()
    headers = {"X-SLURM-USER-TOKEN": token, "Content-Type": "application/json"}
    path = f"/slurm/{S['version']}/job/submit"
    return lambda: check(client.post(path, headers, body), b'"job_id"')


def through(session):
    client = Client(socket.AF_INET, ("127.0.0.1", S["gateway_port"]))
    body = json.dumps({"job_name": "bench", "script": SCRIPT, "hold": True, "time": "5"}).encode()
    path = f"/v1/clusters/{S['cluster']}/jobs"

    def submit():
        headers = {"Authorization": f"Bearer {session}", "Content-Type": "application/json",
                   "Idempotency-Key": os.urandom(16).hex()}
        check(client.post(path, headers, body), b'"job"')
    return submit


def check(answer, wanted):
    status, body = answer
    if status not in (200, 201) or wanted not in body:
        raise SystemExit(f"bench-submit: status {status}: {body[:400]!r}")


def worker(kind, secret, count, ready, go, out):
    act = direct(secret) if kind == "direct" else through(secret)
    act()
    ready.release()
    go.wait()
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        act()
        times.append(time.perf_counter() - begin)
    out.put(times)


def block(kind, secret, clients, total):
    """One block: returns (seconds, list of latencies)."""
    ready, go, out = mp.Semaphore(0), mp.Event(), mp.Queue()
    each = total // clients
    procs = [mp.Process(target=worker, args=(kind, secret, each, ready, go, out)) for _ in range(clients)]
    for p in procs:
        p.start()
    for _ in procs:
        ready.acquire()
    begin = time.perf_counter()
    go.set()
    times = [t for _ in procs for t in out.get()]
    seconds = time.perf_counter() - begin
    for p in procs:
        p.join()
    return seconds, times


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS * 1000


def high_water(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024


def fsync_ms():
    path = os.path.join(S["folder"], "fsync-probe")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    times = []
    for _ in range(200):
        os.write(fd, b"x" * 4096)
        begin = time.perf_counter()
        os.fdatasync(fd)
        times.append(time.perf_counter() - begin)
    os.close(fd)
    os.unlink(path)
    return statistics.median(times) * 1000


def clear():
    """Takes the held jobs away between blocks, outside of every timing, so that both sides meet the same queue."""
    os.system(S["clear"])


def main():
    session = lambda: os.popen(S["session_command"]).read().strip()
    results, report = {}, {}
    before = None
    submits = 0
    for clients in (1, 8, 32):
        sums = {"direct": [0.0, []], "gateway": [0.0, []]}
        for kind in ("direct", "gateway", "gateway", "direct") * S["rounds"]:
            secret = slurm_token() if kind == "direct" else session()
            start = {n: cpu(p) for n, p in S["processes"].items()}
            seconds, times = block(kind, secret, clients, S["block"])
            if kind == "gateway" and clients == 1:
                submits += len(times)
                before = before or {n: 0.0 for n in start}
                for n, p in S["processes"].items():
                    before[n] += cpu(p) - start[n]
            sums[kind][0] += seconds
            sums[kind][1] += times
            clear()
        d, g = sums["direct"], sums["gateway"]
        results[clients] = {
            "direct_p50_ms": statistics.median(d[1]) * 1000, "gateway_p50_ms": statistics.median(g[1]) * 1000,
            "direct_per_s": len(d[1]) / d[0], "gateway_per_s": len(g[1]) / g[0],
        }
    print(f"{'clients':>8} {'direct p50':>12} {'gateway p50':>12} {'direct/s':>10} {'gateway/s':>10} {'ratio':>7}")
    for clients, r in results.items():
        print(f"{clients:>8} {r['direct_p50_ms']:>9.2f} ms {r['gateway_p50_ms']:>9.2f} ms {r['direct_per_s']:>10.0f}"
              f" {r['gateway_per_s']:>10.0f} {r['gateway_per_s'] / r['direct_per_s']:>7.2f}")
    print(json.dumps({
        "added_p50_ms": round(results[1]["gateway_p50_ms"] - results[1]["direct_p50_ms"], 3),
        "fsync_ms": round(fsync_ms(), 3),
        "throughput_ratio": round(results[8]["gateway_per_s"] / results[8]["direct_per_s"], 3),
        "throughput_ratio_32": round(results[32]["gateway_per_s"] / results[32]["direct_per_s"], 3),
        "cpu_ms_per_submit": {n: round(v / submits, 3) for n, v in before.items()},
        "rss_mb": round(sum(high_water(p) for p in S["processes"].values()), 1),
    }))


main()
