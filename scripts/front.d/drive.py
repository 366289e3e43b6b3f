# SPDX-License-Identifier: Apache-2.0
"""Drives one client of slurmrestd, as it is published, through a gateway: ping, submit, list, get, cancel.

    drive.py CLIENT VERSION URL USER CLUSTER < TOKEN    CLIENT: aind, slurmrestapi or slurm-requests
    drive.py expiry VERSION URL USER CLUSTER COMMAND... asks for a fresh token by COMMAND before every request, until
                                                        the first one has expired

Prints one JSON object with what it saw. Anything that is not as it should be ends it with a status other than 0.
"""
import asyncio
import importlib
import json
import subprocess
import sys
import time
import uuid

SCRIPT = "#!/bin/sh\nsleep 600\n"


def until(what, ask, seconds=240):
    """Asks again until the answer is true."""
    end = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > end:
            raise SystemExit(f"never: {what}")
        time.sleep(0.5)


def words(state):
    return [str(getattr(word, "value", word)) for word in (state if isinstance(state, list) else [state])]


class Generated:
    """A client that OpenAPI Generator made of slurmrestd's own document."""

    def __init__(self, package, version, url, user, token):
        self.number = version.replace("v", "").replace(".", "")  # v0.0.41: 0041
        self.api = importlib.import_module(package)
        self.models = importlib.import_module(f"{package}.models")
        configuration = self.api.Configuration(host=url, access_token=token)
        self.client = self.api.ApiClient(configuration)
        self.slurm = self.api.SlurmApi(self.client)
        self.slurmdb = self.api.SlurmdbApi(self.client)

    def call(self, name, *arguments, api=None, **named):
        return getattr(api or self.slurm, f"slurm_v{self.number}_{name}")(*arguments, **named)

    def ping(self):
        return self.call("get_ping").pings[0].pinged

    def submit(self, name):
        job = {
            "script": SCRIPT,
            "job": {
                "name": name,
                "partition": "debug",
                "current_working_directory": "/tmp",
                "environment": ["PATH=/bin:/usr/bin"],
                "time_limit": {"set": True, "number": 5},
                "tasks": 1,
            },
        }
        # The class is called otherwise in each version; from_dict is what the clients are made for.
        for candidate in (f"V{self.number}JobSubmitReq", f"SlurmV{self.number}PostJobSubmitRequest"):
            if hasattr(self.models, candidate):
                request = getattr(self.models, candidate).from_dict(job)
                break
        return self.call("post_job_submit", request).job_id

    def list(self):
        return {job.job_id: (job.name, words(job.job_state)) for job in self.call("get_jobs").jobs}

    def get(self, number):
        job = self.call("get_job", str(number)).jobs[0]
        return job.name, words(job.job_state)

    def cancel(self, number):
        self.call("delete_job", str(number))

    def more(self):
        """Whatever else the document has, decoded by the client's own models."""
        return {
            "partitions": sorted(part.name for part in self.call("get_partitions").partitions),
            "nodes": sorted(node.name for node in self.call("get_nodes").nodes),
            "associations": sorted(
                entry.account
                for entry in getattr(self.slurmdb, f"slurmdb_v{self.number}_get_associations")().associations
            ),
            "diag": self.call("get_diag").statistics.jobs_pending,
        }

    def refused(self, number):
        """The status of asking for a job that is not there."""
        try:
            self.call("get_job", str(number))
        except self.api.ApiException as problem:
            body = json.loads(problem.body)
            return problem.status, body["errors"][0]["error_number"]
        raise SystemExit("a job that is not there was found")


