#!/usr/bin/env python3
"""How long `hearth` takes to start and to load a model from a warm cache, and how much memory an answer takes.

Round by round, one after the other: `hearth --version`; a run of one token, which reports the time it loaded; a run
of 512 tokens whose resident memory is read from /proc while it goes. The page cache is warmed once, at the beginning.

    bench/load_and_memory.py MODEL.gguf --rounds 5 --out bench/results/FILE.jsonl

The memory is held against the file plus the KV cache of the context: weights are mapped and not copied, so both should
be nearly all of it. Pages of the file count as resident (RssFile), but the system may take them back at any time.
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

KV_ROW_BYTES = {"f32": lambda n: 4 * n, "f16": lambda n: 2 * n, "q8_0": lambda n: n // 32 * 34}
PAGE_TOKENS = 32
SAMPLE_S = 0.02


def run_to_end(command):
    """Runs `command`: its standard output, wall seconds, peak resident bytes, and the largest samples of /proc."""
    with tempfile.TemporaryFile() as output:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output)
        sampled = {}
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            for name, value in resident_memory(process.pid).items():
                sampled[name] = max(sampled.get(name, 0), value)
            time.sleep(SAMPLE_S)
        wall_s = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait again
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit status {process.returncode}")
        output.seek(0)
        if not sampled:
            sys.exit(f"{' '.join(command)}: ended within {wall_s:.3f} s, before a first sample of its memory")
        return output.read().decode(), wall_s, usage.ru_maxrss * 1024, sampled


def resident_memory(pid):
    """VmHWM, RssAnon and RssFile in bytes; nothing once the process is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            rows = dict(line.split(":", 1) for line in file)
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: int(rows[name].split()[0]) * 1024 for name in ("VmHWM", "RssAnon", "RssFile") if name in rows}


def wall_seconds(command):
    """Without the waiting between samples, which is longer than what is measured here."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def kv_bytes(show, args):
    positions = -(-args.ctx // PAGE_TOKENS) * PAGE_TOKENS
    return 2 * show["layers"] * show["kv_heads"] * KV_ROW_BYTES[args.kv](show["head_dim"]) * positions


def run_words(args, tokens):
    return [args.hearth, "run", args.model, "", "--raw", "--json", "--seed", "1", "--num-predict", str(tokens),
            "--ctx", str(args.ctx), "--kv", args.kv, "--threads", str(args.threads)]


def measure_round(args):
    version_s = wall_seconds([args.hearth, "--version"])
    begin = time.perf_counter()
    output = subprocess.run(run_words(args, 1), check=True, stdin=subprocess.DEVNULL, capture_output=True).stdout
    first_token_s = time.perf_counter() - begin
    load_s = json.loads(output.splitlines()[-1])["load_duration"] / 1e9
    output, wall_s, peak_bytes, sampled = run_to_end(run_words(args, args.tokens))
    return {"version_s": version_s, "load_s": load_s, "first_token_s": first_token_s,
            "tokens": json.loads(output.splitlines()[-1])["eval_count"], "wall_s": wall_s, "peak_bytes": peak_bytes,
            "vm_hwm_bytes": sampled["VmHWM"], "rss_anon_bytes": sampled["RssAnon"],
            "rss_file_bytes": sampled["RssFile"]}


def warm_cache(path):
    with open(path, "rb", buffering=0) as file:
        while file.read(1 << 24):
            pass


def show_table(result):
    def row(what, key, scale, unit, limit):
        values = [r[key] * scale for r in result["rounds"]]
        print(f"{what:42}{statistics.median(values):9.1f}{min(values):9.1f}{max(values):9.1f} {unit:4}{limit}")

    mib = 1 / (1 << 20)
    budget = result["file_bytes"] + result["kv_bytes"]
    print(f"{result['file']}: {result['file_bytes'] * mib:.1f} MiB, KV cache {result['kv_bytes'] * mib:.1f} MiB "
          f"({result['context']} positions), {result['threads']} threads, {len(result['rounds'])} rounds")
    print(f"{'':42}{'median':>9}{'min':>9}{'max':>9}")
    row("hearth --version, wall", "version_s", 1e3, "ms", "limit 20")
    row("load, warm cache", "load_s", 1e3, "ms", "limit 500")
    row("start, load and first token, wall", "first_token_s", 1e3, "ms", "")
    row("peak resident memory", "peak_bytes", mib, "MiB", f"file + KV + 10 %: {1.1 * budget * mib:.1f}")
    row("peak resident / (file + KV)", "peak_bytes", 100 / budget, "%", "limit 110")
    row("of it anonymous", "rss_anon_bytes", mib, "MiB", f"KV: {result['kv_bytes'] * mib:.1f}")
    row("of it pages of files", "rss_file_bytes", mib, "MiB", f"file: {result['file_bytes'] * mib:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a GGUF file in one piece")
    parser.add_argument("--hearth", default="build/bin/hearth")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--ctx", type=int, help="positions of the context; a page more than --tokens if not given")
    parser.add_argument("--kv", choices=KV_ROW_BYTES, default="f16")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", help="append one JSON line to this file")
    args = parser.parse_args()
    args.ctx = args.ctx or args.tokens + PAGE_TOKENS  # full at the end: an unused cache would flatter
    show = json.loads(subprocess.run([args.hearth, "show", args.model, "--json"], check=True,
                                     capture_output=True).stdout)
    warm_cache(args.model)
    result = {"file": os.path.basename(args.model), "file_bytes": os.path.getsize(args.model),
              "kv_bytes": kv_bytes(show, args), "kv_type": args.kv, "context": args.ctx, "threads": args.threads,
              "time": datetime.datetime.now().isoformat("T", "seconds"),
              "rounds": [measure_round(args) for _ in range(args.rounds)]}
    show_table(result)
    short = [r["tokens"] for r in result["rounds"] if r["tokens"] < args.tokens]
    if short:
        print(f"the model ended its answer early in {len(short)} rounds: after {min(short)} tokens or more")
    if args.out:
        with open(args.out, "a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
