"""Builds the suites, runs them on each device and says what passed: `python -m conformance`. Status 0: all passed or are listed."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from barista.bitstream import build as bitstream
from barista.errors import BaristaError
from conformance import table
from conformance.programs import Programs, Result
from conformance.verdict import Tally, Verdict, judge

DEVICES = ("emulator", "pocl")
# Small enough that the last shards of a device end together, large enough that opening the device does not count.
_SHARD_TESTS = 8
_COLUMNS = ("passed", "listed", "failed", "none of ours", "calls", "on the device", "stock", "s")


def main() -> int:
    options = _options()
    try:
        return _run(options)
    except BaristaError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance", description="Runs Caffe's own tests against Barista's layers.")
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help="test_SUITE.cpp of Caffe (default: all that the table of layer types names)"
    )
    parser.add_argument("--quick", action="store_true", help=f"the suites {' and '.join(table.QUICK)}")
    parser.add_argument("--device", action="append", help="a device as 'barista devices' names it (default: emulator and pocl)")
    parser.add_argument("--build-dir", type=Path, help="CMake's build folder (default: the one that the plugin is in)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at a time (default: the cores)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what every test did to FILE")
    options = parser.parse_args()
    if unknown := [suite for suite in options.suites if suite not in table.suites()]:
        parser.error(f"suite {unknown[0]}: not in the table of layer types, which has {', '.join(table.suites())}")
    return options


def _run(options: argparse.Namespace) -> int:
    suites = options.suites or (list(table.QUICK) if options.quick else table.suites())
    programs = Programs(options.build_dir)
    print(f"compiling {len(suites)} suites of {programs.source_dir}", flush=True)
    programs.build(suites, options.jobs)
    known = table.exceptions()
    whole = set(suites) == set(table.suites())
    verdicts = {}
    record = {}
    for device in options.device or DEVICES:
        results = _run_on(device, programs, suites, options.jobs)
        verdicts[device] = judge(results, table.layers(), known, whole)
        record[device] = [{**vars(r), "layers": {name: vars(calls) for name, calls in r.layers.items()}} for r in results]
    if options.json:
        options.json.write_text(json.dumps(record, indent=1), encoding="utf-8")
    for device, verdict in verdicts.items():
        _print_verdict(device, verdict)
    print(f"\nknown exceptions: {len(known)} (barista/layers/stock)")
    failed = sum(len(verdict.complaints) for verdict in verdicts.values())
    print(f"{failed} complaints" if failed else "all float tests pass or are listed")
    return 1 if failed else 0


def _run_on(device: str, programs: Programs, suites: Sequence[str], jobs: int) -> list[Result]:
    binary, found = bitstream.resolve(device)
    variables = {**os.environ, **bitstream.environment(binary, found)}
    shards = [(suite, shard) for suite in suites for shard in _shards(programs.tests(suite))]
    print(f"{device}: {sum(len(tests) for _, tests in shards)} tests in {len(shards)} shards, {jobs} at a time", flush=True)
    start = time.monotonic()
    results = []
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(programs.run, suite, tests, variables): suite for suite, tests in shards}
        try:
            for count, future in enumerate(as_completed(running), 1):
                results += future.result()
                print(f"  {count}/{len(shards)} {running[future]}, {time.monotonic() - start:.0f} s", flush=True)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    print(f"{device}: {time.monotonic() - start:.0f} s", flush=True)
    order = {suite: number for number, suite in enumerate(suites)}
    return sorted(results, key=lambda result: order[result.suite])


def _shards(tests: Sequence[str]) -> Iterator[Sequence[str]]:
    """Every n-th test: neighbours in a suite take alike long."""
    count = -(-len(tests) // _SHARD_TESTS)
    return (tests[start::count] for start in range(count))


def _print_verdict(device: str, verdict: Verdict) -> None:
    print(f"\n{device}")
    print(f"  {'suite':28}" + "".join(f"{column:>14}" for column in _COLUMNS))
    for suite, tally in [*verdict.tallies.items(), ("total", verdict.total)]:
        print(f"  {suite:28}" + "".join(f"{cell:>14}" for cell in _cells(tally)))
    for complaint in verdict.complaints:
        print("  " + complaint.replace("\n", "\n    "))


def _cells(tally: Tally) -> Iterator[str]:
    calls = tally.calls
    counts = (tally.passed, tally.listed, tally.failed, tally.none_of_ours, calls.calls, calls.on_device, calls.stock)
    yield from (f"{count:,}" for count in counts)
    yield f"{tally.seconds:.1f}"


if __name__ == "__main__":
    sys.exit(main())
