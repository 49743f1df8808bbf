#!/usr/bin/env python3
"""Starts `hearth serve` on a free port with a store of its own, makes the scripted model there, runs the suites of
the official clients (or the curl transcripts, or the lines of the README) against it, and ends it.

  run_suites.py --hearth PROGRAM --scripted-model PROGRAM [--build FOLDER] SUITE...

Exit status 77: something outside is missing (npm, the network for its packages); the reason is said.
"""
import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
GUARDED = ("failures.test.mjs",)  # suites that want a server with keys and next to no queue
FETCH_MAX_S = 120
RETRY_FETCH_S = 1800  # so that each suite of one run does not wait for the same network


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with {process.returncode} before it listened")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).read()
            return
        time.sleep(0.05)
    sys.exit(f"{url}: nothing answers after {seconds} s")


def install_clients(folder):
    """The packages of package.json in `folder`, or the reason why not."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    marker = folder / "node_modules" / ".installed"
    lock = (HERE / "package-lock.json").read_text()
    if marker.exists() and marker.read_text() == lock:
        return None
    if not shutil.which("npm"):
        return "npm is not installed"
    failure = folder / ".fetch_failed"
    if failure.exists() and time.time() - failure.stat().st_mtime < RETRY_FETCH_S:
        return failure.read_text()
    try:
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, text=True,
                              capture_output=True, timeout=FETCH_MAX_S)
        reason = done.stderr.strip().splitlines()[-1:] if done.returncode != 0 else None
    except subprocess.TimeoutExpired:
        reason = [f"no end after {FETCH_MAX_S} s"]
    if reason is None:
        marker.write_text(lock)
        return None
    failure.write_text("npm cannot fetch the clients: " + "".join(reason))
    return failure.read_text()


@contextlib.contextmanager
def running_registry(folder):
    """Debian's docker-registry on a free port, or nothing where it is not installed."""
    if not shutil.which("docker-registry"):
        print("no docker-registry here: push and pull are skipped")
        yield None
        return
    port = free_port()
    config = folder / "registry.yml"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: "
                      f"{folder / 'registry'}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n")
    with open(folder / "registry.log", "w") as log:
        process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/v2/", process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def running_server(hearth, environment, log, *flags):
    process = subprocess.Popen([hearth, "serve", *flags], env=environment, stdout=log, stderr=log)
    try:
        wait_for(environment["HEARTH_URL"] + "/", process)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        status = process.wait(timeout=60)
        if status != 0:
            sys.exit(f"hearth serve ended with status {status} on SIGTERM")


@contextlib.contextmanager
def guarded_server(hearth, folder, models, environment, log):
    """The environment of a second server over the same models: it asks for keys, answers one request at a time and
    lets one wait."""
    port = free_port()
    own = environment | {"HEARTH_HOME": str(folder / "guarded"), "HEARTH_HOST": f"127.0.0.1:{port}",
                         "HEARTH_URL": f"http://127.0.0.1:{port}"}
    for name, limits in (("steady", []), ("hurried", ["--requests-per-minute", "1"])):
        added = subprocess.run([hearth, "key", "add", name, *limits], env=own, check=True, text=True,
                               stdout=subprocess.PIPE, stderr=log)
        own[f"HEARTH_TEST_KEY_{name.upper()}"] = added.stdout.strip()
    with running_server(hearth, own, log, "--models", models, "--parallel", "1", "--queue-max", "1"):
        yield own


def make_models(hearth, scripted_model, folder, environment):
    subprocess.run([scripted_model, folder / "scripted.gguf"], check=True)
    (folder / "Modelfile").write_text("FROM ./scripted.gguf\nPARAMETER temperature 0\n")
    subprocess.run([hearth, "create", "scripted", "--file", folder / "Modelfile"], env=environment, check=True,
                   stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def environment_for(suite, hearth, folder, environment, log):
    if suite in GUARDED:
        with guarded_server(hearth, folder, folder / "home" / "models", environment, log) as own:
            yield own
    else:
        yield environment


def run_suite(suite, clients, environment):
    path = HERE / suite
    if path.suffix == ".py":
        return subprocess.run([sys.executable, path], env=environment).returncode
    # The suites stand beside their packages, where node looks for them.
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, clients / script.name)
    return subprocess.run(["node", "--test", "--test-reporter", "spec", clients / suite], env=environment).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearth", required=True)
    parser.add_argument("--scripted-model", required=True)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="where the npm packages are kept")
    parser.add_argument("suites", nargs="+")
    arguments = parser.parse_args()

    clients = arguments.build / "clients"
    clients.mkdir(parents=True, exist_ok=True)
    missing = install_clients(clients)
    if missing and any(suite.endswith(".mjs") for suite in arguments.suites):
        print(f"skipped: {missing}")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="hearth_conformance_") as name:
        folder = pathlib.Path(name)
        port = free_port()
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith(("HEARTH_", "OLLAMA_")) or key == "HEARTH_CPU"}
        environment |= {"HEARTH_HOME": str(folder / "home"), "HEARTH_HOST": f"127.0.0.1:{port}",
                        "HEARTH_URL": f"http://127.0.0.1:{port}",
                        "HEARTH_PROGRAM": arguments.hearth, "HEARTH_TEST_CLIENTS": str(clients)}
        log_path = folder / "serve.log"
        failed = []
        with running_registry(folder) as registry, open(log_path, "w") as log:
            if registry:
                environment["HEARTH_TEST_REGISTRY"] = registry
            with running_server(arguments.hearth, environment, log):
                make_models(arguments.hearth, arguments.scripted_model, folder, environment)
                for suite in arguments.suites:
                    with environment_for(suite, arguments.hearth, folder, environment, log) as own:
                        if run_suite(suite, clients, own) != 0:
                            failed.append(suite)
        if failed:
            print(f"failed: {', '.join(failed)}; the server said:\n" + log_path.read_text()[-20000:])
        return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
