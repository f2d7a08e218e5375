"""Short, safe symbols for the columns of a table, the variables of a formula, and the legend to them.

Column names have units, blanks, LaTeX and Greek letters, and may be called as constants are. In a formula
"t / h" would read as a division. The symbol of a column is a word: what is left of its name without the unit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from html.entities import name2codepoint

from kan_np._units import UNITS
from kan_np.functions.names import is_word

#: Longer names are cut: a formula should be read.
_LONGEST = 24
_BRACKETS = re.compile(r"(.*\S)\s*(?:\([^()]*\)|\[[^\[\]]*\])")
_PER = re.compile(r"(.*\S)\s+/\s*\S.*|(.*\S)\s*/\s+\S.*")
_NO_BLANK = re.compile(r"([^/]*[^/\s])[/,]\s*([^/,]+)")
_MACRO = re.compile(r"\\(?:ce|mathrm|mathit|mathbf|text|textrm|operatorname)\s*\{([^{}]*)\}")
_GREEK = {
    chr(name2codepoint[name]): name
    for name in (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda"),
        *("mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
        *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"),
    )
}
_WITH_GREEK = re.compile(f"([{''.join(_GREEK)}])(?=([^\\W\\d_])?)")
_NO_NAME = "x"


def column_symbols(names: Sequence[str]) -> dict[str, str]:
    """Return a symbol for every column, all of them different words that mean nothing else.

    Units behind a slash, in brackets or behind a comma are left out. Names of functions and constants, and
    words of Python, get an underscore behind, and names that would be alike get numbers.

    Examples
    --------
    >>> column_symbols(["t / h", "T / °C", "yield (%)", "pi", r"$\\ce{CO2}$", "α", "solvent=THF"])
    {'t / h': 't', 'T / °C': 'T', 'yield (%)': 'yield_', 'pi': 'pi_', '$\\\\ce{CO2}$': 'CO2', 'α': 'alpha', \
'solvent=THF': 'solvent_THF'}
    >>> column_symbols(["T / K", "T / °C", "L/D", "50 %", "T_1"])
    {'T / K': 'T_2', 'T / °C': 'T_3', 'L/D': 'L_D', '50 %': 'x_50', 'T_1': 'T_1'}
    """
    wanted = {name: _symbol(name) for name in names}
    counts: dict[str, int] = {}
    for symbol in wanted.values():
        counts[symbol] = counts.get(symbol, 0) + 1
    taken = {symbol for name, symbol in wanted.items() if counts[symbol] == 1 or name == symbol}
    numbers = dict.fromkeys(counts, 0)
    found = {}
    for name, symbol in wanted.items():
        if counts[symbol] == 1 or name == symbol:
            found[name] = symbol
            continue
        while True:
            numbers[symbol] += 1
            numbered = f"{symbol.rstrip('_')}_{numbers[symbol]}"
            if numbered not in taken:
                break
        taken.add(numbered)
        found[name] = numbered
    return found


def legend_of(symbols: Mapping[str, str]) -> dict[str, str]:
    """Return the symbols that are not the names of their columns, each with its column.

    Examples
    --------
    >>> legend_of(column_symbols(["t / h", "pressure"]))
    {'t': 't / h'}
    """
    return {symbol: name for name, symbol in symbols.items() if symbol != name}


def _symbol(name: str) -> str:
    if is_word(name) and not _GREEK.keys() & set(name):
        return name
    text = _without_unit(_plain(name))
    # Blanks and signs become one underscore each; two of them would separate words in other programs.
    word = re.sub(r"_+", "_", re.sub(r"\W", "_", text)).strip("_")
    if len(word) > _LONGEST:
        word = word[:_LONGEST].rsplit("_", 1)[0] if "_" in word[:_LONGEST] else word[:_LONGEST]
    if not word or not word[0].isalpha():
        word = f"{_NO_NAME}_{word}".rstrip("_")
    if not is_word(word):
        word = f"{word}_"
    return word if is_word(word) else _NO_NAME


def _plain(name: str) -> str:
    """Return a name without LaTeX, Greek letters as words, and other letters in their usual form."""
    text, before = name.replace("$", " "), ""
    while text != before:
        before, text = text, _MACRO.sub(r"\1", text)
    text = re.sub(r"\\([A-Za-z]+)", r"\1 ", text).replace("{", "").replace("}", "").strip()
    return _WITH_GREEK.sub(_greek, unicodedata.normalize("NFKC", text)).strip()


def _greek(found: re.Match[str]) -> str:
    """A Greek letter as a word, apart from letters behind it."""
    return _GREEK[found[1]] + ("_" if found[2] else "")


def _without_unit(text: str) -> str:
    for pattern in (_BRACKETS, _PER):
        found = pattern.fullmatch(text)
        if found is not None:
            text = next(part for part in found.groups() if part is not None)
    found = _NO_BLANK.fullmatch(text)
    if found is not None and found[2].strip() in UNITS:
        text = found[1]
    return text
