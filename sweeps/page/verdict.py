"""The main results of a sweep in a few sentences."""

from __future__ import annotations

from collections.abc import Sequence

from sweeps.analysis.results import KAN, MLP, Point, Score, SweepResult, TaskResult
from sweeps.families import BASELINES, family_of, networks
from sweeps.page.leaders_text import leaders_verdict
from sweeps.page.number_format import count, number, share_of
from sweeps.page.style import label

#: A baseline counts as equally good as a network whose test error is smaller by less than this fraction;
#: chosen by judgement.
AS_GOOD = 0.05


def verdict(result: SweepResult) -> str:
    """Return which family won, by how much, and how often at equal parameters, in a sentence or two.

    Where KANs are counted by their edges it says which network leads with how many parameters.
    """
    if result.by_edges:
        return leaders_verdict(result)
    score = result.overall
    if score.n == 0:
        trained = [family.upper() + "s" for family in result.n_models] or ["no model"]
        return f"No comparison yet: this sweep has results of {' and '.join(trained)} only."
    winner, loser, wins = (KAN, MLP, score.kan_wins)
    factor = score.mean_ratio
    if factor < 1:
        winner, loser, wins, factor = MLP, KAN, score.mlp_wins, 1 / factor
    sentence = (
        _verdict_of_one(result, winner, loser, factor)
        if score.n == 1
        else (
            f"The best {winner.upper()} has the lower test error on {wins} of {score.n} functions; "
            f"in the geometric mean over them its error is {_times(factor)} smaller "
            f"than that of the best {loser.upper()}."
        )
    )
    # The smallest models that most functions have, and, if the lead changes as they grow, where it does.
    usual = [score for score in result.scores if 2 * score.n >= result.overall.n]
    changed = [score for score in usual if _lead(score) * _lead(usual[0]) < 0]
    for score in [*usual[:1], *changed[:1]]:
        if score.n == 1:
            ahead = "neither" if not _lead(score) else "the KAN" if _lead(score) > 0 else "the MLP"
            sentence += f" With at most {limit_text(score)} parameters each, {ahead} is ahead."
            continue
        sentence += (
            f" With at most {limit_text(score)} parameters each, the KAN is ahead on {score.kan_wins} "
            f"and the MLP on {score.mlp_wins} of {score.n}."
        )
    return sentence


def _verdict_of_one(result: SweepResult, winner: str, loser: str, factor: float) -> str:
    """Compare the best networks of the only function that has both."""
    (task,) = (task for task in result.tasks if task.overall is not None)
    point = {family: task.best[family] for family in (winner, loser)}
    said = {family: _with_share(one, task.spread) for family, one in point.items()}
    unit = f" {task.error_unit}" if task.error_unit else ""
    sentence = (
        f"The best {winner.upper()} has a {task.test_name} of {said[winner]}{unit} with "
        f"{count(point[winner].n_params)} parameters, the best {loser.upper()} {said[loser]} with "
        f"{count(point[loser].n_params)}"
    )
    return f"{sentence}: {_times(factor)} the error." if factor >= 1.05 else f"{sentence}."


def _with_share(point: Point, spread: float) -> str:
    share = share_of(point.test.median, spread)
    return f"{number(point.test.median)} ({share} of its spread)" if share else number(point.test.median)


def _lead(score: Score) -> int:
    return score.kan_wins - score.mlp_wins


def limit_text(score: Score) -> str:
    """Return the limit of a score, as in "51", or "51 to 86" where it differs between functions."""
    low, high = score.budget
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _times(factor: float) -> str:
    return f"{factor:.1f} times" if factor < 100 else f"{factor:.0f} times"


def chance_verdict(tasks: Sequence[TaskResult]) -> str:
    """Return where the networks of a family were compared from one run of each alone, "" if nowhere.

    Folds count as seeds do.
    """
    once: dict[str, list[str]] = {}
    for family in networks({family for task in tasks for family in task.best}):
        compared = [task for task in tasks if len(task.best) > 1 and family in task.best]
        found = sum(task.ran_once(family) for task in compared)
        if found:
            where = "" if found == len(compared) else f" on {found} of {len(compared)} functions"
            once.setdefault(where, []).append(f"{label(family)}s")
    if not once:
        return ""
    said = [f"{' and '.join(names)} were trained from one seed only{where}" for where, names in once.items()]
    return (
        f"{', '.join(said)}: one seed tells nothing about chance, and a difference that it shows has no "
        "interval."
    )


def baseline_verdict(tasks: Sequence[TaskResult]) -> str:
    """Return where a baseline does as well as every network, "" if no baseline was tried.

    As good is a test error at most 5 % above that of the best network, each chosen by validation.
    """
    tried = [task for task in tasks if any(family in task.best for family in BASELINES)]
    pairs = [pair for task in tried if (pair := _best_pair(task)) is not None]
    good = [(baseline, network) for baseline, network in pairs if _as_good(baseline, network)]
    if not pairs:
        return ""
    if not good:
        where = "" if len(pairs) == 1 else f" on any of the {len(pairs)} functions"
        return f"No baseline comes within {AS_GOOD:.0%} of the best network{where}."
    if len(pairs) == 1:
        baseline, network = good[0]
        name = family_of(baseline.family).one_model_of_many
        return (
            f"The {name} is as good as the best network: its test error is "
            f"{number(baseline.test.median)}, that of the best {label(network.family)} "
            f"{number(network.test.median)}."
        )
    names = sorted({label(baseline.family) for baseline, _ in good})
    return (
        f"On {len(good)} of {len(pairs)} functions a baseline ({', '.join(names)}) is as good as the best "
        f"network, its test error at most {AS_GOOD:.0%} larger."
    )


def _best_pair(task: TaskResult) -> tuple[Point, Point] | None:
    """Return the best network, after the simplest baseline that is as good, or else the best one."""
    nets = [task.best[family] for family in networks(task.best)]
    baselines = [task.best[family] for family in BASELINES if family in task.best]
    if not nets or not baselines:
        return None
    network = min(nets, key=lambda point: point.criterion)
    good = [point for point in baselines if _as_good(point, network)]
    return (good or sorted(baselines, key=lambda point: point.criterion))[0], network


def _as_good(baseline: Point, network: Point) -> bool:
    return baseline.test.median <= (1 + AS_GOOD) * network.test.median
