#!/usr/bin/env python3
"""Runs the lines of README.md that talk to a server, as they stand there, against the server that run_suites.py
started: every fenced block in the section "Serve" that is marked sh, python or js. Only the address is replaced.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
CLIENTS = pathlib.Path(os.environ["HEARTH_TEST_CLIENTS"])
ADDRESS = "localhost:11434"


def blocks():
    section = README.read_text().split("## Serve", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```(sh|python|js)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def command_for(kind, text, folder):
    """The command that runs a block, or the reason why it cannot run here."""
    if kind == "sh":
        return ["sh", "-e", "-c", text] if shutil.which("curl") else "curl is not installed"
    if kind == "python":
        (folder / "block.py").write_text(text)
        return [sys.executable, folder / "block.py"]
    if not (CLIENTS / "node_modules" / "ollama").exists():
        return "the npm packages are not installed"
    # Beside the packages, where node looks for them.
    script = CLIENTS / "readme_block.mjs"
    script.write_text(text)
    return ["node", script]


def main():
    found = blocks()
    kinds = {kind for kind, _ in found}
    if not {"sh", "python", "js"} <= kinds:
        print(f"README.md shows {sorted(kinds)}: curl, Python and JavaScript are promised")
        return 1
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        for kind, text in found:
            text = text.replace(ADDRESS, os.environ["HEARTH_URL"].removeprefix("http://"))
            command = command_for(kind, text, pathlib.Path(name))
            if isinstance(command, str):
                print(f"skipped a block of {kind}: {command}")
                continue
            done = subprocess.run(command, text=True, capture_output=True, timeout=120)
            is_well = done.returncode == 0 and done.stdout.strip() and '"error"' not in done.stdout
            print(f"{kind}: {'ok' if is_well else 'FAILED'}: {done.stdout.strip()[:120]!r}")
            if not is_well:
                failed += 1
                print(text, done.stdout, done.stderr, f"exit status {done.returncode}", sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
