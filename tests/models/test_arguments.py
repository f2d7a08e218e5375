"""Arguments that are wrong: named, shown in part, answered by what to do, refused before memory is taken."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from kan_np import KAN, MLP, _memory, create_dataset, dataset_from_arrays, fit_mlp, fit_schedule, get_suite
from kan_np._arguments import FIT, MODEL
from kan_np._validate import choice, shown
from kan_np.plot import plot_edge, plot_mlp, plot_network

X = np.linspace(-1, 1, 60).reshape(30, 2)
Y = X[:, :1] * X[:, 1:]
DATASET = dataset_from_arrays(X, Y)


@pytest.fixture
def gibibyte(monkeypatch):
    """A machine of one GiB."""
    monkeypatch.setattr(_memory, "total_memory", lambda: 2**30)


@pytest.mark.parametrize(
    ("model", "name"),
    [(KAN([2, 1]), name) for name in sorted(FIT)]
    + [(MLP([2, 1]), name) for name in sorted(FIT) if name != "weight_decay"],  # which it has
)
def test_keywords_of_other_libraries_are_answered_by_what_to_do(model, name):
    for call in (model.fit, model.train):
        with pytest.raises(TypeError) as raised:
            call(DATASET, **{name: 1})
        told = str(raised.value)
        assert told.startswith(f"{type(model).__name__}.fit has no argument {name!r}; ")
        assert FIT[name] in told
        assert "\n" not in told


def test_a_keyword_of_a_fit_is_told_from_every_function_that_fits():
    for call in (
        lambda: fit_schedule([2, 1], DATASET, grids=(3,), lr=0.1),
        lambda: KAN([2, 1], lr=0.1),
        lambda: MLP([2, 1], lr=0.1),
    ):
        with pytest.raises(TypeError, match="it is an argument of fit, and in fit_options="):
            call()
    with pytest.raises(TypeError, match="'lr'"):
        fit_mlp([2, 1], DATASET, lr=0.1)


def test_keywords_of_pykan_at_other_doors_are_answered_too():
    for call in (lambda: KAN([2, 1], device="cpu"), lambda: create_dataset(np.sum, device="cpu")):
        with pytest.raises(TypeError, match="everything is computed on the CPU, in float64"):
            call()
    for name in MODEL:
        with pytest.raises(TypeError, match=f"KAN has no argument {name!r}; "):
            KAN([2, 1], **{name: 1})


def test_hints_are_about_names_that_are_no_arguments():
    of_mlps = set(FIT) - {"weight_decay"}  # an argument there, and a hint for KANs
    for call, hints in ((KAN.fit, FIT), (MLP.fit, of_mlps), (KAN, MODEL), (MLP, MODEL)):
        assert not set(inspect.signature(call).parameters) & set(hints)


def test_other_unknown_keywords_are_compared_with_the_known_ones():
    with pytest.raises(TypeError, match=r"KAN.fit has no argument 'step'; .* Did you mean 'steps'\?"):
        KAN([2, 1]).fit(DATASET, step=3)
    with pytest.raises(TypeError, match=r"KAN has no argument 'gird'; .* Did you mean 'grid'\?"):
        KAN([2, 1], gird=3)


@pytest.mark.parametrize("model", [KAN([2, 1]), MLP([2, 1])], ids=["KAN", "MLP"])
def test_inputs_and_labels_in_place_of_a_dataset_are_one_line(model):
    before = model._theta.copy()
    for call in (lambda: model.fit(X, Y), lambda: model.fit(X, Y, 5), lambda: model.fit(X, opt=Y)):
        with pytest.raises(TypeError) as raised:
            call()
        told = str(raised.value)
        assert "dataset = dataset_from_arrays(X, y)" in told
        assert "\n" not in told
    with pytest.raises(TypeError, match="dataset is a ndarray; expected a dict"):
        model.fit(X)
    with pytest.raises(TypeError, match="dataset, opt, steps by position; pass all other arguments by name"):
        model.fit(DATASET, "LBFGS", 5, 0.1)
    assert (model._theta == before).all()


def test_signatures_and_docstrings_are_those_of_the_functions():
    assert list(inspect.signature(KAN.fit).parameters)[:4] == ["self", "dataset", "opt", "steps"]
    assert list(inspect.signature(KAN).parameters)[:3] == ["width", "grid", "k"]
    assert KAN.fit.__doc__.startswith("Train in place")
    assert create_dataset.__doc__.startswith("Sample `f` uniformly")


@pytest.mark.parametrize(
    ("opt", "meant"),
    [
        ("adamw", "Adam"),
        ("adam", "Adam"),
        ("sgd", "SGD"),
        ("lbfgs", "LBFGS"),
        ("l-bfgs", "LBFGS"),
        ("l-bfgs-b", "L-BFGS-B"),
        ("bfgs", "BFGS"),
        ("newton-cg", "Newton-CG"),
        ("lm", "LM"),
        ("Levenberg-Marquardt", "LM"),
    ],
)
def test_an_optimizer_of_another_name_has_a_did_you_mean(opt, meant):
    with pytest.raises(
        ValueError, match=f"expected one of 'LBFGS', 'LM', .*, 'auto'. Did you mean '{meant}'\\?"
    ):
        KAN([2, 1]).fit(DATASET, opt=opt)
    with pytest.raises(ValueError, match=f"Did you mean '{meant}'"):
        fit_schedule([2, 1], DATASET, grids=(3,), opt=opt, restarts=2)


@pytest.mark.parametrize("make", [KAN, MLP])
@pytest.mark.parametrize("seed", [-1, "a", 1.5, X])
def test_a_seed_that_is_none_is_named(make, seed):
    with pytest.raises((TypeError, ValueError), match=r"^seed is .*; expected an integer >= 0 or a numpy"):
        make([2, 1], seed=seed)


def test_seeds_and_generators_mean_what_they_meant():
    for make in (KAN, MLP):
        by_seed, by_generator = make([2, 3, 1], seed=7), make([2, 3, 1], seed=np.random.default_rng(7))
        assert (by_seed._theta == by_generator._theta).all()


BIG = np.arange(60000.0).reshape(30000, 2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: KAN([2, 1], grid=BIG),
        lambda: KAN([2, 1], k=BIG),
        lambda: KAN([2, 1], noise_scale=BIG),
        lambda: KAN([2, 1], base_fun=BIG),
        lambda: KAN([2, 1], base_fun="x" * 10**6),
        lambda: KAN([2, 1], grid_range=BIG.tolist()),
        lambda: KAN([2, 1], affine_trainable=BIG),
        lambda: KAN([2, 1], mult_arity=BIG.tolist()),
        lambda: KAN([2, BIG.tolist(), 1]),
        lambda: KAN([2, 1]).fit(DATASET, opt=BIG),
        lambda: KAN([2, 1]).fit(DATASET, steps=BIG),
        lambda: KAN([2, 1]).fit(DATASET, callback=BIG),
        lambda: KAN([2, 1]).fit(DATASET, smoothing=BIG.tolist()),
        lambda: KAN([2, 1]).fit(DATASET, steps=-(10**5000)),
        lambda: KAN([2, 1]).fit(DATASET, lamb=10**400),
        lambda: KAN([2, 1]).symbolic_formula(var=BIG),
        lambda: KAN([2, 1]).plot(figsize=BIG),
        lambda: create_dataset(BIG),
        lambda: create_dataset(np.sum, ranges=BIG.tolist()),
        lambda: create_dataset(lambda x: x[:, :1] * np.nan, n_var=500, train_num=3),
        lambda: fit_schedule([2, 1], DATASET, grids=list(range(5000, 0, -1))),
        lambda: choice("name", "nobody", [f"name {i}" for i in range(10**5)]),
    ],
)
def test_no_message_prints_a_whole_array(call):
    with pytest.raises((TypeError, ValueError)) as raised:
        call()
    assert len(str(raised.value)) < 1000
    assert "\n" not in str(raised.value)


def test_what_is_shown_is_short_and_whole_where_it_can_be():
    assert shown("LBFGS") == "'LBFGS'"
    assert shown([2, 5, 1]) == "[2, 5, 1]"
    assert shown(np.array([1, 2])) == "array([1, 2])"
    assert shown(np.zeros((4, 3))) == "an array of shape (4, 3)"

    class Unkind:
        def __repr__(self):
            raise RuntimeError

    assert "Unkind" in shown(Unkind())
    assert shown(10**5000) == "a value of type int"


@pytest.mark.usefixtures("gibibyte")
@pytest.mark.parametrize(
    ("call", "size"),
    [
        (lambda: KAN([2, 5, 1], grid=10**9), "a KAN of width \\[2, 5, 1\\] and grid 1000000000"),
        (lambda: KAN([2, 5, 1], grid=10**400), "GiB"),
        (lambda: KAN([3, 2, 1], grid=400_000), "grid 400000"),  # for what is there while it is made
        (lambda: KAN([2, 10**6, 10**6, 1]), "a KAN of width"),
        (lambda: KAN([2, 10**12, 1]), "a KAN of width"),
        (lambda: KAN([2, [0, 10**12], 1]), "a KAN of width"),
        (lambda: KAN([2, [1, 1], 1], mult_arity=10**12), "a KAN of width"),
        (lambda: KAN([2, 1]).refine(10**9), "grid 1000000000"),
        (lambda: KAN([2, 1]).refine(10**5), "grid 100000"),
        (lambda: KAN([2, 1], grid=10**5).update_grid(X), "grid 100000"),
        (lambda: fit_schedule([2, 1], DATASET, grids=(3, 10**9)), "grid 1000000000"),
        (lambda: MLP([2, 10**6, 10**6, 1]), "an MLP of 1000005000001 parameters"),
        (lambda: create_dataset(np.sum, train_num=10**12), "1000000001000 samples of 2 variables"),
        (lambda: create_dataset(np.sum, test_num=10**12), "1000000001000 samples of 2 variables"),
        (lambda: create_dataset(np.sum, n_var=10**12), "2000 samples of 1000000000000 variables"),
        (lambda: get_suite("toy")["product"].dataset(n_train=10**12), "samples of 2 variables"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_it_would_take(call, size):
    pattern = (
        rf"{size}.* would take at least [\d,]+ GiB of memory; expected at most the 1.0 GiB"
        if size != "GiB"
        else "GiB"
    )
    with pytest.raises(ValueError, match=pattern):
        call()


@pytest.mark.usefixtures("gibibyte")
def test_what_fits_is_made():
    assert KAN([2, 5, 1], grid=1000, k=3).n_params == 15 * 1004
    assert MLP([10, 1000, 1]).n_params == 12001
    assert create_dataset(lambda x: x[:, 0], train_num=10**5)["train_input"].shape == (10**5, 2)


def test_the_memory_of_this_machine_is_known():
    assert 2**24 < _memory.total_memory() <= 2**50


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda m: m.freeze(0, []),
            ValueError,
            "no parameters to freeze there; expected some that the model has",
        ),
        (lambda m: m.set_family(0, "chebyshev", []), ValueError, "edges is empty; expected pairs"),
        (lambda m: m.prune_node(active=5), TypeError, "active is 5; expected a list"),
        (lambda m: m.auto_symbolic(edges=5), TypeError, "edges is 5; expected a list of edges"),
        (lambda m: m.auto_symbolic(edges=["abc"]), ValueError, "expected some of the spline edges"),
        (lambda m: m.auto_symbolic(edges=(0, 0, 0)), ValueError, "expected some of the spline edges"),
        (lambda m: m.auto_symbolic(lib=3), TypeError, "names is 3; expected a list of names"),
        (lambda m: m.auto_symbolic(library=["x"]), TypeError, "expected a SymbolLibrary"),
        (lambda m: m.suggest_symbolic(0, 0, 0, library="x"), TypeError, "expected a SymbolLibrary"),
        (lambda m: m.fix_symbolic(0, 0, 0, "x", library=3), TypeError, "expected a SymbolLibrary"),
        (lambda m: m.suggest_symbolic([0], 0, 0), TypeError, r"l is \[0\] of type list"),
        (lambda m: m.symbolic_formula(x=X, y=["a"] * 30), TypeError, "y is text"),
        (lambda m: m.symbolic_formula(normalizer=["a", "b"]), TypeError, "normalizer is text"),
        (lambda m: m.set_parameters(3), TypeError, "coef is 3; expected a list"),
        (lambda m: m.set_parameters(m.coef, knots=3), TypeError, "knots is 3; expected a list"),
        (lambda m: m.set_parameters([[["a"]]]), TypeError, "coef is text"),
        (lambda m: m.set_parameters([c * np.nan for c in m.coef]), ValueError, r"coef\[0\] has NaN"),
        (lambda m: m.plot_edge(0, 0, 0, figsize=3), TypeError, "figsize is 3; expected"),
        (lambda m: m.remove_edge(0, 0, 0).plot_edge(0, 0, 0), ValueError, "it was pruned before"),
        (lambda m: plot_network(m), TypeError, "expected a Network. Draw a model with its method plot"),
        (lambda m: plot_edge(m, 0, 0, 0), TypeError, "Draw a model with its method plot_edge"),
        (lambda _: plot_mlp(MLP([2, 1])), TypeError, "expected a MlpNetwork"),
    ],
)
def test_methods_of_a_model_say_what_they_expected(call, error, says):
    model = KAN([2, 2, 1], seed=0)
    with pytest.raises(error, match=says):
        call(model)
