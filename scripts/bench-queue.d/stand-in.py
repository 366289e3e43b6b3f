#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands in for a slurmrestd 24.11 with a queue that no machine here could hold: stand-in.py LISTEN RECORD COUNT USERS

RECORD is the recorded answer to GET /jobs of v0.0.42; its first job is replayed COUNT times, with ids of their own, owned by
the users in USERS in turn. States never change. Everything is made while it is sent."""
import http.server, json, os, socketserver, sys

listen, record, count, users = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
answer = json.load(open(record))
job = answer["jobs"][0]
job["job_state"] = ["PENDING"]
HEAD = {key: value for key, value in answer.items() if key != "jobs"}
HEAD["errors"] = []
TEMPLATE = dict(job, job_id=-1, user_name="@USER@", name="@NAME@", array_job_id={"set": True, "infinite": False, "number": 0},
                array_task_id={"set": False, "infinite": False, "number": 0}, array_task_string="", comment="", user_id=20001)
TEXT = json.dumps(TEMPLATE).replace('"job_id": -1', '"job_id": @ID@')


def whole():
    for number in range(1, count + 1):
        user = users[number % len(users)]
        yield TEXT.replace("@ID@", str(number)).replace("@USER@", user).replace("@NAME@", f"job {number}")


def states():
    for number in range(1, count + 1):
        yield '{"job_id": "%d", "state": ["PENDING"]}' % number


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
        elif path.endswith("/jobs") and "update_time" in self.path:
            self.listing([])
        elif path.endswith("/jobs"):
            self.listing(whole())
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


if os.path.exists(listen):
    os.unlink(listen)
Server(listen, Handler).serve_forever()
