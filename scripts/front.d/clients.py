# SPDX-License-Identifier: Apache-2.0
"""Clients of slurmrestd as they are published, behind the few calls that drive.py makes."""
import asyncio
import importlib
import inspect
import json

PACKAGES = {"aind": "aind_slurm_rest_v2", "slurmrestapi": "slurmrestapi"}


class Refused(Exception):
    """An answer other than 2xx: its status, and the number of the first of errors[]."""

    def __init__(self, status, number=None):
        super().__init__(f"{status} {number}")
        self.status = status
        self.number = number


def words(state):
    return [str(getattr(word, "value", word)) for word in (state if isinstance(state, list) else [state])]


class Generated:
    """A client that OpenAPI Generator made of slurmrestd's own document."""

    def __init__(self, kind, version, url, **configuration):
        """Further arguments are the client's own Configuration's: access_token, or api_key with user and token."""
        self.version = version
        self.number = version.replace("v", "").replace(".", "")  # v0.0.41: 0041
        self.api = importlib.import_module(PACKAGES[kind])
        self.configuration = self.api.Configuration(host=url, **configuration)
        client = self.api.ApiClient(self.configuration)
        self.services = {"slurm": self.api.SlurmApi(client), "slurmdb": self.api.SlurmdbApi(client)}

    def has(self, name, service="slurm"):
        return hasattr(self.services[service], f"{service}_v{self.number}_{name}")

    def call(self, name, /, *arguments, service="slurm", **named):
        """One of the methods: get_job of slurm is slurm_v0042_get_job. What it answers went through its models."""
        method = getattr(self.services[service], f"{service}_v{self.number}_{name}")
        try:
            return method(*arguments, **named)
        except self.api.ApiException as problem:
            raise Refused(problem.status, json.loads(problem.body)["errors"][0]["error_number"]) from problem

    def db(self, name, /, *arguments, **named):
        return self.call(name, *arguments, service="slurmdb", **named)

    def queries(self):
        """Every method that reads, with the parameters of its query."""
        for service, api in self.services.items():
            start = f"{service}_v{self.number}_"
            for full in dir(api):
                if not full.startswith(f"{start}get_") or full.endswith(("_with_http_info", "_without_preload_content")):
                    continue
                found = inspect.signature(getattr(api, full)).parameters.values()
                found = [parameter for parameter in found if not parameter.name.startswith("_")]
                path = [parameter.name for parameter in found if parameter.default is parameter.empty]
                for parameter in found:
                    if parameter.name not in path:
                        yield service, full.removeprefix(start), path, parameter.name

    def submit(self, job, script):
        return self.call("post_job_submit", {"script": script, "job": job}).job_id

    def job(self, number):
        return self.call("get_job", str(number)).jobs[0]

    def states(self, number):
        return set(words(self.job(number).job_state))

    def jobs_state(self):
        """As it came: the published document promises other members than slurmrestd answers, and no client can read it."""
        answer = self.call("get_jobs_state_without_preload_content")
        assert answer.status == 200, answer.status
        return {job["job_id"]: set(job["state"]) for job in json.loads(answer.data)["jobs"]}


class SlurmRequests:
    """slurm-requests, written by hand: sends a JSON body with every GET, and the script inside the job."""

    def __init__(self, version, url, user, token):
        self.api = importlib.import_module("slurm_requests")
        self.methods = importlib.import_module("rest_requests").RequestMethod
        self.problem = importlib.import_module("aiohttp").ClientResponseError
        self.api.init_defaults(url=url, api_version=version, user_name=user, user_token=token, partition="debug")

    def call(self, name, /, *arguments, **named):
        """One of its functions."""
        try:
            return asyncio.run(getattr(self.api, name)(*arguments, **named))
        except self.problem as problem:
            raise Refused(problem.status) from problem

    def raw(self, method, endpoint, midpoint="slurm"):
        """Paths that it has no function for."""
        return self.call("request", self.methods[method], midpoint=midpoint, endpoint=endpoint)
