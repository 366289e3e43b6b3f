# SPDX-License-Identifier: Apache-2.0
"""Drives a client of slurmrestd, as it is published, through a gateway: every path of the front that it knows.

    drive.py tour CLIENT URL USER CLUSTER RESERVATION VERSION... < TOKEN
        CLIENT is aind, slurmrestapi or slurm-requests. RESERVATION is one that is open to USER, where RESERVATION-others
        is not.
    drive.py expiry VERSION URL CLUSTER COMMAND...
        One client lives from before the end of its first token until after it; COMMAND prints the token of the moment.

Prints one JSON object for each version with what it saw. Anything that is not as it should be ends it with a status other
than 0.
"""
import json
import os
import subprocess
import sys
import time
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clients import Generated, Refused, SlurmRequests, words  # noqa: E402

SCRIPT = "#!/bin/sh\nsleep 600\n"
MISSING = 4_000_000
ENDED = {"CANCELLED", "COMPLETING", "COMPLETED", "FAILED"}


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


def refused(status, number, ask, *arguments, **named):
    """Makes sure of the status and of Slurm's number."""
    try:
        ask(*arguments, **named)
    except Refused as refusal:
        assert refusal.status == status and refusal.number in (number, None), f"{arguments}: {refusal}"
        return
    raise SystemExit(f"was not refused with {status}: {arguments} {named}")


def description(**fields):
    return {
        "name": f"front-{uuid.uuid4().hex[:8]}",
        "partition": "debug",
        "current_working_directory": "/tmp",
        "environment": ["PATH=/bin:/usr/bin"],
        "time_limit": {"set": True, "infinite": False, "number": 5},
        "tasks": 1,
        **fields,
    }


def generated_client(kind, version, url, user, token):
    """aind sends slurmrestd's own two headers, slurmrestapi a bearer token."""
    if kind == "aind":
        return Generated(kind, version, url, api_key={"user": user, "token": token})
    return Generated(kind, version, url, access_token=token)


def jobs_of_ones_own(api):
    """Submits three jobs, changes one, and ends them in the three ways that there are."""
    job = description(comment="as submitted", hold=True)
    first = api.submit(job, SCRIPT)
    assert isinstance(first, int) and first > 0, first
    listed = until("the job is listed", lambda: {job.job_id: job for job in api.call("get_jobs").jobs}.get(first))
    assert listed.name == job["name"], listed.name
    assert listed.user_name and listed.partition == "debug", listed
    assert until("it has a state", lambda: api.jobs_state().get(str(first))) == {"PENDING"}
    until("all of it is there", lambda: api.job(first).comment == "as submitted")

    changes = {"comment": "changed", "hold": False, "time_limit": {"set": True, "infinite": False, "number": 4}}
    api.call("post_job", str(first), changes)
    until("it has changed", lambda: api.job(first).comment == "changed" and api.job(first).time_limit.number == 4)
    until("it runs, being held no longer", lambda: "RUNNING" in api.states(first))
    api.call("delete_job", str(first), signal="KILL")
    until("it has ended of the signal", lambda: api.states(first) & ENDED)

    second = api.submit(description(), SCRIPT)
    until("the second has a state", lambda: api.states(second) & {"PENDING", "CONFIGURING", "RUNNING"})
    api.call("delete_job", str(second))
    until("it is cancelled", lambda: api.states(second) & ENDED)

    third = api.submit(description(hold=True), SCRIPT)
    failed = api.call("delete_jobs", {"jobs": [str(third), str(MISSING)]}).status
    assert [(entry.step_id, entry.error.code) for entry in failed if entry.error and entry.error.code] == [
        (str(MISSING), 2017)
    ], failed
    until("the third is cancelled", lambda: api.states(third) & ENDED)
    return [first, second, third]


def the_cluster(api, reservation):
    """Partitions, nodes and reservations, all of them and by name."""
    partitions = [partition.name for partition in api.call("get_partitions").partitions]
    assert "debug" in partitions, partitions
    assert [found.name for found in api.call("get_partition", "debug").partitions] == ["debug"]
    nodes = [node.name for node in api.call("get_nodes").nodes]
    assert [node.name for node in api.call("get_node", nodes[0]).nodes] == nodes[:1]
    reservations = [found.name for found in api.call("get_reservations").reservations]
    assert reservation in reservations and f"{reservation}-others" not in reservations, reservations
    assert [found.name for found in api.call("get_reservation", reservation).reservations] == [reservation]
    refused(404, 2053, api.call, "get_reservation", f"{reservation}-others")
    assert api.call("get_diag").statistics.jobs_pending >= 0
    return {"partitions": partitions, "nodes": nodes}


