#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Stands before slurmrestd's socket and counts what passes: counting-proxy.py LISTEN BEHIND COUNTS

COUNTS gets one JSON object, written anew every 200 ms: requests by what they ask for, and bytes of answers."""
import asyncio, collections, json, os, re, sys

listen, behind, counts = sys.argv[1:4]
calls, sent = collections.Counter(), 0
LINE = re.compile(rb"^(GET|POST|DELETE) (\S+) HTTP/1\.1\r\n", re.M)


def kind(path):
    path = re.sub(r"^/(slurm|slurmdb)/v[0-9.]+/", r"\1/", path.split("?")[0]).rstrip("/")
    return re.sub(r"/job/\d+.*", "/job/ID", path)


async def pump(reader, writer, look):
    try:
        while piece := await reader.read(1 << 18):
            look(piece)
            writer.write(piece)
            await writer.drain()
    except (ConnectionError, OSError):
        pass
    finally:
        try:
            writer.write_eof()
        except (OSError, RuntimeError):
            pass


def asked(piece):
    for match in LINE.finditer(piece):
        calls[f"{match[1].decode()} {kind(match[2].decode())}"] += 1


def answered(piece):
    global sent
    sent += len(piece)


async def serve(reader, writer):
    try:
        back_reader, back_writer = await asyncio.open_unix_connection(behind, limit=1 << 20)
    except OSError:
        writer.close()
        return
    await asyncio.gather(pump(reader, back_writer, asked), pump(back_reader, writer, answered))
    for one in (writer, back_writer):
        one.close()


async def main():
    server = await asyncio.start_unix_server(serve, listen, limit=1 << 20)
    async with server:
        while True:
            with open(counts + ".new", "w") as file:
                json.dump({"calls": dict(calls), "total": sum(calls.values()), "bytes": sent}, file)
            os.replace(counts + ".new", counts)
            await asyncio.sleep(0.2)


asyncio.run(main())
