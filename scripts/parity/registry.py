# SPDX-License-Identifier: GPL-2.0
"""What scenarios there are: functions of a bed that return what was seen."""

import fnmatch
import importlib
import pathlib

SCENARIOS = {}  # flavor: {name: function}


def scenario(*flavors):
    """Makes a function a scenario; its name with hyphens is the scenario's."""
    def register(function):
        add(flavors, function.__name__.replace("_", "-"), function)
        return function
    return register


def rows(flavors, prefix, table, function):
    """A scenario "PREFIX-KEY" for each row of a table: function(bed, *ROW)."""
    for key, row in table.items():
        row = row if isinstance(row, tuple) else (row,)
        add(flavors, f"{prefix}-{key}", lambda bed, row=row: function(bed, *row))


def add(flavors, name, function):
    for flavor in flavors:
        table = SCENARIOS.setdefault(flavor, {})
        if name in table:
            raise ValueError(f"two scenarios are called {name}")
        table[name] = function


def load():
    here = pathlib.Path(__file__).parent
    for file in sorted((here / "scenarios").glob("*.py")):
        importlib.import_module("scenarios." + file.stem)


def names(flavor, globs=()):
    """The scenarios of a flavor that match one of the patterns, or all."""
    return [name for name in SCENARIOS[flavor]
            if not globs or any(fnmatch.fnmatchcase(name, glob) for glob in globs)]
