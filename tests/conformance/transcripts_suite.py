#!/usr/bin/env python3
"""Statuses and headers as curl sees them: each case is a command line of curl and what must come back, against the
server that run_suites.py started. Beyond the cases, every endpoint that docs/api.md lists must be there.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

URL = os.environ["HEARTH_URL"]
API_PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "api.md"
JSON = "content-type: application/json"
CHAT = '{"model":"scripted","messages":[{"role":"user","content":"Hi"}]%s}'
TOO_MUCH = ["-H", "Content-Length: 99999999999"]  # what it says is refused before it comes

# name, arguments of curl ("URL" stands for the server), status, patterns that must be found in the headers (lower
# case) and in the body
CASES = [
    ("greeting", ["URL/"], 200, [r"content-type: text/plain"], r"^Ollama is running$"),
    ("head", ["-I", "URL/"], 200, [], r""),
    ("version", ["URL/api/version"], 200, [r"content-type: application/json"], r'"version":"\d+\.\d+\.\d+"'),
    ("health", ["URL/health"], 200, [], r"ok"),
    ("request id", ["URL/api/version"], 200, [r"x-request-id: \S+"], r""),
    ("ndjson", ["URL/api/chat", "-d", CHAT % ""], 200,
     [r"content-type: application/x-ndjson", r"transfer-encoding: chunked"], r'"done":true'),
    ("whole", ["URL/api/chat", "-d", CHAT % ',"stream":false'], 200,
     [r"content-type: application/json", r"content-length: \d+"], r'"done":true'),
    ("events", ["URL/v1/chat/completions", "-d", CHAT % ',"stream":true'], 200,
     [r"content-type: text/event-stream"], r"data: \[DONE\]\s*$"),
    ("empty body", ["-X", "POST", "URL/api/chat"], 400, [JSON], r'\{"error":"missing request body"\}'),
    ("no json", ["URL/api/generate", "-d", "{"], 400, [JSON], r'"error"'),
    ("no model", ["URL/api/generate", "-d", '{"prompt":"Hi"}'], 400, [JSON], r'model is required'),
    ("unknown model", ["URL/api/generate", "-d", '{"model":"nobody","prompt":"Hi"}'], 404, [JSON],
     r"model 'nobody' not found"),
    ("unknown model, openai", ["URL/v1/chat/completions", "-d", CHAT.replace("scripted", "nobody") % ""], 404, [JSON],
     r'"error":\{.*"message".*"type"'),
    ("unknown model, anthropic",
     ["URL/v1/messages", "-d", CHAT.replace("scripted", "nobody") % ',"max_tokens":5'], 404, [JSON],
     r'"type":"error".*not_found_error'),
    ("unknown path", ["URL/api/none", "-d", "{}"], 404, [JSON], r'"error"'),
    ("unknown path, openai", ["URL/v1/none", "-d", "{}"], 404, [JSON], r'"error":\{"message".*"not_found_error"'),
    ("unknown path, anthropic", ["URL/v1/messages/none", "-d", "{}"], 404, [JSON],
     r'"type":"error".*not_found_error'),
    ("wrong method", ["URL/api/chat"], 405, [r"allow: .*post"], r'\{"error":"'),
    ("wrong method, openai", ["URL/v1/chat/completions"], 405, [JSON, r"allow: .*post"],
     r'"error":\{"message".*"type":"invalid_request_error","param":null,"code":null\}'),
    ("wrong method, without /v1", ["URL/chat/completions"], 405, [JSON, r"allow: .*post"], r'"error":\{"message"'),
    ("wrong method, anthropic", ["URL/v1/messages"], 405, [JSON, r"allow: .*post"], r'"type":"error"'),
    ("too much body", [*TOO_MUCH, "URL/api/chat", "-d", "{}"], 413, [JSON], r'\{"error":"the body has'),
    ("too much body, openai", [*TOO_MUCH, "URL/v1/chat/completions", "-d", "{}"], 413, [JSON],
     r'"error":\{"message":"the body has.*"type":"invalid_request_error"'),
    ("too much body, anthropic", [*TOO_MUCH, "URL/v1/messages", "-d", "{}"], 413, [JSON],
     r'"type":"error".*"request_too_large"'),
    ("too long a header", ["-H", "X-Long: " + "x" * 70000, "URL/api/tags"], 431, [], r""),
    ("too long a prompt", ["URL/v1/chat/completions", "-d", CHAT.replace("Hi", "word " * 20000) % ""], 400,
     [JSON, r"x-should-retry: false"], r'"invalid_request_error","param":null,"code":"context_length_exceeded"'),
    ("too long a prompt, anthropic",
     ["URL/v1/messages", "-d", CHAT.replace("Hi", "word " * 20000) % ',"max_tokens":5'], 400,
     [JSON, r"request-id: \S+", r"x-should-retry: false"], r'"invalid_request_error","message":"prompt is too long'),
    ("events of anthropic", ["URL/v1/messages", "-d", CHAT % ',"stream":true,"max_tokens":100'], 200,
     [r"content-type: text/event-stream", r"request-id: \S+"],
     r"^event: message_start\ndata: .*event: ping\ndata: .*event: message_stop\ndata: [^\n]*\n\n$"),
    ("events of a response", ["URL/v1/responses", "-d", '{"model":"scripted","input":"Hi","stream":true}'], 200,
     [r"content-type: text/event-stream"],
     r'^event: response.created\ndata: \{"type":"response.created","sequence_number":0,.*'
     r"event: response.completed\ndata: [^\n]*\n\n$"),
    ("nested too deep", ["URL/v1/chat/completions", "-d", "[" * 200], 400, [JSON], r"nested deeper than 64 levels"),
    ("preflight", ["-X", "OPTIONS", "-H", "Origin: http://localhost:3000", "-H",
                   "Access-Control-Request-Method: POST", "URL/api/chat"], 204,
     [r"access-control-allow-origin: http://localhost:3000", r"access-control-allow-methods: .*post"], r""),
    ("foreign page", ["-H", "Origin: https://evil.example", "URL/api/tags"], 403, [], r'"error"'),
    ("foreign name", ["-H", "Host: evil.example", "URL/api/tags"], 403, [], r'"error"'),
    ("blob that is not there", ["-I", "URL/api/blobs/sha256:" + "0" * 64], 404, [], r""),
    ("blob of another digest", ["URL/api/blobs/sha256:" + "0" * 64, "--data-binary", "hello"], 400, [JSON],
     r"digest mismatch"),
    ("blob", ["URL/api/blobs/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
              "--data-binary", "hello"], 201, [], r""),
    ("blob again", ["URL/api/blobs/sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
                    "--data-binary", "hello"], 200, [], r""),
    ("cloud account", ["-X", "POST", "URL/api/me"], 404, [JSON], r'"error"'),
    ("metrics", ["URL/metrics"], 200, [r"content-type: text/plain; version=0\.0\.4"],
     r"hearth_requests_total\{"),
    ("tokens", ["URL/tokenize", "-d", '{"model":"scripted","content":"Hi"}'], 200, [JSON], r'"tokens":\['),
]


def curl(arguments):
    """(status, headers in lower case, body)"""
    words = [word.replace("URL", URL, 1) if word.startswith("URL") else word for word in arguments]
    done = subprocess.run(["curl", "--silent", "--show-error", "--include", "--max-time", "60", *words], text=True,
                          capture_output=True)
    if done.returncode != 0:
        return 0, "", done.stderr
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    return int(head.split()[1]), head.lower(), body


def check_cases():
    failed = 0
    for name, arguments, status, headers, body in CASES:
        got_status, got_headers, got_body = curl(arguments)
        missing = [pattern for pattern in headers if not re.search(pattern, got_headers)]
        is_well = got_status == status and not missing and re.search(body, got_body, re.DOTALL)
        print(f"{'ok' if is_well else 'FAILED'}: {name}")
        if not is_well:
            failed += 1
            print(f"  wanted {status} {headers} {body}\n  got {got_status}\n{got_headers}\n{got_body[:500]}")
    return failed


def check_page():
    """Every endpoint of the page answers as something that exists: not 404 for its path, not 405 for its method."""
    rows = []
    for method, path, more in re.findall(r"^\| (GET|POST|HEAD|DELETE) \| `(/[^`]*)` \|(.*)", API_PAGE.read_text(),
                                         re.MULTILINE):
        rows.append((method, path))
        if "also" in more:
            rows += [(method, other) for other in re.findall(r"`(/[^`]*)`", more.partition("also")[2])]
    failed = 0
    for method, path in rows:
        target = re.sub(r"\{[^}]*\}", "nobody", path)
        option = ["-I"] if method == "HEAD" else ["-X", method]
        status, _, body = curl([*option, "URL" + target, *(["-d", "{}"] if method == "POST" else [])])
        is_there = status not in (0, 405) and not (status == 404 and "no such path" in body)
        if not is_there:
            failed += 1
            print(f"FAILED: docs/api.md lists {method} {path}, which answers {status} {body[:200]}")
    print(f"{len(rows)} endpoints of docs/api.md are there")
    return failed + (len(rows) < 40)


def main():
    if not shutil.which("curl"):
        print("skipped: curl is not installed")
        return 0
    return 1 if check_cases() + check_page() else 0


if __name__ == "__main__":
    sys.exit(main())
