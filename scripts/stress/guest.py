#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The guest's side of scripts/stress.sh: runs the parts, watches the kernel's log
and prints KTAP. See stress.sh --help."""

import argparse
import os
import signal
import sys
import time

import bed
import allocations
import fuzz
import guided
import races

# Nothing of what is done here takes so long, even in an emulated guest.
STUCK = 240
# Operations on nodes for each message: they are faster.
TAPS_COUNT = 50
# All of kind rnetvirt.
FLAVORS = ["veth", "macvlan", "ipvlan", "macvtap", "ipvtap"]


class Broken(Exception):
    """After this, what else runs says nothing."""


class Supervisor:
    """Runs each step in a process group of its own and looks at the kernel's log
    meanwhile: what leaks a reference hangs, so that its process cannot tell."""

    def __init__(self):
        self.board, self.kmsg = bed.Board(), bed.Kmsg()
        self.clean = 0  # number of the fuzzer's last one before a look at the log
        self.status = 0  # what the step's process ended with

    def look(self, lines, taint_before):
        """The kernel's complaints among these lines."""
        lines += self.kmsg.new()
        text = bed.complaints(lines)
        if text or bed.tainted() & ~taint_before:
            time.sleep(3)  # for the rest of it
            lines += self.kmsg.new()
            return bed.complaints(lines) or f"the kernel is tainted: {bed.tainted():#x}"
        return ""

    def run(self, name, function, limit):
        """None, or what went wrong."""
        self.board.clear()
        self.clean = 0
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            os.setpgid(0, 0)
            try:
                text = function(self.board) or ""
            except BaseException as error:  # pylint: disable=broad-except
                text = f"{type(error).__name__}: {error}"
            os.write(write, text.encode(errors="replace")[:60000])
            os._exit(0)
        os.close(write)
        try:
            text = self.watch(name, pid, limit)
        finally:
            gone = self.end(pid)
        if not text:
            with os.fdopen(read, "rb") as pipe:
                text = pipe.read().decode(errors="replace") or bed.ended(self.status)
        else:
            os.close(read)
        if not gone:
            raise Broken(text or "its processes do not end")
        return text or None

    def watch(self, name, pid, limit):
        """Until it ends, complains or hangs."""
        start = shown = moved = time.monotonic()
        total, lines, taint = -1, [], bed.tainted()
        while True:
            gone, self.status = os.waitpid(pid, os.WNOHANG)
            if gone:
                break
            time.sleep(0.2)
            now = time.monotonic()
            bad = bed.tainted() & ~taint
            if now - shown < 10 and not bad:
                continue
            lines += self.kmsg.new()
            number = self.board.read(1)[1]
            if text := self.look(lines, taint):
                raise Broken(f"{text}\nat that time: {self.doing()}")
            self.clean, lines, shown = int(number) if number.isdigit() else 0, [], now
            if self.board.total() != total:
                total, moved = self.board.total(), now
            print(f"# {name}: {now - start:.0f} s, {total} steps, {self.doing(1)}", flush=True)
            if now - moved > STUCK or now - start > limit:
                return f"no end after {now - start:.0f} s: {self.doing()}\n{self.stacks(pid)}"
        if text := self.look(lines, taint):
            raise Broken(f"{text}\nat that time: {self.doing()}")
        return None

    def doing(self, most=32):
        lines = [text for _, text in self.board.lines()]
        return "; ".join(lines[int(time.monotonic()) % len(lines):][:most] if most == 1 and lines else lines)

    def result(self):
        """What a step that went well has to say."""
        return "\n".join(text for _, text in self.board.lines() if not text.isdigit())

    @staticmethod
    def stacks(group):
        """Where its processes are in the kernel."""
        found = []
        for task in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getpgid(int(task)) == group:
                    with open(f"/proc/{task}/stack", encoding="ascii") as file:
                        found.append(f"{task}: " + ", ".join(line.split()[-1] for line in file))
            except OSError:
                pass
        return "\n".join(found)

    @staticmethod
    def end(pid):
        """Kills the group; False if something of it stays."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                return True
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass
            time.sleep(0.1)
        return False


def prepare(kind):
    # Half of the requests name something that modprobe would look for.
    with open("/proc/sys/kernel/modprobe", "w", encoding="ascii") as file:
        file.write("\n")
    bed.ns_clear()
    # Lower devices, and what is on top of endpoints.
    for module in (kind, bed.pair_kind(kind)):
        if not bed.loaded(module):
            bed.load(module)


def finish(board, kind):
    """A link can be made; everything can be removed; nothing has leaked."""
    board.say(0, "removing namespaces and links")
    bed.ns_clear()
    if not bed.loaded(kind):
        bed.load(kind)
    bed.ns_add("S")
    bed.must("S", "new", "kind:" + bed.pair_kind(kind), "name:v0", "index:100", "up", "peer", "name:v1", "end")
    for number, flavor in enumerate(bed.stacked(kind, ("macvlan", "ipvlan", *bed.TAPS))):
        bed.must("S", "new", "kind:" + kind, "name:" + flavor, f"index:{200 + number}", "link:100", "up",
                 *bed.own(kind, flavor)())
        if flavor in bed.TAPS:
            os.close(os.open(f"/dev/tap{200 + number}", os.O_RDWR))
    bed.must("S", "del", "name:v1")
    bed.ns_clear()
    until = time.monotonic() + 60
    while left := [v["name"] for v in bed.links("-") if v["kind"]]:
        if time.monotonic() > until:
            return f"left behind: {' '.join(left)}"
        time.sleep(0.2)
    board.say(0, "unloading the module")
    bed.unload(kind)
    board.say(0, "looking for leaks")
    return bed.leaks(True)


def fault(board, args, name, until):
    text = allocations.run(board, args.kind, args.flavors, name, until)
    if text and not text.startswith(allocations.SKIP):
        return text
    return bed.leaks(False) or text


def fuzzer(what, args):
    """(function, sender) for a run of messages or frames."""
    sender = what(args.kind, args.flavors)

    def function(board):
        until = time.monotonic() + (args.time or 360) / 2
        if args.guided:
            return fuzz.run(board, sender, lambda *to: guided.send_all(*to, args.seed, until))
        source = fuzz.items(sender, args.seed, args.count)
        return fuzz.run(board, sender, lambda *to: fuzz.send_all(*to, source, until))
    return function


def fuzz_taps(board, args):
    until = time.monotonic() + (args.time or 600)
    if args.guided:
        return guided.run_taps(board, args.kind, args.flavors, args.seed, until)
    return fuzz.run_taps(board, args.kind, args.flavors, args.seed, args.first, args.count * TAPS_COUNT, until)


def replay(board, args):
    with open(args.replay, encoding="ascii") as file:
        parsed = [fuzz.parse(line) for line in file if line.strip() and not line.startswith("#")]
    sender = parsed[0][0](args.kind, args.flavors)
    source = ((n, item) for n, (_, item) in enumerate(parsed))
    return fuzz.run(board, sender, lambda *to: fuzz.send_all(*to, source, None))


def jobs(args):
    """(name, function, time limit) of everything that is to run."""
    wanted, operations = [], set()
    if args.replay:
        return [("replay", lambda board: replay(board, args), 3600),
                ("replay-removed", lambda board: finish(board, args.kind), 600)]
    for part in args.part:
        if part == "faults":
            until = args.time and time.monotonic() + args.time
            known = allocations.operations(args.kind, args.flavors)
            operations |= known.keys()
            for name in [name for name in args.op or known if name in known]:
                wanted.append((f"faults-{name}",
                               lambda board, name=name: fault(board, args, name, until), 3600))
        elif part == "races":
            seconds = args.time or 60
            wanted.append(("races", lambda board: races.run(board, args, seconds), seconds + 300))
        else:
            found = {"messages": fuzzer(fuzz.Messages, args), "frames": fuzzer(fuzz.Frames, args)}
            if any(flavor in bed.TAPS for flavor in args.flavors):
                found["taps"] = lambda board: fuzz_taps(board, args)
            operations |= found.keys()
            wanted += [(f"fuzz-{name}", found[name], 7200) for name in args.op or found if name in found]
        wanted.append((f"{part}-removed", lambda board: finish(board, args.kind), 600))
    for name in args.op or ():
        if name not in operations:
            raise LookupError(f"no operation '{name}' in {' '.join(args.part)} of {' '.join(args.flavors)}")
    return wanted


def again(name, args):
    """The command that does the same once more."""
    part, _, operation = name.partition("-")
    words = ["scripts/stress.sh", part, "--kind", args.kind, "--kernel", os.environ["KERNEL"]]
    if args.kind == "rnetvirt" and len(args.flavors) < len(FLAVORS):
        words += ["--flavor", ",".join(args.flavors)]
    if part == "replay":
        return " ".join([words[0], "fuzz", *words[2:], "--replay", args.replay])
    if part in ("faults", "fuzz") and operation != "removed":
        words += ["--op", operation]
    if part != "faults":
        words += ["--seed", args.seed] + (["--time", str(args.time)] if args.time else [])
    if part == "fuzz":
        words += ["--guided"] if args.guided else ["--count", str(args.count)]
    if operation == "taps" and args.first:
        words += ["--first", str(args.first)]
    return " ".join(words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kind", default="rnetvirt")
    parser.add_argument("--flavors", type=lambda text: text.split(","), default=["veth"])
    parser.add_argument("--seed", required=True)
    parser.add_argument("--time", type=int, default=0)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--op", action="append")
    parser.add_argument("--replay")
    parser.add_argument("--guided", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("part", nargs="*")
    args = parser.parse_args()
    try:
        todo = jobs(args)
    except LookupError as error:
        print(f"stress.sh: error: {error}", file=sys.stderr)
        return 2
    if args.list:
        print("\n".join(name for name, _, _ in todo))
        return 0
    supervisor = Supervisor()
    print(f"KTAP version 1\n1..{len(todo)}", flush=True)
    failed = broken = 0
    for number, (name, function, limit) in enumerate(todo, 1):
        if broken:
            print(f"not ok {number} {name}: did not run")
            failed += 1
            continue
        start = time.monotonic()
        # The host reads this if we do not live to tell.
        print(f"# begins: {name}: {again(name, args)}", flush=True)
        try:
            prepare(args.kind)
            text = supervisor.run(name, function, limit)
        except Broken as error:
            text, broken = str(error), True
        skip = ""
        if text and text.startswith(allocations.SKIP):
            text, skip = None, " # " + text
        took = time.monotonic() - start
        for line in (text or supervisor.result()).splitlines():
            print(f"# {line}")
        if text:
            failed += 1
            print(f"# reproduce: {again(name, args)}")
            last = supervisor.board.read(1)[1]
            if args.guided:
                print("# what was sent last: build/stress/guided/")
            elif name in ("fuzz-messages", "fuzz-frames") and last.isdigit():
                what = name.split("-")[1]
                batch = (fuzz.Messages if what == "messages" else fuzz.Frames).batch
                first = supervisor.clean // batch * batch
                print(f"# replay: {what} {args.seed} {first} {int(last) + 1}")
            if name == "fuzz-taps" and last.isdigit() and not args.guided:
                args.first = supervisor.clean // fuzz.Taps.batch * fuzz.Taps.batch
                print(f"# or from there on: {again(name, args)}")
        print(f"{'not ' * bool(text)}ok {number} {name}{skip}\n# {name} took {took:.0f} s", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
