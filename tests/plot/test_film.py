"""Films of fits: every step is kept, drawn alike in all frames, and written to the same bytes."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.animation import FFMpegWriter
from PIL import Image

from kan_np import KAN, MLP, create_dataset, fit_schedule
from kan_np.plot import Film

DATA = create_dataset(lambda x: np.exp(x[:, [0]]) * x[:, [1]], n_var=2, train_num=80, test_num=40, seed=0)


def fitted(film, opt="LM", steps=4, model=None, **options):
    model = KAN([2, 2, 1], grid=3, seed=0) if model is None else model
    if isinstance(model, KAN):
        options = {"smoothing": 0.0, **options}
    return model, model.fit(DATA, opt, steps, callback=film, **options)


def small():
    """A network of two edges, whose pictures are drawn soon."""
    return KAN([2, 1], grid=3, seed=0)


def part(axes, name):
    (found,) = [c for c in axes.collections if c.get_gid() == name]
    return found


def steps(film):
    return [frame.step for frame in film.frames]


@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_every_step_is_kept_as_the_model_was_and_the_fit_is_the_same(opt):
    film, seen = Film(), []
    plain, of_plain = fitted(lambda progress: seen.append(progress.step), opt, 3)
    model, result = fitted(film, opt, 3)
    np.testing.assert_array_equal(model.theta, plain.theta)
    assert dict(result) == dict(of_plain)
    assert steps(film) == list(range(len(result["train_loss"]) + 1))
    np.testing.assert_array_equal(film.frames[0].network.theta, KAN([2, 2, 1], grid=3, seed=0).theta)
    np.testing.assert_array_equal(film.frames[-1].network.theta, model.theta)
    assert film.losses["train_loss"] == result["train_loss"]
    assert film.losses["test_loss"] == result["test_loss"]
    for frame in film.frames[1:]:  # each is the model that its loss is of
        copy = model._with(frame.network)
        copy._followed = None
        rmse = np.sqrt(np.mean((copy(DATA["train_input"]) - DATA["train_label"]) ** 2))
        assert rmse == pytest.approx(result["train_loss"][frame.step - 1], rel=1e-6)


def test_the_last_step_is_kept_whatever_every_says_and_memory_is_bounded():
    film = Film(every=3)
    fitted(film, steps=8)
    assert steps(film) == [0, 3, 6, 8]
    film = Film(max_frames=4)
    _, result = fitted(film, "Adam", 30)
    n = len(result["train_loss"])
    assert len(film.frames) <= 5
    assert steps(film)[-1] == n
    assert set(np.diff(steps(film))[:-1]) == {film.every}
    assert film.every == 8


def test_frames_keep_parameters_alone():
    film = Film()
    fitted(film, steps=2, update_grid=False)
    first, *others = [frame.network for frame in film.frames]
    assert all(net.structure is first.structure for net in others)
    assert set(vars(first)) == {"structure", "values"}


def test_axes_and_squares_span_the_same_in_all_frames():
    film = Film(in_vars=["a", "b"], title="fit")
    _, result = fitted(film)
    drawn = [film.draw(number) for number in range(len(film.frames))]
    for figure in drawn:
        assert tuple(figure.get_size_inches()) == tuple(drawn[0].get_size_inches())
        network, losses = figure.axes
        assert losses.get_xlim() == drawn[0].axes[1].get_xlim()
        assert losses.get_ylim() == drawn[0].axes[1].get_ylim()
        assert [t.get_text() for t in network.texts][:2] == ["a", "b"]
        for layer in range(2):
            np.testing.assert_array_equal(
                [p.vertices for p in part(network, f"squares-{layer}").get_paths()],
                [p.vertices for p in part(drawn[0].axes[0], f"squares-{layer}").get_paths()],
            )
    # over all frames a curve reaches both ends of its square, but not in every frame
    heights = []
    for figure in drawn:
        curves = part(figure.axes[0], "curves-0").get_segments()
        boxes = [p.vertices[:4] for p in part(figure.axes[0], "squares-0").get_paths()]
        heights.append(
            [
                (c[:, 1].min() - b[:, 1].min(), b[:, 1].max() - c[:, 1].max())
                for c, b in zip(curves, boxes, strict=True)
            ]
        )
    ends = np.array(heights)
    inset = ends.min()
    assert inset > 0
    np.testing.assert_allclose(ends.min(axis=0), inset, atol=1e-6)
    assert (ends > inset + 1e-3).any(axis=2).any(axis=0).all()
    assert drawn[0].axes[1].get_title(loc="left") == f"fit, step 0 of {len(result['train_loss'])}"
    lines = drawn[2].axes[1].get_lines()
    np.testing.assert_array_equal(lines[0].get_ydata(), result["train_loss"][:2])


@pytest.mark.slow
def test_the_same_fit_gives_the_same_bytes_and_no_figure_stays(tmp_path):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    film = Film(tmp_path / "one.gif", dpi=20)
    fitted(film, steps=2, model=small())
    with mpl.rc_context({"savefig.bbox": "tight"}):
        film.save(tmp_path / "two.gif")
        fitted(Film(tmp_path / "three.gif", dpi=20), steps=2, model=small())
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "three.gif").read_bytes()
    assert (tmp_path / "one.gif").read_bytes() == (tmp_path / "two.gif").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.gif", "three.gif", "two.gif"]
    with Image.open(tmp_path / "one.gif") as film:
        assert film.n_frames == 3  # of which the last one stays for longer
        durations = []
        for number in range(3):
            film.seek(number)
            durations.append(film.info["duration"])
    assert durations[:2] == [200] * 2
    assert durations[2] > 1000
    assert pyplot.get_fignums() == before


def test_one_film_of_several_fits(tmp_path):
    path = tmp_path / "grids.gif"
    with Film(path, dpi=20) as film:
        model, first = fitted(film, steps=1, model=small())
        assert not path.exists()
        model = model.refine(6)
        _, second = fitted(film, steps=2, model=model)
    assert steps(film) == [0, 1, 2, 3]
    assert film.losses["train_loss"] == first["train_loss"] + second["train_loss"]
    with Image.open(path) as written:
        assert written.n_frames >= 3
    with pytest.raises(ValueError, match=r"width \[2, 1\], this one has \[2, 3, 1\]"):
        fitted(film, model=KAN([2, 3, 1], seed=0))


def test_what_was_kept_is_there_after_an_interrupt(tmp_path):
    film = Film(tmp_path / "film.gif")

    class Interrupted(Film):
        def __call__(self, progress):
            super().__call__(progress)
            if progress.step == 3:
                raise KeyboardInterrupt

    film = Interrupted(tmp_path / "film.gif", dpi=20)
    with pytest.raises(KeyboardInterrupt), film:
        fitted(film, steps=9, model=small())
    assert steps(film) == [0, 1, 2, 3]
    assert not (tmp_path / "film.gif").exists()
    film.save(tmp_path / "film.gif")
    assert (tmp_path / "film.gif").stat().st_size > 1000


def test_an_mlp_has_a_film_with_one_scale_of_its_weights():
    film = Film()
    fitted(film, model=MLP([2, 4, 1], seed=0))
    figure = film.draw(0)
    weights = [np.abs(frame.network.layers[0][0]) for frame in film.frames]
    largest = np.max([w.max() for w in weights])
    lines = figure.axes[0].collections[0].get_linewidths()
    np.testing.assert_allclose(lines, 0.3 + 1.5 * weights[0].ravel() / largest)


@pytest.mark.parametrize(("n", "columns"), [(1, None), (3, None), (6, 2), (50, None)])
def test_a_strip_has_its_frames_and_their_steps(n, columns, tmp_path):
    film = Film()
    fitted(film, steps=5)
    figure = film.strip(n, columns)
    wanted = min(n, len(film.frames))
    assert len(figure.axes) == wanted + 1
    labels = [text.get_text() for text in figure.texts]
    assert labels[-1] == f"step {steps(film)[-1]}"
    assert n == 1 or labels[0] == "start"
    width, height = figure.get_size_inches()
    boxes = np.array([axes.get_position().extents for axes in figure.axes])
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    for a in range(wanted):  # nothing overlaps
        for b in range(a):
            apart = (boxes[a, :2] >= boxes[b, 2:] - 1e-9) | (boxes[b, :2] >= boxes[a, 2:] - 1e-9)
            assert apart.any()
    assert height > 0.5 * width / wanted
    figure.savefig(tmp_path / "strip.pdf")
    assert (tmp_path / "strip.pdf").stat().st_size > 3000


def test_mistakes_are_told(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"\.gif"):
        Film("film.avi")
    with pytest.raises(TypeError, match="expected a path"):
        Film(3)
    with pytest.raises(FileNotFoundError, match="make it first"):
        Film(tmp_path / "none" / "film.gif")
    for option in (
        {"every": 0},
        {"fps": 0},
        {"dpi": 0.0},
        {"max_frames": 1},
        {"metric": "x"},
        {"beta": -1.0},
    ):
        with pytest.raises(ValueError, match=next(iter(option))):
            Film(**option)
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(ValueError, match="no program ffmpeg"):
        Film("film.mp4")
    empty = Film()
    for picture in (empty.draw, empty.strip, lambda: empty.save(tmp_path / "film.gif")):
        with pytest.raises(ValueError, match=r"no frames|number"):
            picture()
    with pytest.raises(RuntimeError, match="cannot follow schedules"):
        fit_schedule([2, 1], DATA, grids=(3,), restarts=1, callback=Film())
    with pytest.raises(ValueError, match="in_vars"):
        fitted(Film(in_vars=["a"]))


@pytest.mark.skipif(not FFMpegWriter.isAvailable(), reason="there is no ffmpeg")
def test_mp4_is_written(tmp_path):
    fitted(Film(tmp_path / "film.mp4", dpi=30), steps=2, model=small())
    assert (tmp_path / "film.mp4").stat().st_size > 1000
