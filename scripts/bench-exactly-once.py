#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Submits through a gateway that is killed while answers are lost, and counts the jobs in Slurm.

Usage: bench-exactly-once.py SETTINGS.json
Settings: root, state, cluster, port, upstream and proxy (sockets), user, session_command, submissions, kills, clients, seed.
Of all answers that come back from slurmrestd through the proxy, to submissions as to reads of the queue, of states and of accounting,
5 % are cut off somewhere; 2 % of the submissions arrive up to 25 s late, where the gateway waits 15 s. Every third submission goes
through the front for clients of slurmrestd, the others through /v1; each with a key of its own, which is sent again until there is an
answer, after 202, 429, 503, 504 and a lost connection.
"""
import asyncio, collections, http.client, json, multiprocessing as mp, os, random, re, subprocess, sys, threading, time

S = json.load(open(sys.argv[1]))
CUT, DELAY = 0.05, 0.02
DELAYS = (12, 25)
# For one submission, from its first try to its answer.
PATIENCE = 900
# One in so many submissions goes through the front, in this version of slurmrestd's, whichever the daemon behind serves.
FRONT_SHARE, FRONT = 3, "/slurm/v0.0.42/job/submit"


# --- the proxy: a process of its own, so that clients and proxy do not share one interpreter

async def read_message(reader):
    """One HTTP message with a stated length: its head, and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head, await reader.readexactly(length)


async def ask(request):
    """The daemon's answer over a connection of its own."""
    reader, writer = await asyncio.open_unix_connection(S["upstream"], limit=1 << 20)
    try:
        writer.write(request)
        await writer.drain()
        head, body = await read_message(reader)
        status, rest = head.split(b"\r\n", 1)
        lines = [l for l in rest.split(b"\r\n") if not l.lower().startswith(b"connection:")]
        return status + b"\r\nConnection: close\r\n" + b"\r\n".join(lines) + body
    finally:
        writer.close()


def kind(head):
    """What a request asks for, without numbers, names and versions: `GET slurm/job/ID`, `POST slurm/job/submit`."""
    method, path = head.split(b" ", 2)[:2]
    path = re.sub(r"^/(slurm|slurmdb)/v[0-9.]+/", r"\1/", path.decode().partition("?")[0]).rstrip("/")
    return method.decode() + " " + re.sub(r"/job/\d+.*", "/job/ID", path)


