#!/usr/bin/python3
"""Rules of the house that a compiler does not know.

Usage: lint.py [--build FOLDER]   checks the tree in the present folder
       lint.py --self-test        shows that each rule finds what it is for

Each rule is a function of a tree (a dict from path to text) that yields complaints. The
self-test gives each one a tree that breaks it and one that keeps it.
"""
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import checks as checks_page  # noqa: E402, beside this file
import seccomp as seccomp_page  # noqa: E402

LINES = 600
BANNED = re.compile(
    r"\b(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|gets|atoi|atol|atoll|alloca|strtok|"
    r"popen|system|tmpnam|mktemp|tempnam|rand|srand|random|scanf|setjmp|longjmp)\s*\(")
# Only base may move raw memory: its functions check the room.
RAW_MEMORY = re.compile(r"\b(memcpy|memmove|mempcpy)\s*\(")
# The library is given the time, the environment and the randomness of keys.
AMBIENT = re.compile(r"\b(getenv|secure_getenv|time|clock_gettime|gettimeofday)\s*\(")
CHAIN = "src/appraise/explain_chain.c"
CALLED_WITHOUT_NAME = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.S)


def code_of(text):
    """The text without comments and strings, lines kept."""
    return CALLED_WITHOUT_NAME.sub(lambda m: '""' + "\n" * m.group().count("\n"), text)


def c_files(tree, *folders):
    return sorted(path for path in tree if path.endswith((".c", ".h")) and
                  (not folders or path.startswith(folders)))


def rooms_of(tree):
    match = re.search(r"^rooms = \[([^\]]*)\]", tree.get("meson.build", ""), re.M)
    return re.findall(r"'(\w+)'", match.group(1)) if match else []


def layers(tree):
    """Includes point downward: a room uses those before it, programs never each other."""
    rooms = rooms_of(tree)
    for path in c_files(tree, "src/", "include/", "cli/", "daemons/"):
        own = path.split("/")
        for number, line in enumerate(tree[path].splitlines(), 1):
            match = re.match(r'\s*#\s*include "([^"]+)"', line)
            if not match:
                continue
            used = match.group(1).split("/")
            if own[0] == "src":
                good = used[0] == "tobichi" or (used[0] in rooms and own[1] in rooms and
                                                rooms.index(used[0]) <= rooms.index(own[1]))
                good = good or len(used) == 1  # made by the build
            elif own[0] == "include":
                good = used[0] == "tobichi"
            elif own[0] == "cli":
                good = used[0] not in ("daemons", "tests")
            else:
                good = used[0] not in ("cli", "tests") and (
                    used[0] != "daemons" or used[1] == own[1])
            if not good:
                yield f"{path}:{number}: may not include {match.group(1)}"


def banned(tree):
    """No call that cannot be used safely; no raw memory or ambient state in the library."""
    for path in c_files(tree, "src/", "include/", "cli/", "daemons/"):
        rules = [BANNED]
        if path.startswith("src/") and not path.startswith("src/base/"):
            rules += [RAW_MEMORY, AMBIENT]
        elif path.startswith("daemons/") or path.startswith("cli/"):
            rules += [RAW_MEMORY]
        if path.endswith("gen_filters.c"):
            rules = [BANNED]  # runs while building
        for number, line in enumerate(code_of(tree[path]).splitlines(), 1):
            for rule in rules:
                for name in rule.findall(line):
                    yield f"{path}:{number}: {name}() is not for this place"


def sizes(tree):
    """A file is one idea."""
    for path in c_files(tree):
        count = tree[path].count("\n")
        if count > LINES:
            yield f"{path}: {count} lines; {LINES} are enough for one idea"


def leftovers(tree):
    """Nothing of the machine or the moment in which a file was written."""
    for path, text in sorted(tree.items()):
        if path == "scripts/lint.py":
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b|/work/|/home/[a-z]+/[a-z]", line):
                yield f"{path}:{number}: left over: {line.strip()[:60]}"


def commands_of(tree):
    table = tree.get("cli/main.c", "").partition("commands[] = {")[2].partition("\n};")[0]
    return re.findall(r'^    \{"([a-z]+)",', table, re.M)


