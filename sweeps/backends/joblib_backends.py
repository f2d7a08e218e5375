"""The backends of joblib, by name: those that it registers itself, and those that other packages register."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
from collections.abc import Iterator
from typing import Any

from sweeps.backends.worker import end_with_parent
from sweeps.checks import nearest
from sweeps.errors import UserError
from sweeps.interrupts import children_ignore_terminal

#: By the name of a backend: the module and its function that registers it, in packages that users install.
_REGISTRATIONS = {
    "ray": ("ray.util.joblib", "register_ray"),
    "spark": ("joblibspark", "register_spark"),
}
#: Backends with processes of this machine, which take a function that prepares them.
_WITH_PROCESSES = ("loky", "multiprocessing")


def joblib_backend_names() -> list[str]:
    """Return the names of the backends that joblib has here, those of installed packages included."""
    from joblib.parallel import BACKENDS

    installed = [name for name, (module, _) in _REGISTRATIONS.items() if _is_installed(module)]
    return [*BACKENDS, *(name for name in installed if name not in BACKENDS)]


def check_joblib_backend(name: str) -> None:
    """Register a backend of joblib if need be.

    Raises
    ------
    UserError
        If there is none of that name; the message gives the choices and the nearest spelling.
    """
    from joblib.parallel import BACKENDS

    if name in BACKENDS:
        return
    if name not in _REGISTRATIONS:
        names = joblib_backend_names()
        raise UserError(
            f"joblib has no backend {name!r}; expected one of {', '.join(names)}.{nearest(name, names)}"
        )
    module, function = _REGISTRATIONS[name]
    if not _is_installed(module):
        package = module.partition(".")[0]
        raise UserError(f"the backend {name} needs the package {package}: pip install {package}")
    getattr(importlib.import_module(module), function)()


@contextlib.contextmanager
def open_parallel(name: str, jobs: int) -> Iterator[tuple[Any, bool]]:
    """Give a `joblib.Parallel` of so many jobs, and whether it returns a generator; end its processes then.

    Its threads or processes are kept between calls. Where the backend offers generators results come in the
    order in which they are done, else as a list.
    """
    from joblib import Parallel, parallel_config
    from joblib.parallel import get_active_backend

    check_joblib_backend(name)
    options: dict[str, Any] = {}
    if name in _WITH_PROCESSES:
        options = {"initializer": _prepare_joblib_process, "initargs": (os.getpid(),)}
    with parallel_config(name, n_jobs=jobs, **options):
        backend, _ = get_active_backend()
        has_generators = bool(backend.supports_return_generator)
        return_as = "generator_unordered" if has_generators else "list"
        parallel = Parallel(return_as=return_as, batch_size=1, pre_dispatch="2*n_jobs")
    with contextlib.ExitStack() as stack:
        with children_ignore_terminal():
            stack.enter_context(parallel)
        try:
            yield parallel, has_generators
        finally:
            if jobs > 1:  # for one job joblib calls functions in this thread, whatever the backend
                backend.abort_everything(ensure_ready=False)


def _prepare_joblib_process(parent: int) -> None:
    """Let a process of joblib ignore Ctrl-C, end with its parent, and end by SIGTERM, as pools ask for it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(parent)


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module.partition(".")[0]) is not None