def accounted(api, number):
    """What accounting has of a job: nothing before slurmctld has told it."""
    try:
        return api.db("get_job", str(number)).jobs
    except Refused as refusal:
        assert (refusal.status, refusal.number) == (404, 2017), refusal
        return []


def accounting(api, user, jobs):
    """Own jobs in accounting, and what accounting says of oneself."""

    def finished():
        return {job.job_id: job for job in api.db("get_jobs", users=user).jobs}

    # Slurm lists jobs that could have run in the time that is asked for. The third was held until its end.
    until("accounting has the jobs", lambda: set(jobs[:2]) <= set(finished()))
    held = until("accounting has the one that was held", lambda: accounted(api, jobs[2]))
    assert {job.job_id for job in held} == {jobs[2]}, held
    assert {job.user for job in finished().values()} == {user}, finished()
    cancelled = until(
        "accounting says how it ended",
        lambda: [job for job in accounted(api, jobs[1]) if "CANCELLED" in words(job.state.current)],
    )
    assert [job.job_id for job in cancelled] == [jobs[1]], cancelled
    assert [found.name for found in api.db("get_users").users] == [user]
    assert [found.name for found in api.db("get_user", user).users] == [user]
    associations = api.db("get_associations").associations
    assert {found.user for found in associations} == {user}, associations
    assert {found.user for found in api.db("get_association").associations} == {user}
    accounts = {found.name for found in api.db("get_accounts").accounts}
    assert accounts == {found.account for found in associations}, accounts
    for account in accounts:
        assert [found.name for found in api.db("get_account", account).accounts] == [account]
    qos = [found.name for found in api.db("get_qos").qos]
    for name in qos:
        assert [found.name for found in api.db("get_single_qos", name).qos] == [name]
    return {"accounts": sorted(accounts), "qos": qos}


def refusals(api):
    """What is not there, what is not offered, and what is somebody else's."""
    for name in ["get_job", "delete_job"]:
        refused(404, 2017, api.call, name, str(MISSING))
    refused(404, 2017, api.db, "get_job", str(MISSING))
    refused(404, 2000, api.call, "get_partition", "nosuch")
    refused(404, 2018, api.call, "get_node", "nosuch")
    refused(404, 2053, api.call, "get_reservation", "nosuch")
    refused(404, 9003, api.db, "get_user", "nobody-of-that-name")
    refused(403, 2002, api.db, "get_jobs", users="somebody")
    for name in ["get_licenses", "get_shares", "get_reconfigure", "get_resources"]:
        if api.has(name):
            refused(501, 2036, api.call, name, *(["1"] if name == "get_resources" else []))
    for name in ["get_config", "get_diag", "get_clusters", "get_tres", "get_wckeys", "get_instances"]:
        refused(501, 2036, api.db, name)
    # Who a job belongs to, and where it may run, is not the client's to say.
    refused(501, 2036, api.submit, description(user_id="5002"), SCRIPT)
    refused(403, 2002, api.submit, description(partition="gpu"), SCRIPT)


def every_query(api):
    """Each parameter that the client can send is known: taken, or refused by name, but never a mistake."""
    queries = list(api.queries())
    assert len(queries) > 80, len(queries)
    for service, name, path, parameter in queries:
        try:
            # The client cannot read an answer to jobs/state, but its refusal.
            api.call(name, *("1" for _ in path), service=service, **{parameter: "1"})
        except Refused as refusal:
            assert refusal.status in (403, 404, 501), f"{service} {name} {parameter}: {refusal}"
        except ValueError:
            assert name == "get_jobs_state", f"{service} {name} {parameter}"


def tour_generated(kind, version, url, user, cluster, reservation, token):
    assert generated_client(kind, version, url, user, token).call("get_ping").pings[0].pinged == "UP"
    place = f"{url}/clusters/{cluster}"
    api = generated_client(kind, version, place, user, token)
    assert api.call("get_ping").pings[0].pinged == "UP"
    jobs = jobs_of_ones_own(api)
    seen = {"version": version, "jobs": jobs, **the_cluster(api, reservation), **accounting(api, user, jobs)}
    refusals(api)
    every_query(api)
    for credentials, status, number in [
        ({"api_key": {"user": "somebody", "token": token}}, 403, 2002),
        ({"api_key": {"user": user, "token": f"{token}x"}}, 401, 9008),
        ({"access_token": token, "api_key": {"token": f"{token}x"}}, 401, 9008),
        ({}, 401, 9008),
    ]:
        refused(status, number, Generated(kind, version, place, **credentials).call, "get_jobs")
    both = Generated(kind, version, place, access_token=token, api_key={"user": user, "token": token})
    assert both.call("get_ping").pings[0].pinged == "UP"
    return seen


