#!/usr/bin/env python3
"""Loads `hearth serve` with many streams at once and says what it costs.

  serve_load.py --hearth build/release/bin/hearth --model FILE [--idle 1000] [--active 64] [--seconds 30] [--json OUT]

Two phases against one server on two cores:
 1. `idle` connections stream one short answer each and stay open. The server's resident memory before and after gives
    the memory of an idle connection.
 2. `active` clients stream answers one after the other for `seconds`, beside the idle ones. Reported are requests,
    errors, tokens a second, and the time to first token (request sent to first piece of text): median and p99. Then
    the server gets SIGTERM in the middle of the streams: each must end with a whole answer or a clean error.

The clients share the machine with the server, so that the rates are what is left to it. Memory is read from
/proc/PID/status (VmRSS) of the daemon; the engine's process is told apart.
"""
import argparse
import asyncio
import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

PROMPTS = ["Once upon a time there was a miller", "The fox said to the wolf,", "In the deep forest",
           "A king had three daughters", "The little tailor sat"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def resident_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


class Client:
    """One connection that speaks just enough HTTP/1.1: requests with a body, chunked answers."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def generate(self, prompt, tokens, seed):
        """(seconds to the first piece, tokens, whether it ended well, what went wrong)."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = json.dumps({"model": "bench", "prompt": prompt, "options": {"num_predict": tokens, "seed": seed}})
        begin = time.monotonic()
        self.writer.write(f"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}"
                          .encode())
        await self.writer.drain()
        head = await self.reader.readuntil(b"\r\n\r\n")
        status = int(head.split()[1])
        first, count, last = None, 0, {}
        async for line in self.lines(head):
            if first is None:
                first = time.monotonic() - begin
            last = json.loads(line)
            count += 1
        if status != 200 or "error" in last or not last.get("done"):
            return first, count, False, f"{status} {last.get('error', 'no end')}"
        return first, last.get("eval_count", 0), True, ""

    async def lines(self, head):
        rest = b""
        async for piece in self.pieces(head.lower()):
            rest += piece
            *whole, rest = rest.split(b"\n")
            for line in whole:
                if line.strip():
                    yield line
        if rest.strip():
            yield rest

    async def pieces(self, head):
        if b"transfer-encoding: chunked" in head:
            while size := int((await self.reader.readuntil(b"\r\n")).strip(), 16):
                yield await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
            return
        for field in head.split(b"\r\n"):
            if field.startswith(b"content-length:"):
                yield await self.reader.readexactly(int(field.split(b":")[1]))

    def close(self):
        if self.writer:
            self.writer.close()


async def open_idle(port, count, errors):
    clients = [Client(port) for _ in range(count)]
    gate = asyncio.Semaphore(32)

    async def one(index, client):
        async with gate:
            try:
                _, _, is_well, why = await client.generate(PROMPTS[index % len(PROMPTS)], 2, index)
                if not is_well:
                    errors.append(f"idle: {why}")
            except (OSError, asyncio.IncompleteReadError) as error:
                errors.append(f"idle: {error!r}")

    await asyncio.gather(*(one(i, client) for i, client in enumerate(clients)))
    return clients


async def run_active(port, count, tokens, end, results, is_ending):
    async def one(index):
        client = Client(port)
        round_ = 0
        while time.monotonic() < end and not is_ending():
            try:
                results.append(await client.generate(PROMPTS[index % len(PROMPTS)], tokens, index * 1000 + round_))
            except (OSError, asyncio.IncompleteReadError) as error:
                results.append((None, 0, False, repr(error)))
                return
            round_ += 1
        client.close()

    await asyncio.gather(*(one(i) for i in range(count)))


async def measure(arguments, server, port):
    errors = []
    warm = Client(port)
    await warm.generate(PROMPTS[0], 2, 1)
    before = resident_bytes(server.pid)
    idle = await open_idle(port, arguments.idle, errors)
    await asyncio.sleep(1)
    after = resident_bytes(server.pid)

    results = []
    begin = time.monotonic()
    await run_active(port, arguments.active, arguments.tokens, begin + arguments.seconds, results, lambda: False)
    elapsed = time.monotonic() - begin
    errors += [why for _, _, is_well, why in results if not is_well]

    # In the middle of the streams it is told to end: nothing may be cut off without a word.
    ending, is_ending = [], False
    streams = asyncio.create_task(run_active(port, arguments.active, arguments.tokens, time.monotonic() + 60, ending,
                                             lambda: is_ending))
    await asyncio.sleep(2)
    server.send_signal(signal.SIGTERM)
    is_ending = True
    await streams
    for client in idle:
        client.close()
    cut_off = [why for _, _, is_well, why in ending if not is_well and not why.startswith("503")]

    first = sorted(seconds for seconds, _, is_well, _ in results if is_well)
    return {
        "bench": "serve_load",
        "idle_connections": arguments.idle,
        "active_streams": arguments.active,
        "tokens_per_answer": arguments.tokens,
        "seconds": round(elapsed, 2),
        "requests": len(results),
        "errors": len(errors),
        "first_errors": errors[:3],
        "tokens_per_s": round(sum(count for _, count, _, _ in results) / elapsed, 1),
        "time_to_first_token_s_median": round(statistics.median(first), 3) if first else None,
        "time_to_first_token_s_p99": round(first[int(0.99 * (len(first) - 1))], 3) if first else None,
        "daemon_resident_bytes_before": before,
        "bytes_per_idle_connection": round((after - before) / max(1, arguments.idle)),
        "cut_off_on_sigterm": len(cut_off),
        "first_cut_off": cut_off[:3],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearth", required=True)
    parser.add_argument("--model", required=True, help="a GGUF file")
    parser.add_argument("--idle", type=int, default=1000)
    parser.add_argument("--active", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--parallel", type=int, default=16, help="answers of the model at once")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", help="append the result to this file")
    arguments = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, arguments.idle * 2 + 1000)), hard))

    with tempfile.TemporaryDirectory(prefix="hearth_serve_load_") as name:
        folder = pathlib.Path(name)
        port = free_port()
        environment = dict(os.environ, HEARTH_HOME=str(folder / "home"), HEARTH_HOST=f"127.0.0.1:{port}")
        (folder / "Modelfile").write_text(f"FROM {pathlib.Path(arguments.model).resolve()}\n")
        subprocess.run([arguments.hearth, "create", "bench", "--file", folder / "Modelfile"], env=environment,
                       check=True)
        with open(folder / "log", "w") as log:
            server = subprocess.Popen([arguments.hearth, "serve", "--parallel", str(arguments.parallel),
                                       "--queue-max", str(arguments.idle + arguments.active)],
                                      env=environment, stdout=log, stderr=log)
            while server.poll() is None:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                    break
                except OSError:
                    time.sleep(0.05)
            try:
                result = asyncio.run(measure(arguments, server, port))
                result["exit_status"] = server.wait(timeout=60)
            finally:
                server.kill()
    print(json.dumps(result, indent=2))
    if arguments.json:
        with open(arguments.json, "a") as out:
            out.write(json.dumps(result) + "\n")
    return 1 if result["errors"] or result["cut_off_on_sigterm"] or result["exit_status"] else 0


if __name__ == "__main__":
    sys.exit(main())
