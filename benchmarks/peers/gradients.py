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
    SMALL,
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
                races[contender] = _race(ours, theirs, rounds)
            except PeerError as error:
                findings.unmeasured.append(f"{contender.title}, {network.name}: {error}")
        rows.append(_row(network, floor, races, contenders))
        _note(network, floor, races, findings)
    title = "Loss and gradient [us]; in brackets ours over the floor, theirs over ours; medians of the rounds"
    show_table(title, header, rows)
    for contender, found in differences.items():
        findings.same_function(contender.title, found, SAME)


def measure_other_edges(ours: Worker, theirs: Worker, rounds: int, findings: Findings) -> None:
    """Print the table of mlp-kan's two kinds of edges; they carry no bar but that of the same function."""
    rows = []
    for network, variant, remark in (
        (LINEAR, "interpolation", "the same function"),
        (SMALL, "sinusoid", "another function"),
    ):
        numbers, mine = _load(ours, network)
        try:
            theirs.ask("load", numbers=numbers, variant=variant)
            if network == LINEAR:
                difference = network_difference(mine, theirs, numbers)
                findings.same_function(f"mlp-kan {variant}", [difference], SAME)
            found = _race(ours, theirs, rounds)
        except PeerError as error:
            findings.unmeasured.append(f"mlp-kan {variant}: {error}")
            continue
        name = f"{variant} edges, kan_np k={network.k} {network.name}: {remark}"
        rows.append([name, *(f"{micros:.0f}" for micros in found.micros), f"{found.ratio:.1f}"])
    show_table("Loss and gradient, other edges", ["edges", "kan_np [us]", "mlp-kan [us]", "ratio"], rows)


def _load(ours: Worker, network: Network) -> tuple[Numbers, Numbers]:
    """The numbers of a network, and what our side, which keeps them loaded, makes of them."""
    numbers = network.numbers()
    ours.ask("load", numbers=numbers, variant="default")
    return numbers, ours.ask("evaluate")


def _race(ours: Worker, theirs: Worker, rounds: int) -> Race:
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
