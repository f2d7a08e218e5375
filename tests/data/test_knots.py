"""The table of knots that ships, and the script that makes such tables."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from kan_np.data import load_knots
from kan_np.data.knots import COLUMNS, natural_slope
from kan_np.data.make_knots import cached_knots, data_folder, make_knots, signature


def test_the_table_that_ships():
    knots = load_knots()
    assert tuple(knots) == COLUMNS
    assert {len(column) for column in knots.values()} == {2000}
    assert len(set(knots["name"])) == 2000
    assert (knots["signature"] % 2 == 0).all()
    assert (np.abs(knots["chern_simons"]) <= 0.25 + 1e-9).all()
    # the area of the boundary of a cusp is twice its volume, and the base times the height of a parallelogram
    area = np.abs(knots["meridional_translation_imag"]) * knots["longitudinal_translation"]
    np.testing.assert_allclose(2 * knots["cusp_volume"], area, rtol=1e-9)
    assert (knots["cusp_volume"] < knots["volume"]).all()
    # a horoball of full size at the cusp: no translation is shorter than 1
    assert np.hypot(knots["meridional_translation_real"], knots["meridional_translation_imag"]).min() >= 1.0
    assert np.corrcoef(natural_slope(knots), knots["signature"])[0, 1] < -0.96


def test_natural_slope_is_the_real_part_of_the_quotient_of_translations():
    knots = {key: column[:50] for key, column in load_knots().items()}
    mu = knots["meridional_translation_real"] + 1j * knots["meridional_translation_imag"]
    np.testing.assert_allclose(
        natural_slope(knots), (knots["longitudinal_translation"] / mu).real, rtol=1e-12
    )


def test_a_table_of_other_columns_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="has the columns a, b; expected name, signature"):
        load_knots(tmp_path / "other.csv")


def test_packed_and_plain_tables_are_the_same(tmp_path):
    lines = [",".join(COLUMNS), "K4a1,0,0.5,1.5,6.0,2.0,0.125,1.1,4"]
    (tmp_path / "plain.csv").write_text("\n".join(lines) + "\n")
    with gzip.open(tmp_path / "packed.csv.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")
    plain, packed = load_knots(tmp_path / "plain.csv"), load_knots(tmp_path / "packed.csv.gz")
    assert {key: column.tolist() for key, column in plain.items()} == {
        key: column.tolist() for key, column in packed.items()
    }
    assert plain["crossings"].dtype.kind == "i"


def test_signatures_of_known_knots():
    trefoil, figure_eight = [[1, -1], [0, 1]], [[1, 1], [0, -1]]
    assert (signature(trefoil), signature(figure_eight), signature([])) == (2, 0, 0)
    assert signature((-np.array(trefoil).T).tolist()) == -2  # the mirror image


def test_the_folder_is_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("KAN_NP_DATA", str(tmp_path / "here"))
    assert data_folder() == tmp_path / "here"
    monkeypatch.delenv("KAN_NP_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "kan_np"


def test_a_table_is_read_where_it_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("KAN_NP_DATA", str(tmp_path))
    (tmp_path / "knots-1-3.csv.gz").write_bytes(
        gzip.compress((",".join(COLUMNS) + "\nK4a1,0,0.5,1.5,6.0,2.0,0.125,1.1,4\n").encode())
    )
    assert cached_knots(1, seed=3)["name"].tolist() == ["K4a1"]


def test_without_snappy_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "snappy", None)
    with pytest.raises(ImportError, match=r"pip install 'kan_np\[knots\]'"):
        make_knots(tmp_path / "knots.csv", 3)
    assert not list(tmp_path.iterdir())


def test_snappy_makes_what_the_invariants_allow(tmp_path):
    pytest.importorskip("snappy")
    assert make_knots(tmp_path / "knots.csv", 5, seed=0) == 0
    made, shipped = load_knots(tmp_path / "knots.csv"), load_knots()
    assert made["name"].tolist() == shipped["name"][:5].tolist()  # whose rows are the first of seed 0
    for column in COLUMNS[1:]:
        np.testing.assert_allclose(made[column], shipped[column][:5], rtol=1e-6, atol=1e-6)
    area = np.abs(made["meridional_translation_imag"]) * made["longitudinal_translation"]
    np.testing.assert_allclose(2 * made["cusp_volume"], area, rtol=1e-9)
    assert (made["cusp_volume"] < made["volume"]).all()
    # the signature is about minus half of the natural slope, not of that of the mirror images
    assert np.abs(made["signature"] + 0.5 * natural_slope(made)).max() < 4.0
    with pytest.raises(ValueError, match="n_knots"):
        make_knots(tmp_path / "knots.csv", 60_000)
