"""Loss and full gradient: kan_np, its peers and the arithmetic floor in turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from benchmarks._common import median, show_table
from benchmarks.peers.cases import (
    CONTENDERS,
    FLOOR_BAR,
    JUDGED,
    LINEAR,
    NETWORKS,
    SAME,
    Contender,
    Network,
    Numbers,
)
from benchmarks.peers.checks import network_difference
from benchmarks.peers.environments import PeerError
from benchmarks.peers.process import Worker
from benchmarks.peers.results import Findings, Race, race

#: Seconds of repeated calls in one round, on each side.
ROUND_S = 0.1


def measure_gradients(ours: Worker, peers: Mapping[str, Worker], rounds: int, findings: Findings) -> None:
    """Print the table of all networks and note the bars."""
    contenders = [contender for contender in CONTENDERS if contender.peer in peers]
    header = ["network", "floor", "kan_np", *(contender.title for contender in contenders)]
    rows, differences = [], defaultdict(list)
    for network in NETWORKS:
        numbers, mine = _load(ours, network)
        floor = _floor(ours, network, rounds)
        races = {}
        for contender in contenders if network.bars else ():
            theirs = peers[contender.peer]
            try:
                theirs.ask("load", numbers=numbers, variant=contender.variant)
                differences[contender].append(network_difference(mine, theirs, numbers))
                races[contender] = race_loaded(ours, theirs, rounds)
            except PeerError as error:
                findings.unmeasured.append(f"{contender.title}, {network.name}: {error}")
        rows.append(_row(network, floor, races, contenders))
        _note(network, floor, races, findings)
    title = "Loss and gradient [us]; in brackets ours over the floor, theirs over ours; medians of the rounds"
    show_table(title, header, rows)
    for contender, found in differences.items():
        findings.same_function(contender.title, found, SAME)


def measure_piecewise_linear(ours: Worker, theirs: Worker, rounds: int, findings: Findings) -> None:
    """Print the time of mlp-kan's interpolated edges beside splines of order 1; the function is the same."""
    numbers, mine = _load(ours, LINEAR)
    try:
        theirs.ask("load", numbers=numbers, variant="interpolation")
        difference = network_difference(mine, theirs, numbers)
        found = race_loaded(ours, theirs, rounds)
    except PeerError as error:
        findings.unmeasured.append(f"mlp-kan interpolation: {error}")
        return
    findings.same_function("mlp-kan interpolation", [difference], SAME)
    row = [f"kan_np k=1 {LINEAR.name}", *(f"{micros:.0f}" for micros in found.micros), f"{found.ratio:.1f}"]
    show_table(
        "Loss and gradient, interpolated edges", ["edges", "kan_np [us]", "mlp-kan [us]", "ratio"], [row]
    )


def _load(ours: Worker, network: Network) -> tuple[Numbers, Numbers]:
    """The numbers of a network, and what our side, which keeps them loaded, makes of them."""
    numbers = network.numbers()
    ours.ask("load", numbers=numbers, variant="default")
    return numbers, ours.ask("evaluate")


def race_loaded(ours: Worker, theirs: Worker, rounds: int) -> Race:
    """Race of losses and gradients of what both workers have loaded."""
    return race(lambda: _seconds(ours), lambda: _seconds(theirs), rounds)


def _seconds(worker: Worker) -> float:
    """Median time of one loss and gradient of what the worker has loaded."""
    return median(worker.ask("time_gradient", seconds=ROUND_S)["seconds"])


def _floor(ours: Worker, network: Network, rounds: int) -> Race:
    """Race against the arithmetic alone, at the peak that matrix products show in the same round."""
    return race(lambda: _seconds(ours), lambda: network.floor_flops / ours.ask("peak")["flops"], rounds)


def _row(
    network: Network, floor: Race, races: Mapping[Contender, Race], contenders: list[Contender]
) -> list[str]:
    mine = median([*floor.ours, *(seconds for found in races.values() for seconds in found.ours)])
    missing = "not measured" if network.bars else ""
    row = [network.name, f"{floor.micros[1]:.1f}", f"{1e6 * mine:.0f} ({1 / floor.ratio:.1f})"]
    for contender in contenders:
        found = races.get(contender)
        row.append(f"{found.micros[1]:.0f} ({found.ratio:.1f})" if found else missing)
    return row


def _note(network: Network, floor: Race, races: Mapping[Contender, Race], findings: Findings) -> None:
    """Note the bars: a peer is as quick as the quickest of its ways that count."""
    for peer, bar in network.bars.items():
        ratios = [
            found.ratio
            for entry, found in races.items()
            if entry.peer == peer and entry.variant in JUDGED[peer]
        ]
        if ratios:
            findings.at_least(f"{peer} / kan_np, {network.name}", min(ratios), bar)
    if network.floor_bar:
        findings.at_most(f"kan_np / arithmetic floor, {network.name}", 1 / floor.ratio, FLOOR_BAR)
