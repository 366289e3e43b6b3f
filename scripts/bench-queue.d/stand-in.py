#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for a slurmrestd 24.11 with a queue that no machine here could hold: stand-in.py LISTEN RECORD COUNT USERS

RECORD is the recorded answer to GET /jobs of v0.0.42; its jobs are replayed in turn until there are COUNT, with ids and names of
their own, owned by the users in USERS in turn. Some seconds after each whole list more of them have another state than are read one
by one, so that the next whole list is due. Everything is made while it is sent; how many whole lists were is in LISTEN.lists."""
import http.server, json, os, socketserver, sys, time

listen, record, count, users = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
answer = json.load(open(record))
HEAD = {key: value for key, value in answer.items() if key != "jobs"}
HEAD["errors"] = []


def template(job):
    """A recorded job as text with places for what differs; an array's record has the array's number in two members."""
    array = job["array_job_id"]["number"]
    job = dict(job, job_id="@ID@", user_name="@USER@", name="@NAME@", user_id=20001, job_state="@STATE@")
    job["array_job_id"] = dict(job["array_job_id"], number="@ID@" if array else 0)
    return json.dumps(job).replace('"@ID@"', "@ID@").replace('"@STATE@"', "@STATE@")


RECORDED = [(template(job), json.dumps(job["job_state"])) for job in answer["jobs"]]


# What changes: the states of the first jobs, with each round.
CHANGING = 200
delivered, lists, ended = 0, 0, 0.0


def present():
    return lists if time.monotonic() > ended + 5 else max(0, lists - 1)


def state(number, at):
    return '["%s"]' % ("SUSPENDED", "RUNNING")[at % 2] if number <= CHANGING else RECORDED[number % len(RECORDED)][1]


def job(number, at):
    user = users[number // len(RECORDED) % len(users)]
    text = RECORDED[number % len(RECORDED)][0].replace("@STATE@", state(number, at))
    return text.replace("@ID@", str(number)).replace("@USER@", user).replace("@NAME@", f"job {number}")


def whole():
    global delivered, lists, ended
    at = present()
    for number in range(1, count + 1):
        yield job(number, at)
    delivered, lists, ended = at, lists + 1, time.monotonic()
    with open(listen + ".lists", "w") as file:
        file.write(str(lists))


def states():
    at = present()
    for number in range(1, count + 1):
        yield '{"job_id": "%d", "state": %s}' % (number, state(number, at))


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def listing(self, rows):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        head = json.dumps(HEAD)
        self.wfile.write((head[:-1] + ', "jobs": [').encode())
        part = []
        first = True
        for row in rows:
            part.append(row if first else "," + row)
            first = False
            if len(part) == 200:
                self.wfile.write("".join(part).encode())
                part = []
        self.wfile.write(("".join(part) + "]}").encode())

    def do_GET(self):
        path = self.path.split("?")[0].rstrip("/")
        if not path.startswith("/slurm/v0.0.42/"):
            self.send_error(404)
        elif path.endswith("/jobs/state"):
            self.listing(states())
        elif path.endswith("/jobs") and "update_time" in self.path and lists and present() == delivered:
            self.listing([])
        elif path.endswith("/jobs"):
            self.listing(whole())
        elif "/job/" in path:
            number = path.rsplit("/", 1)[1]
            self.listing([job(int(number), present())] if number.isdigit() and 0 < int(number) <= count else [])
        else:
            body = dict(HEAD, partitions=[], nodes=[], pings=[{"hostname": "stand-in", "pinged": "UP"}])
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def address_string(self):
        return "unix"


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


if os.path.exists(listen):
    os.unlink(listen)
Server(listen, Handler).serve_forever()
