#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""In a guest: real applications between two namespaces; one JSON object per row.

apps.py --rounds N --traffic PROGRAM ROW...
"""

import argparse
import json
import subprocess
import sys
import time

import rows
from guest import Failed, add_netns, counters, ip, say, settle
from measure import median


def iperf3(which, options):
    """Bits per second that arrived."""
    inside = ["ip", "netns", "exec"]
    with subprocess.Popen(
        [*inside, f"{which}2", "iperf3", "-s", "-1", "--forceflush"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        for line in server.stdout:
            if "Server listening" in line:
                break
        client = subprocess.run(
            [*inside, f"{which}1", "iperf3", "-J", "-c", "198.18.0.2", *options.split()],
            text=True,
            capture_output=True,
            check=False,
        )
        if client.returncode:
            server.kill()
            raise Failed(f"iperf3: {client.stdout.strip()[-300:]} {client.stderr.strip()}")
        server.stdout.read()
    end = json.loads(client.stdout)["end"]
    if "sum_received" in end:
        return end["sum_received"]["bits_per_second"]
    # UDP: what the server did not get is not throughput.
    return end["sum"]["bits_per_second"] * (1 - end["sum"]["lost_percent"] / 100)


def request_response(which, proto, args):
    """Transactions per second."""
    count = 20000
    done = subprocess.run(
        [args.traffic, "rr", f"{which}1", f"{which}2", proto, str(count)],
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stderr.strip())
    return count * 1e9 / int(done.stdout.split()[1])


def measure(row, args):
    figures = {"c": [], "ours": []}
    for attempt in range(args.rounds + 1):
        for which, values in figures.items() if attempt % 2 else reversed(figures.items()):
            before = counters(f"{which}2", "rx0")
            values.append(
                iperf3(which, row["iperf3"]) if "iperf3" in row else request_response(which, row["rr"], args)
            )
            after = counters(f"{which}2", "rx0")
            if after["rx"] - before["rx"] < 100:
                raise Failed(f"{which}: next to nothing went through rx0")
        if attempt == 0:
            figures = {which: [] for which in figures}
        time.sleep(0.2)
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--traffic", required=True)
    parser.add_argument("rows", nargs="+")
    args = parser.parse_args()
    flavor = None
    for netns in ("c1", "c2", "ours1", "ours2"):
        add_netns(netns)
    failed = 0
    for name in args.rows:
        row = rows.APPS[name]
        if row["flavor"] != flavor:
            flavor = row["flavor"]
            subprocess.run(["modprobe", "-q", flavor], check=False)
            commands = rows.TOPOLOGIES["pair-netns"][0]
            for which in ("c", "ours"):
                ip(f"{which}1", commands, kind=rows.KINDS[flavor][which], n2=f"{which}2")
                ip(f"{which}1", rows.ADDRESSES_TX)
                ip(f"{which}2", rows.ADDRESSES_RX)
            settle()
        answer = {"row": name}
        try:
            answer.update(measure(row, args))
            ratio = median([o / c for c, o in zip(answer["c"], answer["ours"])])
            say(f"{name}: ours / C {ratio:.3f}")
        except (Failed, OSError) as err:
            failed += 1
            answer["error"] = str(err)
            say(f"{name}: {err}")
        print(json.dumps(answer), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
