"""The answer at the end of a sweep over a table: which model is recommended, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sweeps.answer.stored import stored_answer
from sweeps.spec.sweep_spec import CsvSource, SweepSpec, TaskInfo

if TYPE_CHECKING:
    from sweeps.run_one import RunOptions
    from sweeps.storage.store import Store

Say = Callable[[str], None]


def answer_table(
    store: Store,
    spec: SweepSpec,
    infos: Mapping[str, TaskInfo],
    options: RunOptions,
    say: Say,
    *,
    is_new: bool,
) -> None:
    """Recommend a model of a table and keep what it is about, for the report; say it in a few sentences.

    Nothing is done for other sweeps, nor where there is an answer and no run `is_new`. If the table cannot be
    read any more that is said, and the sweep is complete without an answer.
    """
    source = spec.source
    if not isinstance(source, CsvSource):
        return
    planned = {run_id for run_id, _ in store.plan_tasks()}
    if not is_new and stored_answer(store.meta(), planned) is not None:
        return
    from sweeps.answer import words
    from sweeps.answer.evidence import Question
    from sweeps.answer.giving import give_answer

    (info,) = infos.values()
    say("choosing a model and looking at what it does ...")
    try:
        found = give_answer(store, Question(info.name, source.target, info.description), options)
    except (OSError, ValueError) as error:
        say(f"no model is recommended: {error}")
        return
    if found is None:
        say("no model is recommended: that takes one target, validation rows, and models that are stored.")
        return
    for sentence in (words.headline(found), words.model_sentence(found), words.warning_of_size(found)):
        if sentence:
            say(sentence)
