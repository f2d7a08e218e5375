"""What a user holds: construction, prediction, refinement, copies, files, messages."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kan_np import KAN, MLP, Scaler, create_dataset, dataset_from_arrays, load_model
from kan_np.model_file import FORMAT_VERSION

RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, (500, 2))


def product(n=300, seed=0):
    return create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=n, test_num=100, seed=seed)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (KAN([2, 5, 1], 5, 3), 15 * 9),
        (KAN([2, 5, 1], 5, 3, base_fun="zero"), 15 * 8),
        (KAN([3, 2, 2], 1, 0), 10 * 2),
        (MLP([2, 20, 20, 1]), 2 * 20 + 20 + 400 + 20 + 20 + 1),
    ],
)
def test_n_params_counts_trainable_scalars(model, expected):
    assert model.n_params == expected == model._theta.size


def test_same_seed_same_bits_and_the_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    a, b, c = (KAN([2, 5, 1], seed=s)(X) for s in (3, 3, 4))
    assert (a == b).all()
    assert not (a == c).all()
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_arguments_are_not_changed():
    width, grid_range = [2, 3, 1], np.array([[-1.0, 1.0], [0.0, 2.0]])
    model = KAN(width, grid_range=grid_range)
    model.width.append(9)
    assert width == model.width == [2, 3, 1]
    assert (grid_range == [[-1, 1], [0, 2]]).all()


def test_grid_range_per_input_places_the_first_grids():
    model = KAN([2, 3, 1], 4, grid_range=[[-3, -1], [0, 10]])
    np.testing.assert_allclose(model.knots[0], [np.linspace(-3, -1, 5), np.linspace(0, 10, 5)])
    np.testing.assert_allclose(model.knots[1], np.tile(np.linspace(-1, 1, 5), (3, 1)))


@pytest.mark.parametrize("k", range(6))
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_refining_to_a_multiple_keeps_the_function_and_the_old_model(k, factor):
    model = KAN([2, 3, 1], 4, k, seed=1, noise_scale=5.0, grid_eps=0.02)
    model.update_grid(X)
    before = model(X)
    fine = model.refine(4 * factor)
    assert fine.grid == 4 * factor
    assert model.grid == 4
    np.testing.assert_allclose(fine(X), before, atol=1e-12)
    assert (model(X) == before).all()


@pytest.mark.parametrize("mode", ["smooth", "linear", "continue", "constant", "error"])
@pytest.mark.parametrize("k", range(6))
def test_refining_to_a_multiple_keeps_the_function_outside_the_grids_too(k, mode, tmp_path):
    model = KAN([2, 3, 1], 4, k, seed=1, noise_scale=2.0, grid_eps=0.02, extrapolation=mode)
    model.update_grid(X)
    model.set_parameters([3.0 * c for c in model.coef])  # hidden values leave their grids
    x = X if mode == "error" else 1.6 * X  # such inputs too, where that is allowed
    hidden = model._network.node_values(x)[2:5]
    assert (np.abs(hidden) > np.abs(model.knots[1]).max()).any()
    twice = model.refine(8).refine(24)
    size = np.abs(model(x)).max()
    np.testing.assert_allclose(twice(x), model(x), atol=1e-8 * size)  # far outside, order 5 amplifies
    twice.save(tmp_path / "m.npz")
    assert (load_model(tmp_path / "m.npz")(x) == twice(x)).all()
    assert (twice.copy()(x) == twice(x)).all()
    same = twice.copy()
    same.set_parameters(twice.coef)
    assert (same(x) == twice(x)).all()


def test_after_an_update_the_grids_carry_on_for_one_interval_again():
    model = KAN([2, 3, 1], 4, seed=1).refine(16)
    np.testing.assert_array_equal(model._network.table.reach, 0.5)
    model.update_grid(X)
    knots = np.concatenate(model.knots)
    np.testing.assert_array_equal(model._network.table.reach, np.diff(knots, axis=1)[:, [0, -1]])


def test_a_file_of_format_1_has_grids_that_carry_on_for_one_interval():
    model = KAN([2, 3, 1], 4, seed=1)
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    arrays = dict(np.load(buffer))
    header = json.loads(str(arrays["header"])) | {"version": 1}
    del arrays["reach"]
    old = io.BytesIO()
    np.savez(old, **{**arrays, "header": np.array(json.dumps(header))})
    old.seek(0)
    assert (load_model(old)(2 * X) == model(2 * X)).all()


def test_refining_to_another_grid_stays_close():
    model = KAN([2, 3, 1], 10, 3, seed=1)
    model.fit(product(), steps=5)
    np.testing.assert_allclose(model.refine(17)(X), model(X), atol=1e-2)


def test_updating_the_grid_follows_the_samples_and_keeps_the_function_there():
    model = KAN([2, 3, 1], 12, 3, seed=1)
    inside = 0.5 * X
    before = model(inside)
    model.update_grid(inside)
    np.testing.assert_allclose(model.knots[0][:, 0], inside.min(axis=0))
    np.testing.assert_allclose(model.knots[0][:, -1], inside.max(axis=0))
    np.testing.assert_allclose(model(inside), before, atol=2e-3)


def test_hidden_nodes_can_be_permuted():
    model = KAN([2, 4, 1], seed=5, noise_scale=3.0)
    order = np.array([2, 0, 3, 1])
    other = model.copy()
    coef, weight, knots = model.coef, model.scale_base, model.knots
    other.set_parameters(
        [coef[0][:, order], coef[1][order]],
        [weight[0][:, order], weight[1][order]],
        [knots[0], knots[1][order]],
    )
    np.testing.assert_allclose(other(X), model(X), rtol=1e-13, atol=1e-13)


def test_a_copy_is_independent():
    model = KAN([2, 3, 1], seed=1)
    twin = model.copy()
    before = model(X)
    twin.fit(product(), steps=2)
    assert (model(X) == before).all()
    assert not np.allclose(twin(X), before)


@pytest.mark.slow
@pytest.mark.parametrize("make", [lambda: KAN([2, 3, 1], seed=1), lambda: MLP([2, 6, 1], seed=1)])
def test_prediction_does_not_depend_on_batches_order_or_layout(make):
    model = make()
    x = RNG.uniform(-1, 1, (20_000, 2))
    whole = model.predict(x)
    np.testing.assert_allclose(model.predict(x, batch_size=777), whole, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(model.predict(x[::-1])[::-1], whole, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(model.predict(np.asfortranarray(x)), whole, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(model.predict(x.astype(np.float32)), whole, rtol=1e-4, atol=1e-5)
    readonly = x.copy()
    readonly.flags.writeable = False
    assert (model(readonly) == whole).all()
    assert (model.predict(x[:1].tolist())[0] == model(x[:1])[0]).all()


def test_prediction_reads_an_array_on_disk_in_parts(tmp_path):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.float64, shape=(5000, 2))
    x[:] = RNG.uniform(-1, 1, x.shape)
    model = KAN([2, 2, 1], seed=0)
    np.testing.assert_allclose(model.predict(x, batch_size=100), model(np.array(x)), rtol=1e-13)


@pytest.mark.parametrize("mode", ["smooth", "linear", "continue", "constant", "zero", "error"])
@pytest.mark.parametrize("kind", [KAN, MLP])
def test_save_and_load_give_back_the_same_bits(kind, mode, tmp_path):
    model = (
        KAN([2, 3, 2], 7, 2, extrapolation=mode, base_fun="identity", grid_eps=0.3, seed=4)
        if kind is KAN
        else MLP([2, 5, 2], "silu", seed=4)
    )
    model.scaler = Scaler.fit(X + 3, 5 * X)
    x = 0.5 * X
    if kind is KAN:
        model.update_grid(X)
        x = X[:1]
    path = tmp_path / "m.npz"
    model.save(path)
    again = load_model(path)
    assert type(again) is kind
    assert repr(again) == repr(model)
    assert (again(x) == model(x)).all()
    assert (again._theta == model._theta).all()
    assert (again.scaler.label_scale == model.scaler.label_scale).all()
    assert list(tmp_path.iterdir()) == [path]
    buffer = io.BytesIO()
    again.save(buffer)
    assert buffer.getvalue() == path.read_bytes()


def test_a_loaded_model_trains_on_like_the_original():
    model = KAN([2, 3, 1], seed=2)
    model.fit(product(), steps=3)
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    again = load_model(buffer)
    for m in (model, again):
        m.fit(product(), steps=3)
    assert (model._theta == again._theta).all()


def test_saving_over_a_model_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "m.npz"
    KAN([2, 1], seed=0).save(path)
    old = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("kan_np.model_file.np.savez", fail)
    with pytest.raises(OSError, match="disk full"):
        KAN([2, 1], seed=1).save(path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


@example(cut=1706, flip=1)
@example(cut=1708, flip=1)
@given(cut=st.integers(0, 2000), flip=st.integers(0, 255))
def test_damaged_files_are_refused_with_a_value_error(cut, flip):
    buffer = io.BytesIO()
    KAN([2, 1], seed=0).save(buffer)
    data = bytearray(buffer.getvalue())
    with pytest.raises(ValueError, match=r"damaged|not a kan_np model|something else"):
        load_model(io.BytesIO(bytes(data[: min(cut, len(data) - 1)])))
    data[min(cut, len(data) - 1)] ^= flip
    try:
        model = load_model(io.BytesIO(bytes(data)))
    except ValueError:
        return
    assert isinstance(model, KAN)  # the flipped bit lay where the archive keeps nothing


@pytest.mark.parametrize(
    "header",
    [
        "[1, 2]",
        "{}",
        '{"format": "kan_np model", "kind": "KAN"}',
        '{"format": "kan_np model", "version": 1, "kind": []}',
    ],
)
def test_a_strange_header_is_refused(header):
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array(header))
    buffer.seek(0)
    with pytest.raises(ValueError, match="not a kan_np model"):
        load_model(buffer)


def test_saved_files_have_the_permissions_of_any_other_file(tmp_path):
    (tmp_path / "other").touch()
    KAN([2, 1]).save(tmp_path / "m.npz")
    assert (tmp_path / "m.npz").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_messages_of_a_long_prediction_name_the_row_of_the_user():
    x = np.zeros((3000, 2))
    x[2500, 1] = np.nan
    with pytest.raises(ValueError, match=r"first at index \(2500, 1\)"):
        KAN([2, 1]).predict(x, batch_size=1000)
    x[2500, 1] = 7.0
    with pytest.raises(ValueError, match="at sample 2500"):
        KAN([2, 1], extrapolation="error").predict(x, batch_size=1000)


def test_a_pickle_is_not_read(tmp_path):
    path = tmp_path / "evil.npz"
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="cannot be read as a kan_np model"):
        load_model(path)


def test_a_newer_format_is_named(tmp_path):
    path = tmp_path / "m.npz"
    KAN([2, 1]).save(path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    newer = json.loads(str(arrays["header"])) | {"version": FORMAT_VERSION + 1}
    np.savez(path, **arrays | {"header": np.array(json.dumps(newer))})
    with pytest.raises(
        ValueError, match=rf"format version {FORMAT_VERSION + 1}, this kan_np reads up to {FORMAT_VERSION}"
    ):
        load_model(path)


def test_extrapolation_error_refuses_and_names_the_input():
    model = KAN([2, 3, 1], extrapolation="error", noise_scale=0.0, scale_base_sigma=0.1)
    assert model([[0.5, -1.0]]).shape == (1, 1)
    for evaluate in (model, model.predict, model.input_jacobian):
        with pytest.raises(
            ValueError, match=r"input 1 has 1 values outside its grid \[-1, 1\].* at sample 1"
        ):
            evaluate([[0.5, 0.0], [0.5, 1.01]])


def test_predict_undoes_the_standardisation_of_the_data():
    x = RNG.uniform(100, 300, (400, 2))
    y = 1e4 + x[:, [0]] * x[:, [1]]
    dataset = dataset_from_arrays(x, y, standardize=True, seed=0)
    model = KAN([2, 2, 1], grid=3, seed=0)
    model.fit(dataset, steps=20)
    error = np.sqrt(np.mean((model.predict(x) - y) ** 2))
    assert error < 0.02 * y.std()
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    assert (load_model(buffer).predict(x) == model.predict(x)).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: KAN([2]), ValueError, "at least inputs and outputs"),
        (lambda: KAN([2, 0, 1]), ValueError, r"width\[1\] is 0; expected an integer >= 1"),
        (lambda: KAN([2, 1.5, 1]), TypeError, r"width\[1\] is 1.5"),
        (lambda: KAN("251"), TypeError, "expected a list of node counts"),
        (lambda: KAN([2, 1], k=6), ValueError, "k is 6; expected an integer from 0 to 5"),
        (lambda: KAN([2, 1], grid=0), ValueError, "grid is 0"),
        (lambda: KAN([2, 1], base_fun="sillu"), ValueError, "Did you mean 'silu'"),
        (lambda: KAN([2, 1], extrapolation="linaer"), ValueError, "Did you mean 'linear'"),
        (lambda: KAN([2, 1], grid_range=(1, 1)), ValueError, "finite low < high"),
        (
            lambda: KAN([2, 1], grid_range=(1, 2, 3)),
            ValueError,
            r"expected \(2,\) for all inputs or \(2, 2\)",
        ),
        (
            lambda: KAN([2, 1], grid_eps=1.5),
            ValueError,
            r"grid_eps is 1.5; expected a finite number in \[0, 1\]",
        ),
        (lambda: KAN([2, 1]).refine(4), ValueError, "grid is 4; expected an integer >= 5"),
        (lambda: KAN([2, 1])(np.zeros((5, 3))), ValueError, r"x has 3 columns, shape \(5, 3\); expected 2"),
        (lambda: KAN([2, 1])([[0.0, np.nan]]), ValueError, "1 NaN or infinite values, the first at index"),
        (lambda: KAN([2, 1])([[{}, 1.0]]), TypeError, "cannot be read as an array of numbers"),
        (lambda: KAN([2, 1])(np.zeros((5, 2)) + 1j), TypeError, "x is complex"),
        (lambda: KAN([2, 1]).predict(np.zeros((0, 2))), ValueError, "x has no rows"),
        (lambda: KAN([2, 1]).predict(0.5), ValueError, "1 columns.*expected 2"),
        (
            lambda: KAN([2, 1])([0.5, 0.1]),
            ValueError,
            r"shape \(2,\); expected 2 columns. For one sample pass",
        ),
        (lambda: KAN([2, 1])([["1", "2"]]), TypeError, "x is text"),
        (
            lambda: KAN([2, 1])([]),
            ValueError,
            r"x is empty, shape \(0,\); expected \(n_samples, n_features\)",
        ),
        (
            lambda: KAN([1, 1])(np.array(["2024-03-01", "2024-03-02"], dtype="datetime64[D]")),
            TypeError,
            r"x holds dates or times, dtype datetime64\[D\]; expected numbers.*timedelta64\(1, 's'\)",
        ),
        (lambda: KAN([1, 1])(np.array([1, 2], dtype="timedelta64[s]")), TypeError, "dates or times"),
        (
            lambda: KAN([2, 1])(np.array([[1.0, np.datetime64("2024-03-01")]], dtype=object)),
            TypeError,
            "x holds dates or times, dtype object",
        ),
        (lambda: KAN([1, 1])(np.ma.array([1.0, 2.0], mask=[False, True])), TypeError, "masked values"),
        (lambda: KAN([2, 1], grid_range="abc"), TypeError, "expected numbers"),
        (lambda: KAN([2, 1]).save("no/such/folder/m.npz"), FileNotFoundError, "there is no folder"),
        (lambda: KAN([2, 1]).set_parameters([np.zeros((2, 1, 7))]), ValueError, "coef has shapes"),
        (lambda: MLP([2, 1], activation="Tanh"), ValueError, "Did you mean 'tanh'"),
    ],
)
def test_bad_input_gets_one_clear_message(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_import_is_light_and_compiles_nothing():
    code = (
        "import sys, kan_np\n"
        "heavy = {'sympy', 'matplotlib', 'sklearn', 'dask', 'rich', 'joblib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from kan_np.kernels import dense_basis, gauss_newton, layer, network, polynomials, spline\n"
        "for module in (gauss_newton, layer, network, dense_basis, polynomials, spline):\n"
        "    for name, kernel in vars(module).items():\n"
        "        assert not getattr(kernel, 'signatures', []), name\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
