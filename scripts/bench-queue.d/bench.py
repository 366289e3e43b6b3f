#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a large queue in four ways. Called by scripts/bench-queue, which brings the cluster and the gateway.

Sides, each measured in two halves in the order A B C C B A, under the same change of one job a second:
  gateway   GET /v1/clusters/NAME/jobs, 20 sessions over 20 kept-alive connections, without If-None-Match
  nginx     the same bytes from proxy_cache, kept two seconds for each person, with auth_request to the gateway's GET /v1/me
  bare      the same bytes from one route of a plain Hummingbird
And by themselves: slurmrestd asked by each person, for the own 20 jobs by number, and for GET /jobs, which PrivateData=jobs cuts to
the own; and once, as the service account, for the whole list."""
import argparse, base64, collections, hashlib, hmac, http.client, json, os, pathlib, signal, socket, sqlite3, subprocess
import sys, threading, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--quick", action="store_true", help="800 jobs of 25 people, 10 s each: does it work")
parser.add_argument("--old", action="store_true", help="on Debian 12's Slurm 22.05 instead of Debian 13's 24.11")
parser.add_argument("--seconds", type=int, help="of each side; 60 unless given, 10 with --quick")
parser.add_argument("--jobs", type=int, help="in the queue; 10000 unless given")
parser.add_argument("--people", type=int, help="whose they are; 50 unless given")
parser.add_argument("--stand-in", type=int, metavar="COUNT", default=0,
                    help="at the end, as many recorded jobs replayed by a stand-in for slurmrestd: what memory they take")
for name in ("state", "cluster", "nginx", "bare", "root"):
    parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
A = parser.parse_args()
SECONDS = A.seconds or (10 if A.quick else 60)
JOBS = A.jobs or (800 if A.quick else 10_000)
PEOPLE = A.people or (25 if A.quick else 50)
READERS, OWN = 20, 20
STATE = pathlib.Path(A.state)
PARTS = pathlib.Path(A.root) / "scripts/bench-queue.d"
WORK = STATE / "bench"
RECORD = json.load(open(STATE / "clusters" / A.cluster / "cluster.json"))
URL = f"http://127.0.0.1:{A.port}"
PATH = f"/v1/clusters/{A.cluster}/jobs"
VERSION = "v0.0.38" if A.old else "v0.0.42"
started = []


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, **more).stdout


def stack(*words):
    return run(f"{A.root}/scripts/stack", words[0], str(STATE), *words[1:])


def start(*words):
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    started.append(process)
    return process


def end(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    started.remove(process)


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def until(what, limit, body):
    end_at = time.monotonic() + limit
    while time.monotonic() < end_at:
        if found := body():
            return found
        time.sleep(0.1)
    raise SystemExit(f"bench-queue: {what} took more than {limit} s")


# People: rows and sessions as a sign-in makes them, and accounts on the controller. Held jobs need no account elsewhere.


def session_maker():
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    key = serialization.load_pem_private_key((STATE / "serve/session.pem").read_bytes(), None)
    point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    kid = url64(hashlib.sha256(point).digest()[:12]).decode()
    head = url64(json.dumps({"alg": "ES256", "kid": kid, "typ": "sally+jwt"}, separators=(",", ":")).encode())

    def make(person, session):
        now = int(time.time())
        claims = {"iss": URL, "aud": "sallyport", "sub": str(person), "sid": session, "iat": now, "exp": now + 14400,
                  "jti": url64(os.urandom(16)).decode()}
        text = head + b"." + url64(json.dumps(claims).encode())
        r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        return (text + b"." + url64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()

    return make


def make_people():
    stack("stop-serve")
    make, now = session_maker(), int(time.time())
    names = [f"bench{number:02}" for number in range(1, PEOPLE + 1)]
    people = []
    base = sqlite3.connect(STATE / "serve/sallyd.db", timeout=30)
    with base:
        first = base.execute("SELECT value FROM counters WHERE name = 'person'").fetchone()[0]
        uids = base.execute("SELECT coalesce(max(uid), 19999) FROM given_uids").fetchone()[0]
        for index, name in enumerate(names, 1):
            person, uid, session = first + index, uids + index, url64(os.urandom(16)).decode()
            base.execute("INSERT INTO given_names VALUES (?, ?)", (name, now))
            base.execute("INSERT INTO given_uids VALUES (?, ?)", (uid, now))
            base.execute("INSERT INTO people VALUES (?,?,?,?,?,NULL,?,?,?,?,?,NULL)",
                         (person, "bench", name, "demo", name, name, uid, "demo:hpc-users", "researcher", now))
            base.execute("INSERT INTO sessions VALUES (?,?,?,?,?,?,NULL)",
                         (session, person, "bench", now, now, now + 14400))
            people.append({"name": name, "uid": uid, "session": make(person, session)})
        base.execute("UPDATE counters SET value = ? WHERE name = 'person'", (first + len(names),))
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()
    owner = (STATE / "serve").stat()
    for file in (STATE / "serve").glob("sallyd.db*"):
        os.chown(file, owner.st_uid, owner.st_gid)
    script = "set -e\n" + "".join(
        f"useradd --uid {person['uid']} --no-create-home --home-dir /tmp --shell /bin/sh {person['name']}\n"
        for person in people)
    script += f"sacctmgr --immediate add user name={','.join(names)} account=research >&2\n"
    controller = next(c["hostname"] for c in RECORD["containers"] if c["role"] == "controller")
    stack("exec", A.cluster, controller, "sh", "-c", script)
    return people


# Slurm, directly.


def slurm_token(user):
    key, now = RECORD["token_key"], int(time.time())
    claims = url64(json.dumps({"sun": user, "iat": now, "exp": now + 14400}).encode())
    if key["algorithm"] == "HS256":
        head = url64(b'{"alg":"HS256","typ":"JWT"}')
        tag = hmac.new(open(key["path"], "rb").read(), head + b"." + claims, hashlib.sha256).digest()
    else:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding

        head = url64(json.dumps({"alg": "RS256", "typ": "JWT", "kid": key["kid"]}).encode())
        private = serialization.load_pem_private_key(open(key["path"], "rb").read(), None)
        tag = private.sign(head + b"." + claims, padding.PKCS1v15(), hashes.SHA256())
    return (head + b"." + claims + b"." + url64(tag)).decode()


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=300)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(300)
        self.sock.connect(self.path)


def slurm(connection, user, token, method, path, body=None):
    headers = {"X-SLURM-USER-TOKEN": token, "X-SLURM-USER-NAME": user}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = json.dumps(body)
    for attempt in (1, 2):
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (http.client.HTTPException, ConnectionError):
            # slurmrestd closes connections as it likes.
            connection.close()
            if attempt == 2:
                raise


def submission(name):
    job = {"name": name, "hold": True, "partition": "debug", "account": "research", "time_limit": 10,
           "current_working_directory": "/tmp"}
    if A.old:
        job["environment"] = {"PATH": "/bin"}
    else:
        job["environment"] = ["PATH=/bin"]
        job["time_limit"] = {"set": True, "infinite": False, "number": 10}
    return {"script": "#!/bin/sh\ntrue\n", "job": job}


def submit(person, count):
    connection, made = Unix(REAL), []
    for number in range(count):
        status, data = slurm(connection, person["name"], person["token"], "POST", f"/slurm/{VERSION}/job/submit",
                             submission(f"own {number}"))
        job = json.loads(data).get("job_id") if data else None
        if not job:
            raise SystemExit(f"bench-queue: a job was not taken: {status} {data[:300]}")
        made.append(job)
    person["jobs"] = made


def fill(people):
    rest = JOBS - READERS * OWN
    others = len(people) - READERS
    for index, person in enumerate(people):
        person["token"] = slurm_token(person["name"])
        person["want"] = OWN if index < READERS else rest // others + (1 if index - READERS < rest % others else 0)
    todo, lock = collections.deque(people), threading.Lock()

    def work():
        while True:
            with lock:
                if not todo:
                    return
                person = todo.popleft()
            submit(person, person["want"])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any("jobs" not in person for person in people):
        raise SystemExit("bench-queue: not every job was taken")


class Change(threading.Thread):
    """One job a second is ended and another one submitted, by somebody whom nobody measures."""

    def __init__(self, person):
        super().__init__(daemon=True)
        self.person, self.stopped, self.delays = person, threading.Event(), []
        self.during, self.problem = "the start", None

    def run(self):
        try:
            self.change()
        except Exception as problem:
            self.problem = problem

    def change(self):
        connection, reader = Unix(REAL), http.client.HTTPConnection("127.0.0.1", A.port, timeout=30)
        turn = 0
        while not self.stopped.wait(max(0.0, 1.0 - (time.monotonic() % 1.0))):
            turn += 1
            job = self.person["jobs"].pop()
            slurm(connection, self.person["name"], self.person["token"], "DELETE", f"/slurm/{VERSION}/job/{job}")
            ended_at = time.monotonic()
            status, data = slurm(connection, self.person["name"], self.person["token"], "POST",
                                 f"/slurm/{VERSION}/job/submit", submission("changed"))
            made, made_at = json.loads(data)["job_id"], time.monotonic()
            self.person["jobs"].insert(0, made)
            if turn % 10 == 5:
                self.see(reader, job, ended_at, "CANCELLED")
            elif turn % 10 == 0:
                self.see(reader, made, made_at, "PENDING")

    def see(self, reader, job, at, state):
        """How long after `at`, when Slurm said it, until the gateway shows the job in that state."""
        while time.monotonic() - at < 30:
            reader.request("GET", f"{PATH}?array={job}&state={state}&fields=states", None,
                           {"Authorization": f"Bearer {self.person['session']}"})
            answer = reader.getresponse()
            body = json.loads(answer.read())
            if answer.status == 200 and len(body["jobs"]) == 1:
                break
            time.sleep(0.02)
        delay = time.monotonic() - at
        self.delays.append(delay)
        if delay > 2:
            say(f"    {state} of job {job} was seen after {delay:.1f} s, during: {self.during}")


# The sides.


def wrk(url, connections, seconds, tokens):
    text = run("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(PARTS / "own-jobs.lua"),
               url, "--", str(tokens))
    result = json.loads(next(line for line in text.splitlines() if line.startswith("RESULT"))[7:])
    result["per_s"] = result["requests"] / result["seconds"]
    return result


def merged(halves):
    seconds = sum(half["seconds"] for half in halves)
    return {"per_s": sum(half["requests"] for half in halves) / seconds,
            "p50_ms": max(half["p50_ms"] for half in halves), "p99_ms": max(half["p99_ms"] for half in halves),
            "max_ms": max(half["max_ms"] for half in halves), "bad": sum(half["bad"] for half in halves)}


def direct(readers, seconds, paths):
    """Answers a second: one is all of a person's own jobs, by the requests in `paths(person)`."""
    counts, refused, stop = [], [], time.monotonic() + seconds

    def work(person):
        connection, done = Unix(REAL), 0
        while time.monotonic() < stop:
            for path in paths(person):
                status, data = slurm(connection, person["name"], person["token"], "GET", f"/slurm/{VERSION}/{path}")
                if status != 200:
                    refused.append(f"{status} {data[:200]}")
                    return
            done += 1
        counts.append(done)

    threads = [threading.Thread(target=work, args=(person,)) for person in readers]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise SystemExit(f"bench-queue: slurmrestd answered {refused[0]}")
    return sum(counts) / (time.monotonic() - begin)


