"""Compiled kernels on disk: fresh, intact, found again, and never the reason why a program stops.

Two kernels in two files of a small package stand for those of kan_np, of which one calls the other.
"""

from __future__ import annotations

import json
import os
import pkgutil
import runpy
import subprocess
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path

import numba
import numpy as np
import pytest
import warming
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

import kan_np.kernels
from kan_np.kernels import _cache

CALLEE = "from kan_np.kernels._jit import entry\n\n@entry\ndef twice(x):\n    return 2.0 * x[0]\n"
CALLER = (
    "from kan_np.kernels._jit import entry\nfrom package.low import twice\n\n"
    "@entry\ndef kernel(x):\n    return twice(x) + 1.0\n"
)
# `import kan_np` would take most of the time of a test; its kernels need nothing outside of their folder.
PROGRAM = f"""
import json, sys, types, warnings
import numpy as np

stub = types.ModuleType("kan_np")
stub.__path__ = {list(kan_np.__path__)!r}
sys.modules["kan_np"] = stub
if len(sys.argv) > 1:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from package.high import kernel
    value = kernel(np.array([3.0]))
stats = kernel.stats
print(json.dumps({{
    "value": value,
    "loaded": sum(stats.cache_hits.values()),
    "warnings": [str(warning.message) for warning in caught],
}}))
"""
#: What decides where caches go, beside the home of the user.
CACHE_VARIABLES = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA")
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="limits and file modes of POSIX")


@pytest.fixture
def package(tmp_path):
    """A package with two kernels; nothing of it is compiled yet."""
    folder = tmp_path / "place" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "low.py").write_text(CALLEE)
    (folder / "high.py").write_text(CALLER)
    return folder


@pytest.fixture
def start(package, tmp_path):
    """Start the program in a process of its own; `limit` is the largest file it may write, in bytes."""
    environment = {
        **{name: value for name, value in os.environ.items() if name not in CACHE_VARIABLES},
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tmp_path / "home"),
    }

    def start(*limit):
        command = [sys.executable, "-c", PROGRAM, *map(str, limit)]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)

    return start


def outcome(process):
    printed, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(printed)


def files(folder):
    return sorted(path.name.split("-")[0] for path in folder.iterdir())


@pytest.mark.slow
def test_a_process_loads_what_another_compiled_until_any_source_file_changes(package, start):
    assert outcome(start()) == {"value": 7.0, "loaded": 0, "warnings": []}
    assert outcome(start()) == {"value": 7.0, "loaded": 1, "warnings": []}
    source = package / "low.py"
    before = source.stat()
    source.write_text(CALLEE.replace("2.0", "4.0"))
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))  # as installers do that fix all times
    assert outcome(start()) == {"value": 13.0, "loaded": 0, "warnings": []}
    assert outcome(start()) == {"value": 13.0, "loaded": 1, "warnings": []}
    assert files(package / "__pycache__") == ["high.kernel", "low.twice"]


@pytest.mark.slow
def test_processes_that_compile_at_once_leave_whole_files(package, start):
    processes = [start() for _ in range(3)]
    assert [outcome(process)["value"] for process in processes] == [7.0] * 3
    assert files(package / "__pycache__") == ["high.kernel", "low.twice"]
    assert outcome(start())["loaded"] == 1


@needs_posix
def test_where_nothing_can_be_written_kernels_are_compiled_and_one_warning_says_what_to_set(start):
    result = outcome(start(0))  # no file may have a length
    assert (result["value"], result["loaded"]) == (7.0, 0)
    (message,) = result["warnings"]
    assert "NUMBA_CACHE_DIR" in message


@needs_posix
def test_a_disk_that_becomes_full_costs_one_warning_and_leaves_no_part_of_a_file(package, start):
    result = outcome(start(5000))  # enough to find that the folder takes files, too little for a kernel
    assert result["value"] == 7.0
    (message,) = result["warnings"]
    assert str(package / "__pycache__") in message
    assert files(package / "__pycache__") == []


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A function that returns a kernel as a new process has it, for a user with a home in `tmp_path`."""
    source = tmp_path / "place" / "alone.py"
    source.parent.mkdir()
    source.write_text(CALLEE)
    for name in CACHE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def fresh():
        forget()
        return runpy.run_path(str(source))["twice"]

    yield fresh
    forget()


def forget():
    """Forget what a process finds out once."""
    _cache._state_of.cache_clear()
    _cache._folders.cache_clear()
    _cache._warned = False


def call(kernel):
    """Value of a kernel, whether it was loaded, and the warnings of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = kernel(np.array([3.0]))
    return value, sum(kernel.stats.cache_hits.values()) == 1, [str(warning.message) for warning in caught]


COMPILED, LOADED = (6.0, False, []), (6.0, True, [])


def only_file(folder):
    (file,) = Path(folder).glob("alone.twice-*.nbc")
    return file


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:20],
        lambda content: content[: len(content) // 2],
        lambda content: bytes(len(content)),
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    ],
    ids=["empty", "half a seal", "half a file", "zeros", "one bit"],
)
def test_a_damaged_file_is_compiled_again_and_mended(fresh, damage):
    kernel = fresh()
    assert call(kernel) == COMPILED
    file = only_file(kernel.stats.cache_path)
    file.write_bytes(damage(file.read_bytes()))
    assert call(fresh()) == COMPILED
    assert call(fresh()) == LOADED


