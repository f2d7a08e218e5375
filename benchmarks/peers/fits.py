"""Whole fits: kan_np and a peer in turn, both warm."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks._common import show_table
from benchmarks.peers.cases import SAME, Fit, Numbers, fits
from benchmarks.peers.checks import mlp_difference
from benchmarks.peers.environments import PeerError
from benchmarks.peers.process import Worker
from benchmarks.peers.results import Findings, Race


def measure_fits(ours: Worker, peers: Mapping[str, Worker], rounds: int, findings: Findings) -> None:
    """Print the table of the fits whose peer is there and note the bars."""
    rows = []
    for fit in fits():
        if fit.peer not in peers:
            continue
        theirs = peers[fit.peer]
        try:
            if fit.grid is None:
                differences = [mlp_difference(ours, theirs, fit.width, fit.dataset["train_input"])]
                findings.same_function(f"{fit.peer} MLP", differences, SAME)
            found, rmse = _race(fit, ours, theirs, rounds)
        except PeerError as error:
            findings.unmeasured.append(f"{fit.peer}, {fit.name}: {error}")
            continue
        findings.at_least(f"{fit.peer} / kan_np, {fit.name}", found.ratio, fit.bar)
        mine, other = (f"{micros / 1e3:.3f}" for micros in found.micros)
        rows.append([fit.name, fit.peer, mine, other, f"{found.ratio:.1f}", rmse])
    if rows:
        header = ["fit", "peer", "kan_np [ms]", "peer [ms]", "ratio", "test RMSE: kan_np, peer"]
        show_table("Whole fits, medians of the rounds, a seed each", header, rows)


def _race(fit: Fit, ours: Worker, theirs: Worker, rounds: int) -> tuple[Race, str]:
    """Fits in turn after a short one on each side, and where the last of both ended.

    Seconds are those of the fit, or of one evaluation where the workers count them: then the two do not
    take the same number.
    """
    request = "time_fit" if fit.grid else "time_mlp_fit"
    answers: dict[Worker, list[Numbers]] = {ours: [], theirs: []}
    for worker in answers:
        worker.ask(request, **fit.request(seed=0, steps=2))
    for seed in range(rounds):
        for worker, given in answers.items():
            given.append(worker.ask(request, **fit.request(seed)))
    mine, other = (tuple(a["seconds"] / a.get("evaluations", 1) for a in given) for given in answers.values())
    ends = [f"{given[-1]['test_rmse']:.1e}" for given in answers.values() if "test_rmse" in given[-1]]
    return Race(mine, other), ", ".join(ends)