def nginx(folder):
    folder.mkdir()
    (folder / "nginx.conf").write_text(f"""
daemon off; pid {folder}/pid; error_log {folder}/error.log warn; worker_processes 2;
{"user root;" if os.getuid() == 0 else ""}
events {{ worker_connections 2048; }}
http {{
    access_log off; keepalive_requests 100000000;
    proxy_temp_path {folder}/temp; client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    proxy_cache_path {folder}/cache keys_zone=own:10m;
    upstream gateway {{ server 127.0.0.1:{A.port}; keepalive 64; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{A.port + 2};
        location = /jobs {{
            auth_request /check;
            proxy_pass http://gateway{PATH}; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_cache own; proxy_cache_key $http_authorization; proxy_cache_valid 200 2s; proxy_cache_lock on;
            proxy_ignore_headers Cache-Control; proxy_cache_use_stale updating;
        }}
        location = /check {{
            internal;
            proxy_pass http://gateway/v1/me; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_pass_request_body off; proxy_set_header Content-Length "";
        }}
    }}
}}
""")
    start(A.nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"))


def get(url, token):
    text = run("curl", "-fsS", "-m", "120", "-H", "@-", url, input=f"Authorization: Bearer {token}\n")
    return text


def calls():
    return json.load(open(WORK / "counts"))


def counted(body):
    before = calls()
    time.sleep(0.3)
    result = body()
    time.sleep(0.3)
    after = calls()
    kinds = {kind: after["calls"][kind] - before["calls"].get(kind, 0) for kind in after["calls"]}
    return result, after["total"] - before["total"], after["bytes"] - before["bytes"], {k: v for k, v in kinds.items() if v}


def memory(process):
    lines = open(f"/proc/{process}/status").read().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("VmHWM", "VmRSS"))}


