# SPDX-License-Identifier: GPL-2.0
"""Compares what was seen on both sides, field by field, and knows which
differences are declared."""

import dataclasses
import fnmatch
import json
import tomllib

CLASSES = ("chosen", "later")
ABSENT = "(absent)"


@dataclasses.dataclass(eq=False)
class Declared:
    """A row of the file of declared differences."""
    flavor: str
    scenario: list  # patterns
    field: list     # patterns
    kind: str       # one of CLASSES
    values: list    # pairs of patterns: what the C driver shows, what rnetvirt shows
    reason: str
    only: str = None  # "rnetvirt" or "drop-in": with that kind of ours, not with the other
    used: bool = False
    stale: list = dataclasses.field(default_factory=list)

    def concerns(self, scenario):
        return any(fnmatch.fnmatchcase(scenario, glob) for glob in self.scenario)

    def about(self, scenario, field):
        return self.concerns(scenario) and any(fnmatch.fnmatchcase(field, glob) for glob in self.field)

    def covers(self, difference):
        return any(fnmatch.fnmatchcase(difference.c, c) and fnmatch.fnmatchcase(difference.ours, ours)
                   for c, ours in self.values)

    def promised(self, value):
        """Whether a value that both sides show is one that only one should. What is
        not implemented yet need not differ in every field, only in one."""
        if self.kind == "later":
            return True
        return any(fnmatch.fnmatchcase(value, pattern) for pair in self.values for pattern in pair)

    def __str__(self):
        return (f"{' '.join(self.scenario)}: {' '.join(self.field)}: "
                + ", ".join(f"{c} | {ours}" for c, ours in self.values))


@dataclasses.dataclass
class Difference:
    field: str
    c: str
    ours: str
    declared: Declared = None


@dataclasses.dataclass
class Verdict:
    name: str
    word: str           # same, chosen, later, DIFFERS, STALE, ERROR
    fields: int = 0     # compared
    differences: list = dataclasses.field(default_factory=list)
    stale: list = dataclasses.field(default_factory=list)
    errors: dict = dataclasses.field(default_factory=dict)
    seconds: float = 0

    @property
    def passed(self):
        return self.word in ("same", *CLASSES)

    @property
    def reasons(self):
        return list(dict.fromkeys(d.declared.reason for d in self.differences if d.declared))


def declarations(path, flavor, ours="rnetvirt"):
    with open(path, "rb") as file:
        rows = tomllib.load(file)["difference"]
    found = []
    for number, row in enumerate(rows, 1):
        try:
            kind = row.pop("class")
            for key in ("scenario", "field"):
                row[key] = [row[key]] if isinstance(row[key], str) else row[key]
            if "values" not in row:
                row["values"] = [[row.pop("c"), row.pop("ours")]]
            entry = Declared(kind=kind, **row)
        except (KeyError, TypeError) as error:
            raise ValueError(f"difference {number} of {path}: {error}") from error
        if any(side and not side.strip("*") for pair in entry.values for side in pair):
            raise ValueError(f"difference {number} of {path} hides whatever comes: say what is seen")
        if kind not in CLASSES or not entry.reason:
            raise ValueError(f"difference {number} of {path} wants a class of {CLASSES} and a reason")
        if entry.only not in (None, "rnetvirt", "drop-in"):
            raise ValueError(f"difference {number} of {path}: only is rnetvirt or drop-in")
        if fnmatch.fnmatchcase(flavor, entry.flavor) and entry.only in (None, ours):
            found.append(entry)
    return found


def flat(value, path=""):
    """{path: text} of every leaf; a list is one leaf, since its order counts."""
    if isinstance(value, dict) and value:
        found = {}
        for key, item in value.items():
            found |= flat(item, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(value, str):
        return {path: value}
    return {path: json.dumps(value, ensure_ascii=False)}


def judge(result, declared):
    """One scenario's result, as guest.py prints it."""
    verdict = Verdict(result["name"], "same", seconds=result["seconds"])
    for side in ("c", "ours"):
        status, what = result[side]
        if status != "seen":
            verdict.errors[side] = what
    if verdict.errors:
        verdict.word = "ERROR"
        return verdict
    # What is empty on both sides is the same, and says nothing.
    if not result["c"][1]:
        verdict.errors["c"] = "nothing was observed"
        verdict.word = "ERROR"
        return verdict
    c, ours = flat(result["c"][1]), flat(result["ours"][1])
    fields = list(dict.fromkeys([*c, *ours]))
    verdict.fields = len(fields)
    for field in fields:
        one, other = c.get(field, ABSENT), ours.get(field, ABSENT)
        if one != other:
            verdict.differences.append(Difference(field, one, other))
    used = set()
    for difference in verdict.differences:
        for entry in declared:
            if entry.about(verdict.name, difference.field) and entry.covers(difference):
                difference.declared = entry
                entry.used = True
                used.add(id(entry))
                break
    # A row whose fields do not differ here promises what is not so.
    for entry in declared:
        if id(entry) not in used and any(
                entry.about(verdict.name, field) and c.get(field) == ours.get(field) and entry.promised(c[field])
                for field in fields):
            verdict.stale.append(entry)
    if any(not difference.declared for difference in verdict.differences):
        verdict.word = "DIFFERS"
    elif verdict.stale:
        verdict.word = "STALE"
    elif verdict.differences:
        kinds = {difference.declared.kind for difference in verdict.differences}
        verdict.word = "later" if "later" in kinds else "chosen"
    return verdict


def unused(declared, ran, everything):
    """Rows that no scenario needed, of those all of whose scenarios ran."""
    ran = set(ran)
    return [entry for entry in declared
            if not entry.used and all(name in ran for name in everything
                                      if entry.concerns(name))]