def test_a_file_that_can_be_neither_read_nor_replaced_costs_a_warning(fresh):
    kernel = fresh()
    call(kernel)
    file = only_file(kernel.stats.cache_path)
    file.unlink()
    file.mkdir()
    value, loaded, (message,) = call(fresh())
    assert (value, loaded) == (6.0, False)
    assert "NUMBA_CACHE_DIR" in message
    assert not list(file.parent.glob("*.tmp"))


def test_the_folder_that_the_user_names_comes_first(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "named"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "named"))
    assert [call(fresh()), call(fresh())] == [COMPILED, LOADED]
    assert only_file(fresh().stats.cache_path).is_relative_to(tmp_path / "named")
    assert not (tmp_path / "place" / "__pycache__").exists()


def test_a_package_in_a_read_only_place_uses_the_cache_of_the_user(fresh, tmp_path):
    (tmp_path / "place" / "__pycache__").touch()  # no folder can be made there, not even by an administrator
    assert [call(fresh()), call(fresh())] == [COMPILED, LOADED]
    assert only_file(fresh().stats.cache_path).is_relative_to(tmp_path / "home")


@needs_posix
@pytest.mark.parametrize("home", ["/dev/null", "relative"])
def test_a_user_without_a_home_gets_a_private_temporary_folder_and_is_told_once(
    fresh, monkeypatch, tmp_path, home
):
    monkeypatch.setenv("HOME", home)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "place" / "__pycache__").touch()
    value, _, (message,) = call(fresh())
    (private,) = (tmp_path / "temporary").iterdir()
    assert value == 6.0
    assert "NUMBA_CACHE_DIR" in message
    assert str(private) in message
    assert private.stat().st_mode & 0o777 == 0o700
    assert call(fresh()) == LOADED
    assert not (tmp_path / "relative").exists()

    private.chmod(0o777)  # what others may have put there is not loaded
    value, loaded, (message,) = call(fresh())
    assert (value, loaded) == (6.0, False)
    assert "NUMBA_CACHE_DIR" in message


def test_a_filled_cache_is_read_where_it_cannot_be_written(fresh, monkeypatch):
    kernel = fresh()
    call(kernel)
    filled = kernel.stats.cache_path
    takes_files = _cache._takes_files
    monkeypatch.setattr(_cache, "_takes_files", lambda folder: str(folder) != filled and takes_files(folder))
    again = fresh()
    assert call(again) == LOADED
    assert again.stats.cache_path != filled


def test_argument_types_have_files_of_their_own(fresh):
    kernel = fresh()
    for dtype in (np.float64, np.float32):
        kernel(np.array([3.0], dtype=dtype))
    again = fresh()
    for dtype in (np.float32, np.float64):
        assert again(np.array([3.0], dtype=dtype)) == 6.0
    assert sum(again.stats.cache_hits.values()) == 2


def test_the_compiler_is_set_up_where_a_kernel_needs_something_of_it(fresh, monkeypatch):
    call(fresh())
    kernel = fresh()
    refreshed = []
    monkeypatch.setattr(type(kernel.targetctx), "refresh", lambda context: refreshed.append(context))
    assert call(kernel) == LOADED
    assert refreshed == []
    monkeypatch.setattr(_cache.ll, "address_of_symbol", lambda name: None)
    kernel = fresh()
    assert call(kernel) == LOADED
    assert refreshed == [kernel.targetctx]


def test_recompile_starts_anew_and_a_disabled_cache_is_left_alone(fresh):
    kernel = fresh()
    call(kernel)
    file = only_file(kernel.stats.cache_path)
    file.write_bytes(b"")
    kernel.recompile()
    assert file.stat().st_size > 0
    disabled = fresh()
    disabled._cache.disable()
    assert call(disabled) == COMPILED
    enabled = fresh()
    enabled._cache.disable()
    enabled._cache.enable()
    assert call(enabled) == LOADED


def test_without_source_files_nothing_is_kept(fresh, tmp_path):
    kernel = fresh()
    (tmp_path / "place" / "alone.py").unlink()
    forget()
    kernel._cache = _cache.KernelCache(kernel.py_func)
    value, loaded, (message,) = call(kernel)
    assert (value, loaded) == (6.0, False)
    assert "no source files" in message


def test_every_kernel_has_this_cache_and_functions_of_others_keep_theirs():
    for _, name, _ in pkgutil.iter_modules(kan_np.kernels.__path__):
        module = import_module(f"kan_np.kernels.{name}")
        kernels = [entry for entry in vars(module).values() if isinstance(entry, Dispatcher)]
        assert all(isinstance(kernel._cache, _cache.KernelCache) for kernel in kernels)
    assert type(numba.njit(cache=True)(files)._cache) is FunctionCache


def test_kernels_that_were_just_compiled_give_the_bits_of_those_from_disk():
    """In the process that compiles, a callee that is not inlined is the version compiled by itself."""
    mark = warming.mark()
    if mark is None or not mark.exists() or not mark.read_bytes():
        pytest.skip("no kernels were compiled into an empty cache before the tests, as they are in .ci/run")
    assert warming.bits() == mark.read_bytes()