def serve_pid():
    return int((STATE / "pid/serve").read_text())


def put_before(*command):
    """Puts a program in the place of slurmrestd's socket."""
    process = start(*command)
    until("the socket", 20, lambda: os.path.exists(SOCKET))
    real = os.stat(REAL)
    os.chown(SOCKET, real.st_uid, real.st_gid)
    os.chmod(SOCKET, 0o660)
    if os.getuid() == 0:
        os.chown(SOCKET, -1, (STATE / "serve").stat().st_gid)
    return process


def stand_in(count, people):
    """What the gateway takes for a queue that no machine here could hold."""
    fixture = f"{A.root}/Tests/SlurmModelTests/Fixtures/slurmrestd/24.11.5/v0.0.42/jobs.json"
    stack("stop-serve")
    os.unlink(SOCKET)
    names = ",".join(person["name"] for person in people)
    process = put_before(sys.executable, str(PARTS / "stand-in.py"), SOCKET, fixture, str(count), names)
    begin = time.monotonic()
    # Whether the gateway is ready is seen below: the script's own patience is for queues of the usual size.
    subprocess.run([f"{A.root}/scripts/stack", "start-serve", str(STATE)], stdout=subprocess.DEVNULL)

    def is_there():
        # The snapshot is published whole.
        try:
            return json.loads(get(URL + PATH + "?limit=1&fields=job", people[0]["session"]))["jobs"]
        except subprocess.CalledProcessError:
            return None

    def lists():
        try:
            return int(open(SOCKET + ".lists").read() or 0)
        except FileNotFoundError:
            return 0

    until("the stand-in's queue", 600, is_there)
    took = time.monotonic() - begin
    say(f"    {count} recorded jobs are there after {took:.0f} s")
    load = wrk(URL + PATH + "?limit=20", READERS, min(SECONDS, 20), WORK / "sessions")
    # Old and new are in memory together when the next ones are put in place.
    until("the stand-in's next list", 600, lambda: lists() >= 2)
    time.sleep(5)
    peak = memory(serve_pid())
    end(process)
    return {"stand_in_jobs": count, "stand_in_rss_mb": round(peak["VmHWM"], 1), "stand_in_read_s": round(took, 1),
            "stand_in_per_s": round(load["per_s"], 1), "stand_in_lists": lists()}