def commands(tree):
    """Every command has a manual page and a test."""
    names = commands_of(tree)
    tests = "".join(text for path, text in tree.items() if path.startswith("tests/e2e/"))
    if not names:
        yield "cli/main.c: no table of commands was found"
    for name in names:
        if name not in ("help", "version") and f"man/tobichi-{name}.1" not in tree:
            yield f"cli/main.c: {name} has no manual page man/tobichi-{name}.1"
        if not re.search(rf'tobichi"? {name}\b', tests):
            yield f"cli/main.c: {name} has no test in tests/e2e"
        if f"tobichi-{name}" not in tree.get("man/tobichi.1", "") and name not in ("help", "version") \
                and not re.search(rf"\b{name}\b", tree.get("man/tobichi.1", "")):
            yield f"cli/main.c: {name} is not in man/tobichi.1"


def checks(tree):
    """Every check code has a test in which it fails: a case FAILS("CODE", ...), or an
    expectation of the check's own row."""
    rows = {}
    for path in c_files(tree, "src/"):
        for name, code in re.findall(r'struct check (\w+) = \{\s*"([A-Z]+(?:-[A-Z]+)+)"', tree[path]):
            rows[code] = name
    tests = "".join(text for path, text in tree.items() if path.startswith("tests/"))
    if not rows:
        yield "src: no check was found"
    for code, name in sorted(rows.items()):
        if not re.search(rf'FAILS\("{code}"|&{name}\b[^;]*\bTOBI_FAILED\b|'
                         rf'expect_both\(&?\w+, &{name}\)', tests):
            yield f"{code}: no test shows that it refuses"


def links(tree):
    """The chain of the page that explains a result is made of checks that there are."""
    rows = set(re.findall(r'"([A-Z]+(?:-[A-Z]+)+)"', "".join(
        text for path, text in tree.items()
        if path.startswith("src/") and path.endswith(".c") and path != CHAIN)))
    for chain in tree.get(CHAIN, "").split("struct link "):
        codes = re.findall(r'\{"([A-Z]+(?:-[A-Z]+)+)",', chain)
        for code in sorted(set(codes)):
            if code not in rows:
                yield f"{CHAIN}: {code} is no check"
            if codes.count(code) > 1:
                yield f"{CHAIN}: {code} is there twice in one chain"


def option_texts(tree):
    """From a command's name to its option text, the fourth field of its row."""
    table = tree.get("cli/main.c", "").partition("commands[] = {")[2].partition("\n};")[0]
    texts = {}
    for row in re.findall(r"^    \{(.*?)\},?$", table, re.M | re.S):
        fields = [checks_page.literals(field, {}) for field in checks_page.fields_of(row)]
        if len(fields) == 5:
            texts[fields[0]] = fields[3]
    return texts


def options(tree):
    """A command's option text and its manual page name the same long options."""
    for name, text in option_texts(tree).items():
        path = f"man/tobichi-{name}.1"
        if path not in tree:
            continue
        told = set(re.findall(r"--([a-z][a-z-]*)", text))
        written = set(re.findall(r"\bFl -([a-z][a-z-]*)", tree[path]))
        for option in sorted(told - written):
            yield f"{path}: --{option} of `tobichi help {name}` is missing"
        for option in sorted(written - told):
            yield f"{path}: `tobichi help {name}` does not know --{option}"


def option_letters(tree):
    """No two long options of a command have one letter: the first would do what the other is for."""
    for path in c_files(tree, "cli/"):
        for table in re.findall(r"struct option \w+\[\] = \{(.*?)\n\};", tree[path], re.S):
            seen = {}
            for name, letter in re.findall(r'\{"([a-z-]+)", \w+, NULL, (\'.\'|\w+)\}', table):
                if letter in seen:
                    yield f"{path}: --{name} has the letter of --{seen[letter]}, {letter}"
                seen[letter] = name


def page_of_checks(tree):
    """docs/CHECKS.md says what the tables in the sources say."""
    if tree.get("docs/CHECKS.md") != checks_page.page(tree):
        yield "docs/CHECKS.md: not what the sources say; run scripts/checks.py >docs/CHECKS.md"


def checklist_room(tree):
    """One list has room for every check that there is: a row too many ends the program."""
    room = re.search(r"CHECKLIST_MAX = (\d+)", tree.get("src/tee/check.h", ""))
    count = sum(len(list(checks_page.rows_of(tree[path]))) for path in c_files(tree, "src/"))
    if not room or count > int(room.group(1)):
        yield f"src/tee/check.h: CHECKLIST_MAX is less than the {count} checks that there are"


