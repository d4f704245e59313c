#!/usr/bin/python3
"""Prints docs/CHECKS.md from the tables in the sources.

Usage: checks.py > docs/CHECKS.md

lint.py compares the committed page with what this prints, so the page cannot go stale.
"""
import re
import sys

FILES = ["src/appraise/atls_checks.c", "src/appraise/policy_", "src/appraise/ratls_checks.c", "src/appraise/parts.c", "src/tee/"]
FAMILIES = {
    "ATLS": "Owed in a session of attested TLS (`tobichi connect`, `tobichi send`, `tobichi/atls.h`).",
    "POLICY": "Owed always, except `POLICY-IDENTITY`: in a session `ATLS-IDENTITY` stands for it. A row of\n"
              "which the policy says nothing is shown as not asked. `POLICY-REFERENCE-*` only where it has `reference-values`.",
    "CLAIMS": "Owed when an evidence file is appraised (`tobichi verify`): in a session the verifier makes the\n"
              "claims itself.",
    "RATLS": "Owed by a certificate that carries evidence (`tobichi verify CERTIFICATE`, and a connection under a\n"
             "policy of `channel: ra-tls`), in place of `ATLS-*` and `CLAIMS-*`. `RATLS-SESSION` is not asked of a\n"
             "file, nor `RATLS-NONCE` without a nonce.",
    "DCAP": "Owed by quotes of SGX and of TDX: the way from Intel's root to the quote's signature, and how current\n"
            "the platform is.",
    "SGX": "Owed by quotes of SGX, with `DCAP-*`.",
    "TDX": "Owed by quotes of TDX, with `DCAP-*`. `TDX-EVENT-LOG` is not asked when no event log came with it.",
    "BOOT": "Owed when an event log came with evidence that shows registers. A quote of TDX has `TDX-EVENT-LOG` in\n"
            "place of `BOOT-LOG-READ` and `BOOT-LOG-REPLAY`; `BOOT-IMA-*` are not asked without a list of files (IMA).",
    "SNP": "Owed by a report of AMD SEV-SNP. Without a list of revoked certificates `SNP-CRL` and `SNP-REVOKED` do not\n"
           "run, which refuses unless the policy says `crl: not-required`. `SNP-ID-BLOCK` and `SNP-AUTHOR-KEY` are owed\n"
           "when an ID block came; `SNP-CHIP` is not asked of a VLEK, which is of no one chip.",
    "CCA": "Owed by tokens of Arm CCA. Of an unknown profile the keys are not looked at, which refuses.",
    "PSA": "Owed by tokens of PSA devices; `PSA-BINDING` is not asked of one that comes alone, without claims.",
    "OE": "Owed by evidence of Open Enclave, beside all that the quote in it owes. `OE-CLAIMS` is not asked of a format\n"
          "without custom claims.",
    "SOFT": "Owed by evidence of the `soft` tier.",
    "TPM": "Owed by a TPM's quote (tier `tpm`), by evidence whose token says that the platform's keys are in a TPM or that\n"
           "carries a TPM's quote, and by all evidence when the policy has the key `tpm` and not the tier. `TPM-FORMAT`,\n"
           "`TPM-QUOTE-NONCE` and `TPM-KEY` are of such a token; of a quote by itself, what did not come (an endorsement\n"
           "key's certificate, a statement about a key, a NitroTPM document, claims) is not asked.",
    "SEV": "Owed by evidence of AMD SEV and SEV-ES. `SEV-OCA` and `SEV-OWNER` are not asked where no owner's certificate\n"
           "came, nor `SEV-MEASUREMENT` where none came and the policy has `sev.platform-only`.",
    "CMW": "Owed by a wrapper (CMW) that is signed, beside what its content owes.",
    "EAT": "Owed by a token of an attester of any make (EAT), tier `eat`. `EAT-PROFILE` is asked of the standard profile,\n"
           "`EAT-BINDING` of a token in a collection with claims.",
    "EAR": "Owed by a result of another verifier (EAR), tier `ear`; `EAR-BINDING` is asked where it comes with claims.",
    "EPID": "Owed by reports of Intel's retired Attestation Service (tier `sgx-epid`).",
    "AZURE": "Owed by evidence of Azure's confidential VMs, with `SNP-*` or with `TDX-*` and `DCAP-*`, and `BOOT-*`; `AZURE-VMPL` on SEV-SNP,\n"
             "`AZURE-TD-REPORT` on TDX alone. `AZURE-NONCE` is not asked of evidence that comes alone, without claims.",
    "GPU": "Owed by evidence of NVIDIA's GPUs and switches, alone (tier `nvidia-gpu`) or beside that of a CPU: of each\n"
           "device. `GPU-RIM-*` are not asked where no reference values came, nor `GPU-REVOKED` and `GPU-OCSP-SIGNATURE`\n"
           "where no answer came: `POLICY-GPU-RIM` and `POLICY-GPU-OCSP` say whether they must.",
    "NITRO": "Owed by documents of AWS Nitro, tiers `nitro` and `nitro-tpm`; `NITRO-BINDING` is not asked of one that\n"
             "comes alone, without claims.",
}
HEAD = """# Checks

<!-- Made by scripts/checks.py from the tables in the sources. Do not edit. -->

A verdict is a list of checks. It starts at *refuse* and becomes *accept* only when every check that is owed has
passed. A check without a record refuses.

| outcome | text | JSON | meaning |
|---|---|---|---|
| passed | `ok` | `passed` | what the check proves is proven |
| failed | `FAIL` | `failed` | it is not so; expected, found and what to do follow |
| not run | `MISS` | `not-run` | owed, and not recorded, because what it needs did not come or has failed: refuses |
| not asked | `-` | `not-asked` | the policy does not ask for it; shown, not owed |

Codes are stable: a program may rely on them. Each code has a test in which it fails (`scripts/lint.py` looks for it).
`docs/PROTOCOL.md` is meant by "Tobichi protocols", `docs/POLICY.md` by "Tobichi policy".
"""


