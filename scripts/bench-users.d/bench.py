#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures how long ours, Ansible and the floor take to make users on a whole cluster; compares where each led.

Called by scripts/bench-users, which gives --state and --image. Seconds are of a wall clock, medians over the runs.
"""
import argparse, json, os, pathlib, re, signal, statistics, subprocess, sys
from dataclasses import dataclass, field

import end_state
from nodes import Cluster
from sides import SIDES, Ansible, Ours, Task, TooLong, prepare


@dataclass
class Case:
    key: str  # suffix of its keys in the JSON
    title: str
    nodes: int
    users: int
    brought: bool = True  # the users bring their keys; RSA keys are made for them otherwise
    again: bool = False  # the same again, unchanged


@dataclass
class Figures:
    """What one side took in one case, fresh or again."""
    seconds: list = field(default_factory=list)
    connections: list = field(default_factory=list)  # most on one node
    over: float = 0  # stopped after as many seconds

    @property
    def median(self):
        return statistics.median(self.seconds) if self.seconds else None


CASES = [
    Case("", "30 users, 10 nodes", 10, 30, again=True),
    Case("_rsa", "30 users, 10 nodes, RSA keys made", 10, 30, brought=False),
    Case("_1000_users", "1,000 users, 3 nodes", 3, 1000),
    Case("_50_nodes", "30 users, 50 nodes", 50, 30),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def options():
    parser = argparse.ArgumentParser(
        prog="bench-users", description="Users on whole clusters: ours, Ansible, the floor.")
    parser.add_argument("--state", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--image", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="30 users on 10 nodes, fresh and again, once")
    parser.add_argument("--case", action="append", choices=[case.key.strip("_") or "main" for case in CASES],
                        help="only this case (several times: these)")
    parser.add_argument("--size", metavar="NODESxUSERS",
                        help="instead of the cases: fresh and again on a cluster of this size")
    parser.add_argument("--rsa", action="store_true", help="with --size: RSA keys are made, and there is no again")
    parser.add_argument("--sides", default="ours,ansible,floor", help="which to run (ours,ansible,floor)")
    parser.add_argument("--runs", type=int, default=3, help="the median is over as many runs (3)")
    parser.add_argument("--ansible-limit", type=float, default=600, metavar="SECONDS",
                        help="Ansible is stopped then, and not run again in that case (600)")
    given = parser.parse_args()
    cases = CASES
    if given.quick:
        cases, given.runs = CASES[:1], 1
    if given.case:
        cases = [case for case in CASES if (case.key.strip("_") or "main") in given.case]
    if given.size:
        match = re.fullmatch(r"([1-9]\d{0,2})x([1-9]\d{0,3})", given.size)
        if not match or not 1 < int(match[1]) < 200:
            parser.error(f"--size {given.size}: give nodes (2 to 199) and users (1 to 9999) as in 3x5")
        nodes, users = map(int, match.groups())
        cases = [Case("", f"{users:,} users, {nodes} nodes", nodes, users, not given.rsa, not given.rsa)]
    elif given.rsa:
        parser.error("--rsa goes with --size; --case rsa is the case with RSA keys")
    names = given.sides.split(",")
    if set(names) - {side.name for side in SIDES} or len(set(names)) != len(names):
        parser.error(f"--sides {given.sides}: each of ours, ansible, floor once at most")
    if given.runs < 1 or given.ansible_limit <= 0:
        parser.error("--runs and --ansible-limit are above 0")
    return given, cases, [side for side in SIDES if side.name in names]


def make_keys(folder, count):
    """The key pairs whose public halves users bring, before anything is timed."""
    folder.mkdir(mode=0o700, parents=True)
    for number in range(1, count + 1):
        key = folder / f"user{number:03}"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
    return folder


def measure(side, case, given, figures, brought):
    """One run on a new cluster, and one again; returns where each led."""
    texts = {}
    task = Task(case.users, brought if case.brought else None)
    with Cluster(given.state / "run" / "cluster", given.image, case.nodes) as cluster:
        prepare(cluster, task)
        log = given.state / f"{side.name}.log"
        log.unlink(missing_ok=True)
        runner = side(cluster, task, log)
        try:
            for phase in ("fresh", "unchanged") if case.again else ("fresh",):
                before = cluster.sign_ins()
                try:
                    seconds = runner.apply(given.ansible_limit)
                except TooLong:
                    figures[side.name, phase].over = given.ansible_limit
                    say(f"    {side.name} {phase}: stopped after {given.ansible_limit:.0f} s")
                    break
                after = cluster.sign_ins()
                most = max(after[name] - before[name] for name in after)
                figures[side.name, phase].seconds.append(seconds)
                figures[side.name, phase].connections.append(most)
                texts[phase] = end_state.observe(side.name, cluster, task)
                say(f"    {side.name} {phase}: {seconds:.2f} s, {most} connections to a node, "
                    f"{len(texts[phase])} lines checked")
                if isinstance(runner, Ansible):
                    shares = [f"{name} {share:.1f} s" for name, share in runner.shares() if share >= 0.5]
                    say("        " + "; ".join(shares))
        finally:
            runner.close()
    return texts


def run_case(case, given, sides, brought):
    figures = {(side.name, phase): Figures() for side in sides for phase in ("fresh", "unchanged")}
    for number in range(given.runs):
        say(f">>> {case.title}: run {number + 1} of {given.runs}, load average {os.getloadavg()[0]:.1f}")
        ends = {}
        # Each has its turn to be first.
        first = number % len(sides)
        for side in sides[first:] + sides[:first]:
            # Where one run takes that long, two more tell nothing new.
            if not any(figures[side.name, phase].over for phase in ("fresh", "unchanged")):
                for phase, text in measure(side, case, given, figures, brought).items():
                    ends[f"{side.name} {phase}"] = text
        if ends:
            end_state.compare(ends)
    return figures


def rows_of(case, figures, sides):
    for phase in ("fresh", "unchanged") if case.again else ("fresh",):
        title, key = (", again", "_unchanged") if phase == "unchanged" else ("", "")
        yield case.title + title, case.key + key, {side.name: figures[side.name, phase] for side in sides}


def ratio(numerator, denominator):
    return round(numerator / denominator, 3) if numerator and denominator else None


def table(rows):
    print(f"{'':<42} {'ours':>10} {'Ansible':>10} {'floor':>10} {'Ansible/ours':>13} {'ours/floor':>11}"
          "   connections to a node")
    for title, _, sides in rows:
        cells = []
        for name in ("ours", "ansible", "floor"):
            one = sides.get(name)
            cells.append("-" if one is None else f"{one.median:.2f} s" if one.seconds
                         else f"> {one.over:.0f} s" if one.over else "-")
        median = {name: one.median for name, one in sides.items()}
        faster = ratio(median.get("ansible"), median.get("ours"))
        slower = ratio(median.get("ours"), median.get("floor"))
        if not faster and median.get("ours") and "ansible" in sides and sides["ansible"].over:
            faster = f"> {sides['ansible'].over / median['ours']:.1f}"
        counts = " ".join(f"{name} {max(one.connections)}" for name, one in sides.items() if one.connections)
        print(f"{title:<42} {cells[0]:>10} {cells[1]:>10} {cells[2]:>10} {faster or '-':>13} {slower or '-':>11}"
              f"   {counts}")


def results(rows):
    """One object; a key without a suffix is of 30 users on 10 nodes, fresh."""
    found = {}
    for _, key, sides in rows:
        median = {name: one.median for name, one in sides.items()}
        for name, prefix in (("ours", ""), ("ansible", "ansible_"), ("floor", "floor_")):
            if name in sides:
                found[f"{prefix}seconds{key}"] = median[name] and round(median[name], 3)
        if "ansible" in sides and sides["ansible"].over:
            found[f"ansible_stopped_after{key}"] = sides["ansible"].over
        found[f"ratio_ansible{key}"] = ratio(median.get("ansible"), median.get("ours"))
        found[f"ratio_floor{key}"] = ratio(median.get("ours"), median.get("floor"))
        for name, prefix in (("ours", ""), ("ansible", "ansible_"), ("floor", "floor_")):
            if name in sides and sides[name].connections:
                found[f"{prefix}connections_per_node{key}"] = max(sides[name].connections)
    return found


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    given, cases, sides = options()
    if Ours in sides:
        Ours.program = os.path.join(os.environ["SALLYPORT_BUILD"], "sally-cluster")
        if not os.access(Ours.program, os.X_OK):
            sys.exit(f"bench-users: no {Ours.program}: run `make release`, or set SALLYPORT_BUILD")
    python = given.state / "ansible"
    Ansible.environment = python
    if Ansible in sides:
        command = [python / "bin" / "ansible-playbook", "--version"]
        told = subprocess.run(command, capture_output=True, text=True, check=True)
        versions = [told.stdout.splitlines()[0], *Ansible.collections()]
        say(f"peer: {', '.join(versions)}; nodes: {given.image}")
    most = max((case.users for case in cases if case.brought), default=0)
    brought = make_keys(given.state / "run" / "brought", most) if most else None
    rows = []
    for case in cases:
        rows += rows_of(case, run_case(case, given, sides, brought), sides)
    table(rows)
    print(json.dumps(results(rows)))


main()
