"""What may stand above the names: comments, titles, the line that says the delimiter; and wide headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kan_np import load_csv

ROWS = "".join(f"{i},{i % 7},{i * i}\n" for i in range(30))


def everything(path: Path, **options: object) -> tuple[list[str], np.ndarray]:
    dataset = load_csv(path, "y", standardize=False, **options)  # type: ignore[arg-type]
    parts = [np.hstack([dataset[f"{p}_input"], dataset[f"{p}_label"]]) for p in ("train", "val", "test")]
    table = np.vstack(parts)
    return dataset["feature_names"], table[np.argsort(table[:, 0])]


@pytest.mark.parametrize(
    "above",
    [
        "# a,b,y\n",
        "#a,b,y\n",
        "# made by lab\n# a, b, y\n",
        "# made by lab\n\na,b,y\n",
        "# made by lab, on Monday, late\na,b,y\n",
        '# he said "5 mm\n#\na,b,y\n',
        "sep=,\na,b,y\n",
        '"sep=,"\na,b,y\n',
        "sep=,\n# made by lab\nMy experiment\na,b,y\n",
        "My experiment\n\na,b,y\n",
        "My experiment,,\nthe second one,,\na,b,y\n",
        "\ufeff# a,b,y\n",
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_lines_above_the_names_are_left_out(tmp_path: Path, above: str, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text((above + ROWS).replace(",", delimiter), encoding="utf-8")
    names, table = everything(path)
    assert names == ["a", "b"]
    np.testing.assert_array_equal(table, [[i, i % 7, i * i] for i in range(30)])


def test_what_numpy_writes_is_read(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((40, 3))
    for delimiter in (",", ";", "\t"):
        np.savetxt(tmp_path / "t.csv", x, delimiter=delimiter, header=delimiter.join("aby"))
        names, table = everything(tmp_path / "t.csv")
        assert names == ["a", "b"]
        np.testing.assert_array_equal(table, x[np.argsort(x[:, 0])])


@pytest.mark.parametrize("form", ["%.18e", "%28.18f"])
@pytest.mark.parametrize("comments", ["# ", "#", ""])
@pytest.mark.parametrize("options", [{}, {"delimiter": " "}])
def test_blanks_separate_cells(tmp_path: Path, form: str, comments: str, options: dict) -> None:
    x = np.random.default_rng(0).random((40, 3))
    np.savetxt(tmp_path / "t.csv", x, form, header="a   b y", comments=comments)
    names, table = everything(tmp_path / "t.csv", **options)
    assert names == ["a", "b"]
    np.testing.assert_allclose(table, x[np.argsort(x[:, 0])], atol=1e-17)
    path = tmp_path / "t.csv"
    lines = path.read_text().splitlines()
    lines[2] = "0.5 oops 0.5"
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="row 3, column 'b'"):
        load_csv(path, "y", **options)


def test_a_single_column_with_blanks_in_its_name_is_one(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("length of beam\n" + "".join(f"{i}\n" for i in range(9)))
    assert load_csv(tmp_path / "t.csv", None)["feature_names"] == ["length of beam"]


def test_a_delimiter_may_be_said_in_the_first_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sep=|\na|b|y\n" + ROWS.replace(",", "|"))
    assert everything(tmp_path / "t.csv")[0] == ["a", "b"]


def test_the_names_that_are_asked_for_tell_a_header_from_a_comment(tmp_path: Path) -> None:
    rows = "".join(f"{('red', 'blue')[i % 2]},{('old', 'new', 'used')[i % 3]},{i}\n" for i in range(30))
    (tmp_path / "t.csv").write_text("# colour,kind,y\n" + rows.replace(",", ",x", 1))
    assert load_csv(tmp_path / "t.csv", "y", features=["kind"], classes="one-hot")["classes"].keys() == {
        "kind"
    }
    # Names that are numbers, below a comment with as many commas.
    spectrum = "".join(f"{i},{i % 7},{i * i}\n" for i in range(30))
    (tmp_path / "s.csv").write_text("# lamp, slit, grating\n400,500,y\n" + spectrum)
    assert load_csv(tmp_path / "s.csv", "y")["feature_names"] == ["400", "500"]


def test_the_name_as_it_is_written_is_known_too(tmp_path: Path) -> None:
    """Runs of earlier versions have it among their features."""
    (tmp_path / "t.csv").write_text("# a,b,y\n" + ROWS)
    assert everything(tmp_path / "t.csv", features=["# a", "b"])[0] == ["a", "b"]
    (tmp_path / "t.csv").write_text("#,b,y\n" + ROWS.replace("29,", "28,"))
    assert everything(tmp_path / "t.csv")[0] == ["#", "b"]


@pytest.mark.parametrize("features", [None, ["a"]])
def test_rows_are_counted_from_the_beginning_of_the_file(tmp_path: Path, features: list[str] | None) -> None:
    path = tmp_path / "t.csv"
    path.write_text("# made by lab\nMy experiment\n\na,b,y\n" + ROWS.replace("\n5,", "\noops,"))
    with pytest.raises(ValueError, match="row 10, column 'a'"):
        load_csv(path, "y", features=features)


def test_comments_among_the_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n" + ROWS.replace("\n5,", "\n# 5,"))
    with pytest.raises(
        ValueError, match=r"row 7, column 'a' .* The row begins with '#': only comments above"
    ):
        load_csv(path, "y")
    path.write_text("a,b,y\n" + ROWS.replace("\n5,", "\n# the second day\n5,"))
    with pytest.raises(ValueError, match=r"row 7 has 1 fields; expected 3.* The row begins with '#'"):
        load_csv(path, "y")


def test_a_row_of_units_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,y\nmm,-,N\n" + ROWS.replace(",0\n", ",0.5\n"))
    with pytest.raises(ValueError, match=r"row 2, column 'a' .*'mm'; .* if this one holds units, delete it"):
        load_csv(tmp_path / "t.csv", "y", features=["a"])


@pytest.mark.slow
def test_the_time_for_a_header_grows_as_its_columns(tmp_path: Path) -> None:
    """It grew as their square: 10,000 columns took 17 s, and these would have taken half an hour."""
    n = 100_000
    path = tmp_path / "wide.csv"
    cells = np.random.default_rng(0).integers(0, 1000, (8, n + 1))
    with path.open("w") as handle:
        handle.write(",".join(f"c{j}" for j in range(n)) + ",y\n")
        handle.writelines(",".join(map(str, row)) + "\n" for row in cells)
    dataset = load_csv(path, "y", features=[f"c{j}" for j in range(0, n, 2)], standardize=False)
    assert dataset["train_input"].shape[1] == n // 2
    with pytest.raises(
        ValueError, match=r"expected one of the 100001 columns 'c0', .*Did you mean"
    ) as caught:
        load_csv(path, "c99_9")
    assert len(str(caught.value)) < 1000
    with path.open("r+") as handle:
        handle.write("c1,c1")
    with pytest.raises(ValueError, match=r"'c1' appears 2 times in the header \(columns 1, 2\)"):
        load_csv(path, "y")