def allowed_calls(tree):
    """Every allowed call has a group, a reason, and a program that makes it or a word why."""
    yield from seccomp_page.complaints(tree)
    if tree.get("docs/SECCOMP.md") != seccomp_page.page(tree):
        yield "docs/SECCOMP.md: not what the tables say; run scripts/seccomp.py >docs/SECCOMP.md"


def policy_keys(tree):
    """Every key of the policy file's schema stands in its manual page and its document."""
    keys = re.findall(r'(?:CYAML_FIELD_\w+|OPTIONAL_\w+)\("([a-z-]+)"', tree.get("src/appraise/policy_yaml.c", ""))
    if not keys:
        yield "src/appraise/policy_yaml.c: no key of a policy was found"
    for key in sorted(set(keys)):
        if not re.search(rf"^\.It Ic {key}\b", tree.get("man/tobichi-policy.5", ""), re.M):
            yield f"man/tobichi-policy.5: the key {key} is missing"
        if not re.search(rf"^\| `(?:[\w-]+\.)*{key}` \|", tree.get("docs/POLICY.md", ""), re.M):
            yield f"docs/POLICY.md: the key {key} is missing"


def broker_keys(tree):
    """The same of the broker's configuration."""
    schema = "daemons/broker/config_yaml.c"
    keys = re.findall(r'(?:CYAML_FIELD_\w+|OPTIONAL_\w+|TEXT)\("([a-z-]+)"', tree.get(schema, ""))
    if not keys:
        yield f"{schema}: no key of a configuration was found"
    for key in sorted(set(keys)):
        if not re.search(rf"^\.It Ic {key}$", tree.get("man/tobichi-broker.5", ""), re.M):
            yield f"man/tobichi-broker.5: the key {key} is missing"
        if not re.search(rf"^\| `(?:[\w-]+\.)*{key}` \|", tree.get("docs/BROKER.md", ""), re.M):
            yield f"docs/BROKER.md: the key {key} is missing"


def references(tree):
    """What the documents name is there: files, and tests by file and name."""
    folders = "src|include|cli|daemons|tests|docs|scripts|examples|fuzz|bench|packaging|man"
    for path in sorted(tree):
        if not path.endswith(".md") or path == "CHANGELOG.md":
            continue
        for number, line in enumerate(tree[path].splitlines(), 1):
            for name in re.findall(rf"`((?:{folders})/[\w./-]+\.(?:c|h|sh|py|md|build|txt|1|5|8))`", line):
                if name not in tree and not re.search(r"NAME|ROOM", name):
                    yield f"{path}:{number}: there is no {name}"
            for name, tests in re.findall(r"`(tests/[\w./-]+\.c)` \(((?:`\w+`(?:, )?)+)\)", line):
                for test in re.findall(r"`(\w+)`", tests):
                    if name in tree and f" {test}(" not in tree[name]:
                        yield f"{path}:{number}: {name} has no {test}"


TREE_RULES = [layers, banned, sizes, leftovers, commands, checks, links, options, option_letters, page_of_checks,
              checklist_room, allowed_calls, policy_keys, broker_keys, references]


# What OpenSSL, libxmlsec and the loader keep is the process's: filled once, under pthread_once().
MUTABLE_ALLOWED = {"key_library_made", "xmlsec_loaded"}


def globals_of(symbols):
    """Mutable objects in `objdump -t` output: sections .data, .bss and thread-local ones."""
    for line in symbols.splitlines():
        match = re.search(r"\s(\.(?:data|bss|tdata|tbss)(?:\.(?!rel\.ro)\S+)?)\s+([0-9a-f]+)\s+"
                          r"(?:\.hidden )?(\S+)$", line)
        if match and not match.group(3).startswith(".") and int(match.group(2), 16) and \
           match.group(3) not in MUTABLE_ALLOWED:
            yield f"{match.group(3)}: a mutable global, in {match.group(1)}"


def read_tree():
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           check=True, capture_output=True).stdout.decode().split("\0")
    tree = {}
    for name in filter(None, names):
        try:
            with open(name, encoding="utf-8") as file:
                tree[name] = file.read()
        except (UnicodeDecodeError, FileNotFoundError):
            pass
    return tree