class SlurmRequests:
    """slurm-requests, written by hand: sends a JSON body with every GET, and the script inside the job."""

    def __init__(self, version, url, user, token):
        self.api = importlib.import_module("slurm_requests")
        self.api.init_defaults(url=url, api_version=version, user_name=user, user_token=token, partition="debug")

    def raw(self, method, endpoint, midpoint="slurm", body=None):
        rest = importlib.import_module("rest_requests")
        return asyncio.run(
            self.api.request(rest.RequestMethod[method], midpoint=midpoint, endpoint=endpoint, body=body or {})
        )

    def ping(self):
        return asyncio.run(self.api.ping())["pings"][0]["pinged"]

    def submit(self, name):
        number, _ = asyncio.run(
            self.api.job_submit(
                name=name, working_directory="/tmp", script=SCRIPT, time_limit=5, environment=["PATH=/bin:/usr/bin"]
            )
        )
        return number

    def list(self):
        jobs = self.raw("GET", "jobs")["jobs"]
        return {job["job_id"]: (job["name"], job["job_state"]) for job in jobs}

    def get(self, number):
        job = self.raw("GET", f"job/{number}")["jobs"][0]
        return job["name"], job["job_state"]

    def cancel(self, number):
        asyncio.run(self.api.job_cancel(number))

    def more(self):
        asyncio.run(self.api.diagnose())
        return {"accounting": asyncio.run(self.api.jobs_list_ids())}

    def refused(self, number):
        problems = importlib.import_module("aiohttp").ClientResponseError
        try:
            self.raw("GET", f"job/{number}")
        except problems as problem:
            return problem.status, 2017
        raise SystemExit("a job that is not there was found")


def client(kind, version, url, user, token):
    if kind == "slurm-requests":
        return SlurmRequests(version, url, user, token)
    package = {"aind": "aind_slurm_rest_v2", "slurmrestapi": "slurmrestapi"}[kind]
    return Generated(package, version, url, user, token)


def main(kind, version, url, user, cluster):
    """Through the cluster's own path, and the ping also through the default one."""
    token = sys.stdin.readline().strip()
    assert client(kind, version, url, user, token).ping() == "UP"
    driven = client(kind, version, f"{url}/clusters/{cluster}", user, token)
    seen = {"client": kind, "version": version, "ping": driven.ping()}
    assert seen["ping"] == "UP", seen
    name = f"front-{uuid.uuid4().hex[:8]}"
    number = driven.submit(name)
    assert isinstance(number, int) and number > 0, number
    seen["job"] = number
    listed = until("the job is listed", lambda: driven.list().get(number))
    assert listed[0] == name, listed
    until("it has a state", lambda: set(driven.get(number)[1]) & {"PENDING", "CONFIGURING", "RUNNING"})
    assert driven.get(number)[0] == name
    seen["more"] = driven.more()
    driven.cancel(number)
    until("it has ended", lambda: set(driven.get(number)[1]) & {"CANCELLED", "COMPLETING"})
    seen["refused"] = driven.refused(4_000_000)
    assert tuple(seen["refused"]) == (404, 2017), seen
    print(json.dumps(seen))


def expiry(version, url, user, cluster, *command):
    """A client that reads its token anew, over the end of the first."""

    def fresh():
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    first = fresh()
    old = client("slurmrestapi", version, f"{url}/clusters/{cluster}", user, first)
    asked = 0
    tokens = {first}
    problems = importlib.import_module("slurmrestapi").ApiException

    def expired():
        try:
            old.ping()
            return False
        except problems as problem:
            assert problem.status == 401, problem
            return True

    while not expired():
        token = fresh()
        tokens.add(token)
        assert client("slurmrestapi", version, f"{url}/clusters/{cluster}", user, token).ping() == "UP"
        asked += 1
        time.sleep(1)
    # Over it: the same client goes on with the token that there is now.
    token = fresh()
    tokens.add(token)
    driven = client("slurmrestapi", version, f"{url}/clusters/{cluster}", user, token)
    assert driven.ping() == "UP"
    driven.list()
    assert len(tokens) > 1, "no token was made anew"
    print(json.dumps({"asked": asked, "tokens": len(tokens)}))


if __name__ == "__main__":
    if sys.argv[1] == "expiry":
        expiry(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