def old_version(url, user, token):
    """A version that is not offered; aind knows it, with other names for the same."""
    old = Generated("aind", "v0.0.39", url, api_key={"user": user, "token": token})
    for name in ["ping", "get_jobs"]:
        refused(404, 9006, old.call, name)


def tour_slurm_requests(version, url, user, cluster, token):
    assert SlurmRequests(version, url, user, token).call("ping")["pings"][0]["pinged"] == "UP"
    api = SlurmRequests(version, f"{url}/clusters/{cluster}", user, token)
    assert api.call("ping")["pings"][0]["pinged"] == "UP"
    assert api.call("diagnose")["statistics"]["jobs_pending"] >= 0
    job = description()
    number, _ = api.call(
        "job_submit", name=job["name"], working_directory="/tmp", script=SCRIPT, time_limit=5,
        environment=job["environment"],
    )
    until("the job is listed", lambda: number in [found["job_id"] for found in api.raw("GET", "jobs")["jobs"]])
    until("accounting has it", lambda: number in api.call("jobs_list_ids"))
    assert job["name"] in api.call("jobs_list_names")
    assert job["name"] in [name for name, _ in api.call("jobs_list_names_and_current_states")]
    assert api.call("jobs_list_ids", state={api.api.SLURMJobState.TIMEOUT}, name_regex=job["name"]) == []
    api.call("job_cancel", number)
    cancelled = api.api.SLURMJobState.CANCELLED
    until("it is cancelled", lambda: cancelled in (api.call("job_current_state_and_reason", number) or [[]])[0])
    assert api.call("job_status", MISSING) is None
    refused(404, None, api.call, "job_cancel", MISSING)
    refused(501, None, api.raw, "GET", "licenses")
    refused(403, None, SlurmRequests(version, f"{url}/clusters/{cluster}", "somebody", token).call, "ping")
    return {"version": version, "jobs": [number]}


def tour(kind, url, user, cluster, reservation, *versions):
    token = sys.stdin.readline().strip()
    for version in versions:
        if kind == "slurm-requests":
            seen = tour_slurm_requests(version, url, user, cluster, token)
        else:
            seen = tour_generated(kind, version, url, user, cluster, reservation, token)
        print(json.dumps(seen), flush=True)
    if kind == "aind":
        old_version(f"{url}/clusters/{cluster}", user, token)


def expiry(version, url, cluster, *command):
    """The client asks for its token before every request, as OpenAPI Generator's clients let one (refresh_api_key_hook)."""
    tokens = []

    def fresh():
        token = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
        if token not in tokens:
            tokens.append(token)
        return token

    def read_anew(configuration):
        configuration.api_key["token"] = fresh()

    place = f"{url}/clusters/{cluster}"
    api = Generated("slurmrestapi", version, place, api_key={"token": fresh()})
    api.configuration.refresh_api_key_hook = read_anew
    number = api.submit(description(hold=True), SCRIPT)
    until("the job is listed", lambda: number in [job.job_id for job in api.call("get_jobs").jobs])
    # Taken only now: a token that is kept from before the submission may end during it.
    first = fresh()
    kept = Generated("slurmrestapi", version, place, access_token=first)
    kept.call("get_ping")
    asked = 0

    def over():
        nonlocal asked
        assert number in [job.job_id for job in api.call("get_jobs").jobs]
        asked += 1
        try:
            kept.call("get_ping")
        except Refused as refusal:
            assert (refusal.status, refusal.number) == (401, 9008), refusal
            return True
        return False

    until("the first token has ended", over)
    assert api.states(number) == {"PENDING"}
    api.call("delete_job", str(number))
    assert tokens[-1] != first, "no token was made anew"
    print(json.dumps({"asked": asked, "tokens": len(tokens), "job": number}))


if __name__ == "__main__":
    {"tour": tour, "expiry": expiry}[sys.argv[1]](*sys.argv[2:])