def self_test():
    meson = "rooms = ['base', 'codec', 'tee']\n"
    table = 'commands[] = {\n    {"build", "", "",\n     "", cmd},\n};\n'
    optioned = 'commands[] = {\n    {"build", "[--zero], x", "",\n     "  --one FILE  a, b\\n"\n' \
               '     "  --two, -- x\\n",\n     cmd},\n};\n'
    schema = 'OPTIONAL_UINT("min-svn", struct x, y)'
    broker = 'TEXT("name", struct x, y)\nOPTIONAL_TEXT("rate", struct x, y)'
    whole_check = {"src/tee/a.c": '#define SPEC "Spec, 3"\nconst struct check check_a = '
                                  '{"SOFT-A", "a, " "b", SPEC ".1", "Do."};\n'}
    letters = "struct option known[] = {\n{\"a\", no_argument, NULL, 'a'},\n{\"b\", no_argument, NULL, '%s'},\n};\n"
    good_check = 'const struct check check_a = {"SOFT-A", "x"};\n'
    def filters(name, why, untraced, calls="read"):
        tree = {seccomp_page.TABLES: "#define CALLS(...)\n allowed[] = {\n"
                                     f'{{"{name}", "{why}", "{untraced}", CALLS("{calls}")}},\n}};\n',
                seccomp_page.TRACES: "sh: read write\n"}
        return {**tree, "docs/SECCOMP.md": seccomp_page.page(tree)}
    cases = [
        (allowed_calls, filters("files", "", ""), filters("files", "All read.", "")),
        (allowed_calls, filters("files", "All read.", "", "tee"), filters("files", "All read.", "tee: x.", "tee")),
        (allowed_calls, filters("files", "All read.", "", 'read", "read'), filters("files", "All read.", "")),
        (allowed_calls, {**filters("files", "All read.", ""), "docs/SECCOMP.md": "old"},
         filters("files", "All read.", "")),
        (layers, {"src/base/a.c": '#include "tee/tee.h"\n'}, {"src/tee/a.c": '#include "base/a.h"\n'}),
        (layers, {"include/tobichi/a.h": '#include "base/a.h"\n'},
         {"include/tobichi/a.h": '#include "tobichi/b.h"\n'}),
        (layers, {"cli/a.c": '#include "daemons/platform/b.h"\n'}, {"cli/a.c": '#include "base/a.h"\n'}),
        (layers, {"daemons/agent/a.c": '#include "daemons/platform/b.h"\n'},
         {"daemons/agent/a.c": '#include "daemons/agent/b.h"\n'}),
        (banned, {"cli/a.c": "x = strcpy(a, b);\n"}, {"cli/a.c": "/* strcpy(a) */ f(\"strcpy(\");\n"}),
        (banned, {"src/tee/a.c": "memcpy(a, b, 3);\n"}, {"src/base/a.c": "memcpy(a, b, 3);\n"}),
        (banned, {"src/tee/a.c": "x = time(NULL);\n"}, {"cli/a.c": "x = time(NULL);\n"}),
        (sizes, {"src/tee/a.c": "\n" * (LINES + 1)}, {"src/tee/a.c": "\n" * LINES}),
        (references, {"README.md": "see `src/tee/none.c`\n"}, {"README.md": "see `src/a.c`\n", "src/a.c": ""}),
        (references, {"docs/A.md": "`tests/a.c` (`test_b`)", "tests/a.c": "void test_a(void)"},
         {"docs/A.md": "`tests/a.c` (`test_a`)", "tests/a.c": "void test_a(void)"}),
        (leftovers, {"README.md": "TO" + "DO\n"}, {"README.md": "done\n"}),
        (leftovers, {"README.md": "see /" + "work/x\n"}, {"README.md": "see x\n"}),
        (commands, {"cli/main.c": table, "man/tobichi.1": "build", "man/tobichi-build.1": ""},
         {"cli/main.c": table, "man/tobichi.1": "build", "man/tobichi-build.1": "",
          "tests/e2e/a.sh": '"$tobichi" build x'}),
        (commands, {"cli/main.c": table, "tests/e2e/a.sh": '"$tobichi" build x', "man/tobichi.1": "build"},
         {"cli/main.c": table, "tests/e2e/a.sh": '"$tobichi" build x', "man/tobichi.1": "build",
          "man/tobichi-build.1": ""}),
        (commands, {"cli/main.c": ""}, {"cli/main.c": table, "tests/e2e/a.sh": '"$tobichi" build x',
                                       "man/tobichi.1": "build", "man/tobichi-build.1": ""}),
        (checks, {"src/tee/a.c": good_check, "tests/a.c": '"SOFT-A"'},
         {"src/tee/a.c": good_check, "tests/a.c": 'FAILS("SOFT-A", change)'}),
        (options, {"cli/main.c": optioned, "man/tobichi-build.1": ".Fl -one Ar file\n.Fl o\n"},
         {"cli/main.c": optioned, "man/tobichi-build.1": ".It Fl -one Ar file\n.It Fl -two\n.Fl - Ar x\n"}),
        (options, {"cli/main.c": optioned, "man/tobichi-build.1": ".Fl -one\n.Fl -two\n.Op Fl -three\n"},
         {"cli/main.c": optioned, "man/tobichi-build.1": ".Fl -one\n.Fl -two\n.Dl other --three\n"}),
        (option_letters, {"cli/a.c": letters % "a"}, {"cli/a.c": letters % "b"}),
        (links, {CHAIN: '{"SOFT-A", "x"}, {"SOFT-A", "y"},', "src/tee/a.c": good_check},
         {CHAIN: 'struct link a {"SOFT-A", "x"}, struct link b {"SOFT-A", "y"},', "src/tee/a.c": good_check}),
        (links, {CHAIN: '{"SOFT-B", "x"},', "src/tee/a.c": good_check},
         {CHAIN: '{"SOFT-A", "x"},', "src/tee/a.c": good_check}),
        (page_of_checks, {**whole_check, "docs/CHECKS.md": checks_page.page({})},
         {**whole_check, "docs/CHECKS.md": checks_page.page(whole_check)}),
        (policy_keys, {"src/appraise/policy_yaml.c": schema, "man/tobichi-policy.5": ".It Ic min-svn Ns :\n"},
         {"src/appraise/policy_yaml.c": schema, "man/tobichi-policy.5": ".It Ic min-svn\n",
          "docs/POLICY.md": "| `min-svn` | uint |\n"}),
        (policy_keys, {"src/appraise/policy_yaml.c": schema, "docs/POLICY.md": "| `min-svn` |\n"},
         {"src/appraise/policy_yaml.c": schema, "man/tobichi-policy.5": ".It Ic min-svn\n",
          "docs/POLICY.md": "| `identity.min-svn` |\n"}),
        (broker_keys, {"daemons/broker/config_yaml.c": broker, "man/tobichi-broker.5": ".It Ic name\n"},
         {"daemons/broker/config_yaml.c": broker, "man/tobichi-broker.5": ".It Ic name\n.It Ic rate\n",
          "docs/BROKER.md": "| `name` | a |\n| `limits.rate` | b |\n"}),
        (broker_keys, {"daemons/broker/config_yaml.c": broker, "docs/BROKER.md": "| `name` | a |\n| `limits.rate` |\n"},
         {"daemons/broker/config_yaml.c": broker, "man/tobichi-broker.5": ".It Ic name\n.It Ic rate\n",
          "docs/BROKER.md": "| `name` | a |\n| `rate` | b |\n"}),
        (page_of_checks, whole_check, {"docs/CHECKS.md": checks_page.page({})}),
        (checklist_room, {**whole_check, "src/tee/check.h": "enum { CHECKLIST_MAX = 0 };"},
         {**whole_check, "src/tee/check.h": "enum { CHECKLIST_MAX = 1 };"}),
    ]
    for rule, bad, good in cases:
        base = {"meson.build": meson}
        if not list(rule({**base, **bad})):
            sys.exit(f"error: {rule.__name__} accepts {bad}")
        found = list(rule({**base, **good}))
        if found:
            sys.exit(f"error: {rule.__name__} complains of {good}: {found}")
    bad = "0000000000000000 l     O .bss\t0000000000000004 counter\n"
    good = "0000000000000000 l     O .data.rel.ro.local\t0000000000000004 names\n" \
           "0000000000000000 l    d  .bss\t0000000000000000 .bss\n"
    if not list(globals_of(bad)) or list(globals_of(good)):
        sys.exit("error: the rule on globals is wrong")
    print(f"{len(cases) + 1} rules' cases held")


def main(arguments):
    if arguments == ["--self-test"]:
        self_test()
        return 0
    tree = read_tree()
    found = [text for rule in TREE_RULES for text in rule(tree)]
    if len(arguments) == 2 and arguments[0] == "--build":
        for name in ("libtobichi-core.a", "libtobichi-root.a"):
            symbols = subprocess.run(["objdump", "-t", f"{arguments[1]}/{name}"], check=True,
                                     capture_output=True).stdout.decode()
            if "SYMBOL TABLE" not in symbols:
                found.append(f"{name}: no symbols")
            found += globals_of(symbols)
    for text in found:
        print(text)
    print(f"{len(found)} complaints in {len(tree)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
