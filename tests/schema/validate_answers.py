"""Holds the answers of the schema suite against Python's jsonschema, which shares nothing with us.

usage: validate_answers.py SCHEMA_TEST     (the program schema_test)

Ends with 77 and says why where jsonschema (Debian: python3-jsonschema) is not installed.
"""

import collections
import decimal
import json
import os
import subprocess
import sys
import tempfile

SKIPPED = 77
ANSWERS_MIN = 1000
FILTER = "SchemaSuite.EveryAnswer*"
# Without "time", which jsonschema reads as draft 3 had it: without an offset.
FORMATS = ["date", "email", "ipv4", "ipv6", "uuid"]


def without_exceptions(schema):
    """The schema without what json_schema.h says is not held, and OpenAPI's nullable in words of
    JSON Schema. Changes `schema`."""
    if isinstance(schema, list):
        for item in schema:
            without_exceptions(item)
    if not isinstance(schema, dict):
        return schema
    schema.pop("uniqueItems", None)
    if "oneOf" in schema:
        branches = {"anyOf": schema.pop("oneOf")}
        schema.setdefault("allOf", []).append(branches)
    if schema.get("nullable") is True:
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            schema["type"] = types + ["null"]
        if "enum" in schema:
            schema["enum"] = schema["enum"] + [None]
    for keyword, value in schema.items():
        if keyword not in ("const", "enum", "default", "examples"):
            without_exceptions(value)
    return schema


def speaks(schema, test):
    """True where `test` holds for some object in the schema."""
    if isinstance(schema, list):
        return any(speaks(item, test) for item in schema)
    if not isinstance(schema, dict):
        return False
    return test(schema) or any(speaks(value, test) for value in schema.values())


def draft_of(jsonschema, schema):
    """The oldest draft whose spelling the schema uses, else the newest."""
    if speaks(schema, lambda s: isinstance(s.get("exclusiveMinimum"), bool)
              or isinstance(s.get("exclusiveMaximum"), bool)):
        return jsonschema.Draft4Validator
    if speaks(schema, lambda s: isinstance(s.get("items"), list)):
        return jsonschema.Draft7Validator
    return jsonschema.Draft202012Validator


def write_answers(program, path):
    environment = dict(os.environ, HEARTH_SCHEMA_ANSWERS=path)
    subprocess.run([program, "--gtest_brief=1", f"--gtest_filter={FILTER}"], env=environment,
                   stdout=subprocess.DEVNULL, check=True, timeout=800)


def check(jsonschema, lines):
    """Sentences about what is wrong, and the numbers of schemas and answers."""
    wrong = []
    answers = collections.defaultdict(list)
    for line in lines:
        entry = json.loads(line)
        answers[json.dumps(entry["schema"])].append(entry["answer"])
    for text, texts in answers.items():
        # Decimal: 9088.06 is a multiple of 0.01, but not as binary fractions.
        schema = without_exceptions(json.loads(text, parse_float=decimal.Decimal))
        validator = draft_of(jsonschema, schema)(
            schema, format_checker=jsonschema.FormatChecker(FORMATS))
        for answer in texts:
            document = json.loads(answer, parse_float=decimal.Decimal)
            problem = next(validator.iter_errors(document), None)
            if problem is not None:
                wrong.append(f"{text}\n  {answer}\n  {problem.message}")
    return wrong, len(answers), sum(map(len, answers.values()))


def main():
    try:
        import jsonschema
    except ImportError:
        print("skipped: python3-jsonschema is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "answers.jsonl")
        write_answers(sys.argv[1], path)
        with open(path, encoding="utf-8") as lines:
            wrong, schemas, answers = check(jsonschema, lines)
    for sentence in wrong[:20]:
        print(sentence)
    print(f"{schemas} schemas, {answers} answers, {len(wrong)} of them invalid")
    return 1 if wrong or answers < ANSWERS_MIN else 0


if __name__ == "__main__":
    sys.exit(main())
