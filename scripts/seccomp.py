#!/usr/bin/python3
"""docs/SECCOMP.md from the tables in src/isolate/filter_groups.h and the traces in
src/isolate/traced_calls.txt. Usage: seccomp.py >docs/SECCOMP.md
"""
import re
import sys

TABLES, TRACES = "src/isolate/filter_groups.h", "src/isolate/traced_calls.txt"
HEAD = """\
# System calls

Made by `scripts/seccomp.py` from `src/isolate/filter_groups.h`, of which the build makes the filters, and from
`src/isolate/traced_calls.txt`, which `scripts/trace_calls.py` makes with strace. Do not edit it here.

The program's filter is an allow-list. It is installed just before the program is executed, after Landlock and the loss of all
capabilities, and cannot be taken off (no_new_privs). The agent has its own over itself, which allows what the program's does
and `memfd_secret`. A call that is known to be dangerous gets EPERM; one that is on no list gets ENOSYS. Calls of another
architecture end the process.

Numbers in the columns "traced" say which programs made the call under their usual use:
"""


def text_of(part):
    """The C string literals of a part, put together."""
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part))


def table(text, name):
    return text.partition(f" {name}[] = {{")[2].partition("\n};")[0]


def groups(text, name):
    """(name, why, untraced, calls) of each row."""
    for row in re.findall(r"\{((?:[^{}]|\{[^{}]*\})*?CALLS\([^)]*\))\}", table(text, name), re.S):
        front, _, calls = row.rpartition("CALLS(")
        # Literals with only white space between them are one string.
        parts = re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+', front)
        if len(parts) == 3:
            yield (*map(text_of, parts), re.findall(r'"(\w+)"', calls))


def rows(text, name, width):
    parts = [text_of(part) for part in re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+', table(text, name))]
    return list(zip(*[iter(parts)] * width))


def traces(text):
    """From a program's name to its calls."""
    found = {}
    for line in text.splitlines():
        name, colon, calls = line.partition(": ")
        if colon and not line.startswith("#"):
            found[name] = set(calls.split())
    return found


def complaints(tree):
    """A call is allowed with a group and a reason, and was traced or is named by its group."""
    text, traced = tree.get(TABLES, ""), traces(tree.get(TRACES, ""))
    made = set().union(*traced.values()) if traced else set()
    seen = set()
    found = list(groups(text, "allowed"))
    if not found or not made:
        yield f"{TABLES}: no groups, or no traces in {TRACES}"
    if text.count("CALLS(") != 1 + len(found) + len(list(groups(text, "refused"))):
        yield f"{TABLES}: a group without a name, a reason and its third text"
    for name, why, untraced, calls in found:
        words = re.findall(r"\w+", untraced)
        if not name or not why:
            yield f"{TABLES}: the group '{name}' has no reason"
        for call in calls:
            if call in seen:
                yield f"{TABLES}: {call} is there twice"
            seen.add(call)
            if call not in made and call not in words:
                yield f"{TABLES}: {call} of '{name}': no traced program makes it, and no reason is given"
    for row in rows(text, "restricted", 3):
        if row[0] in seen or not all(row):
            yield f"{TABLES}: {row[0]} is restricted, and allowed too or without a reason"
    for name, why, _, calls in groups(text, "refused"):
        if not why or seen & set(calls):
            yield f"{TABLES}: refused '{name}' has no reason, or is allowed too"


def page(tree):
    text, traced = tree.get(TABLES, ""), traces(tree.get(TRACES, ""))
    out = [HEAD] + [f"{number}. `{name}`" for number, name in enumerate(traced, 1)]
    out += ["", "## Allowed", ""]
    for name, why, untraced, calls in groups(text, "allowed"):
        out += [f"### {name[0].upper()}{name[1:]}", "", why, "", "| call | traced |", "|---|---|"]
        for call in calls:
            by = " ".join(str(n) for n, program in enumerate(traced, 1) if call in traced[program])
            out.append(f"| `{call}` | {by or '-'} |")
        out += [""] + ([f"Not traced, and why it stays: {untraced}", ""] if untraced else [])
    out += ["## Allowed with some arguments", "", "| call | with | why |", "|---|---|---|"]
    out += [f"| `{call}` | {arguments} | {why} |" for call, arguments, why in rows(text, "restricted", 3)]
    out += ["", "## Refused with EPERM", "", "| calls | why |", "|---|---|"]
    out += [f"| {', '.join(f'`{call}`' for call in calls)} | {name}: {why} |"
            for name, why, _, calls in groups(text, "refused")]
    out += ["", "## Left out: ENOSYS", "", "| calls | why |", "|---|---|"]
    out += [f"| {calls} | {why} |" for calls, why in rows(text, "left_out", 2)]
    out += ["", "`tests/unit/isolate/filters_test.c` asks the filters about every call; `tests/attack/suite.py` makes the",
            "refused ones, without a wall and inside."]
    return "\n".join(out) + "\n"


def main():
    tree = {}
    for name in (TABLES, TRACES):
        with open(name, encoding="utf-8") as file:
            tree[name] = file.read()
    sys.stdout.write(page(tree))


if __name__ == "__main__":
    main()