def main():
    WORK.mkdir(mode=0o711)
    people = make_people()
    readers = people[:READERS]
    os.rename(SOCKET, REAL)
    put_before(sys.executable, str(PARTS / "counting-proxy.py"), SOCKET, REAL, str(WORK / "counts"))
    say(f"    submitting {JOBS} jobs of {PEOPLE} people")
    begin = time.monotonic()
    fill(people)
    say(f"    {JOBS} jobs in {time.monotonic() - begin:.0f} s")
    stack("start-serve")
    with open(WORK / "sessions", "w") as file:
        file.writelines(person["session"] + "\n" for person in readers)
    own = until("the own jobs", 300, lambda: (
        lambda text: text if len(json.loads(text)["jobs"]) == OWN else None)(get(URL + PATH, readers[0]["session"])))
    (WORK / "own.json").write_text(own)
    start(A.bare, str(A.port + 3), str(WORK / "own.json"))
    nginx(WORK / "nginx")
    until("nginx", 20, lambda: os.path.exists(WORK / "nginx/pid"))
    time.sleep(1)
    sides = {"gateway": URL + PATH, "nginx": f"http://127.0.0.1:{A.port + 2}/jobs",
             "bare": f"http://127.0.0.1:{A.port + 3}/jobs"}
    cached = get(sides["nginx"], readers[0]["session"])
    bare = get(sides["bare"], readers[0]["session"])
    if not cached == bare == own:
        raise SystemExit("bench-queue: the sides do not answer with the same bytes")
    for url in sides.values():
        wrk(url, READERS, 2, WORK / "sessions")
    change = Change(people[READERS])
    change.start()
    halves, half = collections.defaultdict(list), max(1, SECONDS // 2)
    for side in ("gateway", "nginx", "bare", "bare", "nginx", "gateway"):
        change.during = side
        halves[side].append(wrk(sides[side], READERS, half, WORK / "sessions"))
        say(f"    {side}: {halves[side][-1]['per_s']:.0f}/s, p99 {halves[side][-1]['p99_ms']:.2f} ms")
    result = {side: merged(both) for side, both in halves.items()}
    change.during = "one reader"
    _, one, one_bytes, kinds = counted(lambda: wrk(URL + PATH, 1, SECONDS, WORK / "sessions"))
    change.during = "500 readers"
    _, many, many_bytes, _ = counted(lambda: wrk(URL + PATH, 500, SECONDS, WORK / "sessions"))
    # People who ask slurmrestd itself keep it from the gateway: what is visible then is told by itself.
    seen, change.delays, change.during = change.delays, [], "20 people at slurmrestd"
    # The clusters here have PrivateData=jobs: GET /jobs of a person has the own jobs alone.
    by_number = direct(readers, SECONDS, lambda person: [f"job/{job}" for job in person["jobs"]])
    by_list = direct(readers, SECONDS, lambda person: ["jobs"])
    beside = change.delays
    change.stopped.set()
    change.join()
    if change.problem:
        raise SystemExit(f"bench-queue: the jobs that change: {change.problem!r}")
    if bad := {side: both["bad"] for side, both in result.items() if both["bad"]}:
        raise SystemExit(f"bench-queue: answers that are none, by side: {bad}")
    service = slurm_token("sallyport")
    begin = time.monotonic()
    _, whole = slurm(Unix(REAL), "sallyport", service, "GET", f"/slurm/{VERSION}/jobs")
    whole_s = time.monotonic() - begin
    peak = memory(serve_pid())
    report = {
        "slurm": "22.05" if A.old else "24.11", "jobs": JOBS, "people": PEOPLE, "seconds": SECONDS, "cores": os.cpu_count(),
        "own_jobs_per_s": round(result["gateway"]["per_s"], 1), "own_jobs_p99_ms": round(result["gateway"]["p99_ms"], 2),
        "own_jobs_p50_ms": round(result["gateway"]["p50_ms"], 2), "bad_answers": result["gateway"]["bad"],
        "direct_per_s": round(max(by_number, by_list), 2), "direct_by_number_per_s": round(by_number, 2),
        "direct_by_list_per_s": round(by_list, 2), "bare_per_s": round(result["bare"]["per_s"], 1),
        "nginx_auth_per_s": round(result["nginx"]["per_s"], 1),
        "ratio_bare": round(result["gateway"]["per_s"] / result["bare"]["per_s"], 3),
        "ratio_nginx_auth": round(result["gateway"]["per_s"] / result["nginx"]["per_s"], 3),
        "upstream_calls_1_reader": one, "upstream_calls_500_readers": many,
        "upstream_bytes_1_reader": one_bytes, "upstream_bytes_500_readers": many_bytes, "upstream_calls_by_kind": kinds,
        "rss_mb": round(peak["VmHWM"], 1), "visible_after_s": round(max(seen), 2) if seen else None,
        "visible_after_median_s": round(sorted(seen)[len(seen) // 2], 2) if seen else None,
        "visible_beside_direct_s": round(max(beside), 2) if beside else None,
        "whole_list_s": round(whole_s, 2), "whole_list_mb": round(len(whole) / 1e6, 1), "own_bytes": len(own),
    }
    if A.stand_in:
        for process in list(started):
            end(process)
        report |= stand_in(A.stand_in, people)
    print(f"{'side':<24}{'answers/s':>12}{'p99 ms':>10}")
    for side, name in (("gateway", "gateway"), ("nginx", "nginx, auth_request"), ("bare", "bare Hummingbird")):
        print(f"{name:<24}{result[side]['per_s']:>12.1f}{result[side]['p99_ms']:>10.2f}")
    print(f"{'slurmrestd, by number':<24}{by_number:>12.2f}")
    print(f"{'slurmrestd, own GET /jobs':<24}{by_list:>11.2f}")
    print(f"{'slurmrestd, whole list':<24}{1 / whole_s:>12.2f}")
    print(json.dumps(report))


SOCKET = RECORD["socket"]
REAL = SOCKET + ".real"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
try:
    main()
finally:
    for process in list(started):
        end(process)
    if os.path.exists(REAL):
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        os.rename(REAL, SOCKET)