def literals(text, macros):
    """The value of adjacent string literals and macros that stand for some."""
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"|\b([A-Z_][A-Z0-9_]*)\b', text)
    return "".join(macros.get(name, "") if name else string.replace('\\"', '"') for string, name in parts)


def fields_of(row):
    """Splits at the commas outside of strings."""
    fields = [""]
    for part in re.findall(r'"(?:[^"\\]|\\.)*"|,|[^",]+', row):
        if part == ",":
            fields.append("")
        else:
            fields[-1] += part
    return fields


def rows_of(text):
    """(code, proves, source, remedy) of each check that a source defines."""
    macros = {name: literals(value, {}) for name, value in
              re.findall(r'^#define (\w+) (".*")$', text, re.M)}
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for row in re.findall(r"const struct check \w+ = \{(.*?)\};", text, re.S):
        fields = [literals(field, macros) for field in fields_of(row)]
        if len(fields) != 4 or not all(fields):
            raise ValueError(f"a check that cannot be read: {row.strip()}")
        yield tuple(fields)


def page(tree):
    """The page for a tree (a dict from path to text)."""
    rows = []
    for place in FILES:
        for path in sorted(path for path in tree if path.startswith(place) and path.endswith(".c")):
            rows += rows_of(tree[path])
    text = HEAD
    for family, about in FAMILIES.items():
        text += f"\n## {family}\n\n{about}\n\n| code | proves that | source | when it fails |\n|---|---|---|---|\n"
        for code, *rest in rows:
            if code.startswith(family + "-"):
                text += f"| `{code}` | " + " | ".join(part.replace("|", "\\|") for part in rest) + " |\n"
    unknown = [code for code, *_ in rows if code.split("-")[0] not in FAMILIES]
    if unknown:
        text += f"\nOf no family: {' '.join(unknown)}\n"
    return text


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    import lint
    sys.stdout.write(page(lint.read_tree()))
