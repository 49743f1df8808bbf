#!/usr/bin/env python3
"""Writes the expected texts of chat_template_test.cpp with Python's jinja2 3.1, set up as transformers sets it up.

  make_expected.py                      fills "expected" or "fails" of every case in constructs.json
  make_expected.py FOLDER_OF_TEMPLATES  also writes published_expected.json: for every *.jinja there and every
                                        conversation of conversations.json the length and FNV-1a hash of the text

Where jinja2's immutable sandbox refuses list.append and the like, the sandbox that allows them is used, because
published templates call them. Where json.dumps refuses a generator, it is written as an array, because templates
written for other engines pipe map() into tojson.
"""
import json, pathlib, sys, types
from datetime import datetime, timezone

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW_UNIX_S = 1753963200  # 2025-07-31 12:00:00 UTC, as in the test


class Generation(Extension):
    """{% generation %} renders its body, as transformers' tag does."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_render"), [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def items_of_generator(value):
    if isinstance(value, types.GeneratorType):
        return list(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, default=items_of_generator, ensure_ascii=ensure_ascii, indent=indent,
                      separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise TemplateError(message)


def strftime_now(pattern):
    return datetime.fromtimestamp(NOW_UNIX_S, timezone.utc).replace(tzinfo=None).strftime(pattern)


def environment(kind):
    env = kind(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals.update(raise_exception=raise_exception, strftime_now=strftime_now)
    return env


STRICT, LOOSE = environment(ImmutableSandboxedEnvironment), environment(SandboxedEnvironment)


def render(source, variables):
    def fresh():
        return json.loads(json.dumps(variables))  # templates may change lists

    try:
        return STRICT.from_string(source).render(**fresh())
    except SecurityError:
        return LOOSE.from_string(source).render(**fresh())


def hash_of(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{len(text.encode())}:{value:016x}"


def fill_constructs():
    path = HERE / "constructs.json"
    table = json.loads(path.read_text())
    for case in table["cases"]:
        case.pop("expected", None)
        case.pop("fails", None)
        try:
            case["expected"] = render(case["template"], table["globals"])
        except (TemplateSyntaxError, SyntaxError) as error:
            case["fails"] = "parse"
        except Exception as error:
            case["fails"] = "render"
            if type(error) is TemplateError:
                case["message"] = str(error)
    path.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n")


def write_published(folder):
    conversations = json.loads((HERE / "conversations.json").read_text())
    tools = json.loads((HERE / "tools.json").read_text())
    result = {}
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        source = path.read_bytes().decode()
        rows = result[path.name] = {}
        for conversation in conversations:
            for prompt in (True, False):
                variables = dict(conversation["globals"], bos_token="<s>", eos_token="</s>",
                                 add_generation_prompt=prompt)
                if conversation.get("tools"):
                    variables["tools"] = tools
                name = conversation["name"] + ("+prompt" if prompt else "")
                try:
                    rows[name] = hash_of(render(source, variables))
                except TemplateError as error:
                    rows[name] = "raises " + str(error) if type(error) is TemplateError else "fails"
                except Exception:
                    rows[name] = "fails"
    (HERE / "published_expected.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n")


fill_constructs()
if len(sys.argv) > 1:
    write_published(sys.argv[1])
