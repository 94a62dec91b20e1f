#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What the documentation of the safe layer has to say of each function.

usage: docs.py [--list] [FILE...]

Looks at every public function of rust/abstractions, and at the methods of public
traits:

- its first word is a verb that says what it does: "Returns", "Sends", "Says"
- where it may be called, and whether it sleeps, is in a section `# Context`: its own,
  or else that of its type or trait, or else that of its file
- if it returns a Result, its documentation says which errors: a section `# Errors`, or
  the errors by name

And at every public type that has a pointer, a cell or a proof in it: what safe code relies
on is in a section `# Invariants`.

Says what is missing, and fails if something is; see Documentation/safety.md.

  --list  print all of them instead, with what is said
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
ROOT = TOP / "rust/abstractions"

# "impl<T> Name<T> {", "impl<T> Trait for Name<T> where": the name of the type.
IMPL = re.compile(r"^(?:unsafe )?impl(?:<.*?>(?= ))?\s+(?:.*\bfor\s+)?(?:&'?\w*\s*)?(\w+)")
ITEM = re.compile(r"^pub (?:unsafe )?(struct|enum|trait) (\w+)")
FN = re.compile(r"^\s*(pub )?(?:const )?(?:unsafe )?fn (\w+)")
# Verbs in the third person; and two words that end as they do.
NO_VERBS = {"Its", "This", "Always", "As", "Whose", "Bytes", "Has its", "Numbers", "Addresses", "Others", "Packets",
            "Features", "Events", "Devices", "Softirqs", "Pieces"}

RESULT = re.compile(r"Result\b(.*)")
# "Result<T, Self>": what comes back says it.
OWN_ERROR = re.compile(r", \w+(<.*>)?>")
# What unsafe code trusts; a pointer to a function is none.
RELIES = re.compile(r"NonNull<|(?<!fn\()\*(?:mut|const) (?!.*\bfn\b)|UnsafeCell|NotThreadSafe|Opaque<")
ERRORS = re.compile(r"# Errors|\[`E[A-Z0-9]+`\]|(?:[Aa]n|the|that)\s+error")


class Function:
    def __init__(self, path, line, owner, name, signature, doc):
        self.path, self.line, self.owner, self.name = path, line, owner, name
        self.signature, self.doc = signature, doc

    def __str__(self):
        where = self.path.relative_to(TOP)
        return f"{where}:{self.line}: {self.owner + '::' if self.owner else ''}{self.name}"

    def faults(self, context):
        first = re.match(r"[A-Z]\w*", self.doc)
        word = first.group() if first else ""
        if not self.doc:
            yield "has no documentation"
            return
        if not word.endswith("s") or word in NO_VERBS:
            yield f"does not begin with what it does: \"{self.doc.splitlines()[0]}\""
        if "# Context" not in self.doc and not context:
            yield "does not say where it may be called (# Context)"
        result = RESULT.match(returned(self.signature))
        if result and not OWN_ERROR.search(result.group(1)) and not ERRORS.search(self.doc):
            yield "does not say how it fails (# Errors)"


def returned(signature):
    """The type that a function returns, if there is one."""
    depth = 0
    for at, char in enumerate(signature[signature.index("("):], signature.index("(")):
        depth += (char == "(") - (char == ")")
        if not depth:
            return signature[at + 1:].lstrip(" ->")
    return ""


def doc_before(lines, at, mark="///"):
    """The comment above line `at`, without attributes."""
    text, at = [], at - 1
    while at >= 0 and re.match(r"\s*(///|#\[|#!\[)|^\s*[^\s].*\]$", lines[at]):
        if lines[at].lstrip().startswith(mark):
            text.insert(0, lines[at].strip()[len(mark):].removeprefix(" "))
        elif not lines[at].lstrip().startswith("#"):
            break
        at -= 1
    return "\n".join(text)


def functions(path):
    """The functions of a file that count, and what types and the file say of contexts."""
    lines = path.read_text().splitlines()
    file_doc = "\n".join(line[3:] for line in lines if line.startswith("//!"))
    contexts, found, owner, is_public, bare = {}, [], None, False, []
    for at, line in enumerate(lines):
        if item := ITEM.match(line):
            doc = doc_before(lines, at)
            contexts[item.group(2)] = "# Context" in doc
            body = "\n".join(lines[at:at + 30]).split(";\n" if line.endswith(";") else "\n}")[0]
            if item.group(1) != "trait" and RELIES.search(body) and "# Invariants" not in doc:
                bare.append(f"{path.relative_to(TOP)}:{at + 1}: {item.group(2)} does not say its invariants")
        if line.startswith(("impl", "unsafe impl")):
            head = " ".join(lines[at:at + 3]).split("{")[0]
            name = IMPL.match(head)
            owner = name.group(1) if name else None
            # What is done for a trait is said there.
            is_public = " for " not in head
        elif line.startswith(("pub trait", "pub unsafe trait")) and not line.endswith("{}"):
            owner, is_public = ITEM.match(line).group(2), True
        if line.startswith("}"):
            owner, is_public = None, False
        if line.startswith(("#[cfg(rnetvirt_kunit)]", "mod tests")):
            break
        if not (fn := FN.match(line)):
            continue
        indent = len(line) - len(line.lstrip())
        trait = owner and any(re.match(rf"pub (unsafe )?trait {owner}\b", text) for text in lines[:at])
        # As one that is there in another configuration.
        if "missing_docs" in "".join(lines[max(at - 3, 0):at]):
            continue
        if indent > 4 or not (fn.group(1) or indent == 4 and trait and is_public):
            continue
        signature = line
        for more in lines[at + 1:at + 20]:
            if signature.rstrip().endswith(("{", ";")):
                break
            signature += " " + more.strip()
        found.append(Function(path, at + 1, owner if indent else None, fn.group(2), signature.strip(), doc_before(lines, at)))
    return found, contexts, "# Context" in file_doc, bare


def main():
    args = sys.argv[1:]
    if "-h" in args or "--help" in args:
        print(__doc__.strip())
        return 0
    listing = "--list" in args
    paths = [pathlib.Path(arg).resolve() for arg in args if not arg.startswith("-")] or sorted(ROOT.rglob("*.rs"))
    parsed = [functions(path) for path in paths]
    # A type's methods may be in other files.
    everything = [functions(path) for path in sorted(ROOT.rglob("*.rs"))]
    contexts = {name for _, types, _, _ in everything for name, has in types.items() if has}
    count = bad = 0
    for found, _, file_has, bare in parsed:
        if not listing:
            bad += len(bare)
            print(*bare, sep="\n", end="\n" if bare else "")
        for function in found:
            count += 1
            if listing:
                print(f"{function}\n    {function.signature}\n" + re.sub(r"(?m)^", "    | ", function.doc))
                continue
            for fault in function.faults(file_has or function.owner in contexts):
                print(f"{function} {fault}")
                bad += 1
    if not listing and not bad:
        print(f"ok: {count} functions of the safe layer say what they do, where, and how they fail")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
