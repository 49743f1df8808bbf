#!/usr/bin/env python3
"""Kills engines with SIGKILL at random moments while requests are under way; the server is one that run_suites.py
started. Every request must end with a result or with an error that its client understands, within BOUND_S, and the
next one must be answered. The moments come from a seed, which is printed.
"""
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time
import urllib.error
import urllib.request

URL = os.environ["HEARTH_URL"]
KILLS = int(os.environ.get("HEARTH_TEST_KILLS", "100"))
CLIENTS = 4
BOUND_S = 5
TIME_S = 420
# An engine that dies while it loads again and again is given longer and longer pauses, as it should be. So that the
# kills come to their end where loading takes long, there is a result after so many at the latest.
KILLS_WITHOUT_RESULT = 3
# Where the machine is busy with other tests, a slow answer is no hang: beyond the bound it is counted and told, beyond
# this it fails.
HANG_S = 30


def engines():
    """Processes `hearth engine`, below any server of this test's own home."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            home = f"HEARTH_HOME={os.environ['HEARTH_HOME']}".encode()
            if words[1:2] == [b"engine"] and home in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def ask(kind):
    """"result" or "error"; raises when the answer is neither."""
    body = {"chat": {"model": "scripted", "messages": [{"role": "user", "content": "count"}], "stream": True},
            "completions": {"model": "scripted", "prompt": "Hi", "stream": True},
            "whole": {"model": "scripted", "prompt": "Hi", "stream": False}}[kind]
    path = {"chat": "/api/chat", "completions": "/v1/completions", "whole": "/api/generate"}[kind]
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=HANG_S) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        if error.code in (500, 503) and '"error"' in text:
            return "error"
        raise AssertionError(f"{path} answered {error.code}: {text[:200]}") from error
    last = [line for line in text.splitlines() if line.strip()][-1]
    if kind == "completions":
        if last == "data: [DONE]":
            return "result"
        if "error" in json.loads(last.removeprefix("data: ")):
            return "error"
    elif "error" in (end := json.loads(last)):
        return "error"
    elif end.get("done"):
        return "result"
    raise AssertionError(f"the answer just ends: {last[:200]}")


class Clients:
    def __init__(self):
        self.ends = {"result": 0, "error": 0}
        self.longest_s, self.slow = 0.0, 0
        self.faults = []
        self.stop = threading.Event()
        self.lock = threading.Lock()

    def run(self, index):
        draw = random.Random(index)
        while not self.stop.is_set():
            begin = time.monotonic()
            try:
                end = ask(draw.choice(["chat", "completions", "whole"]))
            except Exception as error:  # whatever it is, it is what this test is about
                with self.lock:
                    self.faults.append(repr(error))
                return
            seconds = time.monotonic() - begin
            with self.lock:
                self.ends[end] += 1
                self.longest_s = max(self.longest_s, seconds)
                self.slow += seconds > BOUND_S


def is_answered_again():
    """An engine that died while it loaded is given a pause before the next try, of a minute at most."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if ask("whole") == "result":
            return True
        time.sleep(0.5)
    return False


def main():
    seed = int(os.environ.get("HEARTH_TEST_SEED", "7"))
    print(f"seed {seed}, {KILLS} kills, {CLIENTS} clients")
    draw = random.Random(seed)
    clients = Clients()
    threads = [threading.Thread(target=clients.run, args=(i,)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    killed = since_result = results = 0
    end = time.monotonic() + TIME_S
    while killed < KILLS and time.monotonic() < end and not clients.faults:
        time.sleep(draw.uniform(0, 0.3))
        if clients.ends["result"] > results:
            results, since_result = clients.ends["result"], 0
        if since_result >= KILLS_WITHOUT_RESULT:
            continue
        for pid in engines():
            try:
                os.kill(pid, signal.SIGKILL)
                killed += 1
                since_result += 1
            except ProcessLookupError:
                pass
    clients.stop.set()
    for thread in threads:
        thread.join()
    if not clients.faults and not is_answered_again():
        clients.faults.append("after the last kill nothing is answered")
    print(f"{killed} engines killed; requests: {clients.ends}; the longest took {clients.longest_s:.2f} s, "
          f"{clients.slow} took more than {BOUND_S} s")
    for fault in clients.faults:
        print("fault:", fault)
    return 1 if clients.faults or killed < KILLS else 0


if __name__ == "__main__":
    sys.exit(main())