def run_proxy(told, ready):
    """Tells every cut and every late request as ("cut" or "late", kind)."""
    dice = random.Random(S["seed"])
    late = set()

    async def serve(reader, writer):
        try:
            head, body = await read_message(reader)
            request = head + body
            asked = kind(head)
            if asked.startswith("POST ") and dice.random() < DELAY:
                told.send(("late", asked))
                # Arrives whether its sender is still there or not.
                await asyncio.sleep(dice.uniform(*DELAYS))
            work = asyncio.ensure_future(ask(request))
            late.add(work)
            work.add_done_callback(late.discard)
            answer = await asyncio.shield(work)
            if dice.random() < CUT:
                told.send(("cut", asked))
                answer = answer[:dice.randrange(len(answer))]
            writer.write(answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_unix_server(serve, S["proxy"], limit=1 << 20)
        os.chmod(S["proxy"], 0o666)
        ready.set()
        async with server:
            await server.serve_forever()

    asyncio.run(main())


class Tally:
    """What the proxy tells, counted as it comes, so that the proxy never waits."""

    def __init__(self, told):
        self.told, self.counts = told, collections.Counter()
        self.thread = threading.Thread(target=self.count, daemon=True)
        self.thread.start()

    def count(self):
        try:
            while True:
                self.counts[self.told.recv()] += 1
        except (EOFError, OSError):
            pass  # the proxy has ended

    def of(self, what):
        """How many of each kind."""
        return {asked: number for (told, asked), number in sorted(dict(self.counts).items()) if told == what}


# --- the gateway

def stack(verb):
    done = subprocess.run([S["root"] + "/scripts/stack", verb, S["state"]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise SystemExit(f"bench-exactly-once: {verb}: {done.stdout.decode()}")


class Progress:
    def __init__(self):
        self.lock = threading.Lock()
        self.next = 0
        self.answers = {}       # number -> set of job ids
        self.resolved = []      # seconds from the first open answer to the id
        self.problems = []

    def take(self):
        with self.lock:
            if self.next == S["submissions"]:
                return None
            self.next += 1
            return self.next - 1

    def done(self):
        with self.lock:
            return len(self.answers)


def name(number):
    return f"once-{os.path.basename(S['state'])}-{number}"


def through_front(number):
    """A key belongs to one door: whoever asks again has to ask there."""
    return number % FRONT_SHARE == FRONT_SHARE - 1


def request(number):
    """Path and body."""
    script = "#!/bin/bash\ntrue\n"
    if not through_front(number):
        return f"/v1/clusters/{S['cluster']}/jobs", {"job_name": name(number), "script": script, "hold": True, "time": "5"}
    return FRONT, {"script": script, "job": {
        "name": name(number), "hold": True, "partition": "debug", "current_working_directory": "/tmp",
        "environment": ["PATH=/bin:/usr/bin"], "time_limit": {"set": True, "infinite": False, "number": 5}}}


class Caller:
    """Asks with one key, as often as needed. Never with another."""

    def __init__(self, token):
        self.token, self.link = token, None

    def ask(self, number):
        """Status and body; 0 where nobody answered."""
        path, body = request(number)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", "Idempotency-Key": f"key-{name(number)}"}
        try:
            self.link = self.link or http.client.HTTPConnection("127.0.0.1", S["port"], timeout=60)
            self.link.request("POST", path, json.dumps(body), headers)
            answer = self.link.getresponse()
            return answer.status, answer.read(), answer.getheader("Retry-After")
        except (OSError, http.client.HTTPException):
            if self.link:
                self.link.close()
            self.link = None
            return 0, b"", None

    def submit(self, number, progress):
        began, opened = time.monotonic(), None
        while time.monotonic() - began < PATIENCE:
            status, body, after = self.ask(number)
            if status == (200 if through_front(number) else 201):
                job = json.loads(body)["job_id" if through_front(number) else "job"]
                with progress.lock:
                    progress.answers.setdefault(number, set()).add(job)
                    if opened is not None:
                        progress.resolved.append(time.monotonic() - opened)
                return
            opened = opened or time.monotonic()
            if status in (0, 202, 429, 503, 504):
                time.sleep(0.5 if status == 0 else min(float(after or 1), 5))
                continue
            with progress.lock:
                progress.problems.append(f"{number}: status {status}: {body[:300]!r}")
            return


def jobs_in_slurm():
    """Names of all our jobs that slurmctld knows, with their ids."""
    out = subprocess.run([S["root"] + "/scripts/stack", "exec", S["state"], S["cluster"], "master", "squeue", "-a", "-h", "-t", "all",
                          "-u", S["user"], "-o", "%A %j"], check=True, stdout=subprocess.PIPE).stdout.decode()
    found = {}
    for line in out.splitlines():
        job, _, title = line.partition(" ")
        if title.startswith(f"once-{os.path.basename(S['state'])}-"):
            found.setdefault(int(title.rsplit("-", 1)[1]), set()).add(int(job))
    return found


def main():
    token = os.popen(S["session_command"]).read().strip()
    (hears, told), ready = mp.Pipe(duplex=False), mp.Event()
    proxy = mp.Process(target=run_proxy, args=(told, ready), daemon=True)
    proxy.start()
    told.close()
    if not ready.wait(30):
        raise SystemExit("bench-exactly-once: the proxy did not start")
    tally = Tally(hears)
    stack("kill-serve")
    stack("start-serve")

    progress, kills = Progress(), 0

    def work():
        caller = Caller(token)
        while (number := progress.take()) is not None:
            caller.submit(number, progress)

    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(S["clients"])]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.05)
        if kills < S["kills"] and progress.done() >= (kills + 1) * S["submissions"] // (S["kills"] + 1):
            stack("kill-serve")
            kills += 1
            stack("start-serve")
            print(f"    {progress.done()} answered, killed {kills} times, {sum(tally.of('cut').values())} answers cut,"
                  f" {sum(tally.of('late').values())} requests late", flush=True)
    seconds = time.monotonic() - began

    # Requests that are still on their way arrive with tokens that are dead.
    time.sleep(max(DELAYS))
    # The same key once more names the same job.
    caller = Caller(token)
    for number in range(S["submissions"]):
        caller.submit(number, progress)
    found = jobs_in_slurm()
    proxy.terminate()
    tally.thread.join(10)
    cuts, by_method = tally.of("cut"), collections.Counter()
    for asked, number in cuts.items():
        by_method[asked.split(" ")[0]] += number

    jobs = sum(len(ids) for ids in found.values())
    duplicates = sum(len(ids) - 1 for ids in found.values() if len(ids) > 1) + sum(len(ids) - 1 for ids in progress.answers.values())
    lost = sum(1 for number in range(S["submissions"]) if not found.get(number) or not progress.answers.get(number, set()) <= found[number]
               or number not in progress.answers)
    for problem in progress.problems[:10]:
        print(f"    {problem}")
    resolved = sorted(progress.resolved)
    quantile = lambda share: round(resolved[min(len(resolved) - 1, int(len(resolved) * share))], 1) if resolved else 0.0
    print(f"    {S['submissions']} submissions by {S['clients']} clients in {seconds:.0f} s; {len(resolved)} of them open for a while:"
          f" median {quantile(0.5)} s, p99 {quantile(0.99)} s")
    print("    answers cut: " + ", ".join(f"{number} to {asked}" for asked, number in cuts.items()))
    print(json.dumps({
        "submitted": S["submissions"], "jobs": jobs, "duplicates": duplicates, "lost": lost, "kills": kills,
        "cuts": sum(cuts.values()), "cuts_by_method": dict(by_method), "delayed": sum(tally.of("late").values()),
        "through_front": sum(1 for number in progress.answers if through_front(number)), "resolve_p99_s": quantile(0.99),
    }))
    if jobs != S["submissions"] or duplicates or lost or kills != S["kills"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
