#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many bad tokens a second `sallyd serve` refuses, class by class, over kept-alive connections (wrk).

Usage: bench-reject.py STATE PORT
"""
import base64, json, os, re, subprocess, sys, tempfile, time
import jwt

state, port = sys.argv[1], sys.argv[2]
sally = f"{state}/bin/sally"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


good = run(sally, "token", "--context", "alice")
header, payload, signature = good.split(".")
claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
head = json.loads(base64.urlsafe_b64decode(header + "=="))
key = open(f"{state}/serve/session.pem").read()
expired = dict(claims, iat=int(time.time()) - 7200, exp=int(time.time()) - 3600)
revoked = run(sally, "token", "--context", "bob")
run(sally, "logout", "--context", "bob")
flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
classes = {
    "malformed": "not.a-token",
    "unknown kid": f"{b64(json.dumps(dict(head, kid='nobody-knows')).encode())}.{payload}.{signature}",
    "bad signature": f"{header}.{payload}.{flipped}",
    "expired": jwt.encode(expired, key, algorithm="ES256", headers=head),
    "revoked": revoked,
}
rates = {}
for name, token in classes.items():
    # The token goes through a file that only we can read, not over the command line.
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f'wrk.headers["Authorization"] = "Bearer {token}"\n')
        script.flush()
        text = run("wrk", "-t1", "-c16", "-d8s", "-s", script.name, f"http://127.0.0.1:{port}/v1/me")
    total = int(re.search(r"(\d+) requests in", text).group(1))
    refused = int((re.search(r"Non-2xx or 3xx responses: (\d+)", text) or [0, "0"])[1])
    if total == 0 or refused != total:
        raise SystemExit(f"bench-reject: {name}: {refused} of {total} refused\n{text}")
    rates[name] = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))

print(f"{'class':<16} {'refused/s':>12}")
for name, rate in rates.items():
    print(f"{name:<16} {rate:>12.0f}")
print(json.dumps({"malformed_per_s": round(rates["malformed"]), "slowest_per_s": round(min(rates.values()))}))
