#!/usr/bin/env python3
"""Hearth against llama.cpp on the same files, alternately in one run.

For every weight type a synthetic 1.1 B model is made; then, round by round, llama.cpp and Hearth each process 512
tokens and decode 96, and Hearth measures the machine's peaks in between. Speeds of shared machines drift by a factor
of two within a minute, so only the ratio within a round is quoted: the table shows its minimum, median and maximum.

    bench/versus_llama_cpp.py --hearth build/bin/hearth --maker build/bin/hearth-synthetic-model \
        --types q4_0,q8_0,q4_k,f16 --rounds 5 --out bench/results/FILE.jsonl
"""
import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import time

PREFILL, DECODE = 512, 96


class LlamaCpp:
    """One loaded model in a process of its own, so that its threads and memory are gone afterwards."""

    def __init__(self, path, threads):
        self.process = subprocess.Popen([sys.executable, __file__, "--peer", path, str(threads)], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.load_s = self._read()["load_s"]

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit("the llama.cpp process ended early; is llama-cpp-python installed?")
        return json.loads(line)

    def measure(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def serve_peer(path, threads):
    """The process behind LlamaCpp: measures once for each line on standard input."""
    import ctypes
    import llama_cpp as lc

    start = time.perf_counter()
    lc.llama_backend_init()
    model_params = lc.llama_model_default_params()
    model_params.n_gpu_layers = 0
    model = lc.llama_model_load_from_file(path.encode(), model_params)
    params = lc.llama_context_default_params()
    params.n_ctx, params.n_batch, params.n_ubatch = 1024, PREFILL, PREFILL
    params.n_threads = params.n_threads_batch = threads
    context = lc.llama_init_from_model(model, params)
    memory = lc.llama_get_memory(context)
    vocab = lc.llama_model_get_vocab(model)
    vocab_size = lc.llama_vocab_n_tokens(vocab)

    def run(tokens):
        array = (lc.llama_token * len(tokens))(*tokens)
        lc.llama_decode(context, lc.llama_batch_get_one(array, len(tokens)))
        lc.llama_synchronize(context)
        return lc.llama_get_logits_ith(context, -1)[0]

    def measure():
        lc.llama_memory_clear(memory, True)
        begin = time.perf_counter()
        run([300 + i * 7919 % (vocab_size - 300) for i in range(PREFILL)])
        prefill_s = time.perf_counter() - begin
        lc.llama_memory_clear(memory, True)
        run([1])
        begin = time.perf_counter()
        for i in range(DECODE):
            run([300 + i * 31 % (vocab_size - 300)])
        decode_s = time.perf_counter() - begin
        return {"prefill": PREFILL / prefill_s, "decode": DECODE / decode_s}

    run([1])
    print(json.dumps({"load_s": time.perf_counter() - start}), flush=True)
    measure()  # warm-up
    for _ in sys.stdin:
        print(json.dumps(measure()), flush=True)


def measure_hearth(args, path):
    output = subprocess.run([args.hearth, "bench", path, "--json", "--prompt", str(PREFILL), "--predict", str(DECODE),
                             "--repetitions", "1", "--threads", str(args.threads)],
                            check=True, capture_output=True, text=True).stdout
    measured = json.loads(output)
    return {phase: {"tokens_per_s": measured[phase + "_tokens_per_s"]["median"],
                    "percent_of_peak": measured[phase + "_percent_of_peak"]["median"]}
            for phase in ("prefill", "decode")} | {
                "peak_gb_per_s": measured["peak_gb_per_s"]["median"],
                "peak_gops_per_s": measured["peak_gops_per_s"]["median"],
                "load_s": measured["load_seconds"]}


def spread(values):
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def compare(args, weight_type):
    path = os.path.join(args.models, f"synthetic-{weight_type}.gguf")
    if not os.path.exists(path):
        subprocess.run([args.maker, path, weight_type], check=True)
    peer = LlamaCpp(path, args.threads)
    rounds = []
    for _ in range(args.rounds):
        rounds.append({"llama_cpp": peer.measure(), "hearth": measure_hearth(args, path)})
    peer.close()
    if not args.keep:
        os.remove(path)
    ratio = {phase: spread([r["hearth"][phase]["tokens_per_s"] / r["llama_cpp"][phase] for r in rounds])
             for phase in ("prefill", "decode")}
    return {"type": weight_type, "threads": args.threads, "time": datetime.datetime.now().isoformat("T", "seconds"),
            "prefill_tokens": PREFILL, "decode_tokens": DECODE, "ratio": ratio, "rounds": rounds}


def show(result):
    hearth = lambda phase, key: statistics.median(r["hearth"][phase][key] for r in result["rounds"])
    for phase, peak in (("prefill", "percent_of_peak"), ("decode", "percent_of_peak")):
        ratio = result["ratio"][phase]
        theirs = statistics.median(r["llama_cpp"][phase] for r in result["rounds"])
        print(f"{result['type']:8}{phase:9}{hearth(phase, 'tokens_per_s'):9.1f}{theirs:11.1f}"
              f"{ratio['min']:9.2f}{ratio['median']:8.2f}{ratio['max']:7.2f}{hearth(phase, peak):8.0f} %", flush=True)


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--peer":
        return serve_peer(sys.argv[2], int(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hearth", default="build/bin/hearth")
    parser.add_argument("--maker", default="build/bin/hearth-synthetic-model")
    parser.add_argument("--types", default="q4_0,q8_0,q4_k,f16")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", default="build/bench-models")
    parser.add_argument("--keep", action="store_true", help="keep the synthetic models (0.6 to 2.2 GB each)")
    parser.add_argument("--out", help="append one JSON line a type to this file")
    args = parser.parse_args()
    os.makedirs(args.models, exist_ok=True)
    print(f"{'type':8}{'phase':9}{'hearth':>9}{'llama.cpp':>11}{'ratio min':>9}{'median':>8}{'max':>7}{'of peak':>10}")
    for weight_type in args.types.split(","):
        result = compare(args, weight_type)
        show(result)
        if args.out:
            with open(args.out, "a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
