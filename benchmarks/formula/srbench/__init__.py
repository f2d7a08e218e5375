"""The ground-truth track of SRBench in seconds: are 134 known formulas found from 1000 rows?

    python -m benchmarks.formula srbench --check
    python -m benchmarks.formula srbench --noise 0 --data-seeds 0 --only I.6.2,lv1 --methods discover
    python -m benchmarks.formula srbench --part 1/3 --jobs 2 --results runs/part1.jsonl

**Problems** (`equations.csv`): the 100 + 20 equations of AI Feynman with the ranges of their variables
(FeynmanEquations.csv and BonusEquations.csv, as KenWuqianghao/Transformer-SR-Benchmarks 7a58893 has them),
and the 14 right-hand sides of the Strogatz systems in PMLB, in the boxes of its trajectories (least and
largest values in the files of lacava/ode-strogatz 9e24b3a, rounded outwards; of shearflow the side of the
pole at y = 0 on which most rows are). 1000 rows are drawn uniformly, again where the formula is not real;
methods know neither units nor names. Noise is SRBench's, normal with a standard deviation of level times
the RMS of the labels. 30 seconds of processor time a search, one thread.

**What the search knows beforehand**: some general forms, because they are frequent in physics. They are the
Lorentz factor 1/sqrt(1 - u^2) of a product u, and the functions of Bose and Fermi, 1/(exp u - 1) and
1/(exp u + 1), with the transforms of labels that undo them, log(1 + 1/y) and log(1/y - 1). Several of the
problems have these forms: they are no independent test of the search, and say less of formulas of other
fields.

**Verdicts**, on 1000 fresh rows without noise; errors are RMSE in units of the spread of the labels, of the
model where edges stayed splines.

exact
    A formula, no edge of which is a spline, with an error below 1e-6 that does not come from flexibility: it
    is rounding (1e-12), or the formula holds outside, too: on rows of ranges that go on for half a width on
    both sides, as far as their signs do not change, at most one in a hundred is off by 1e-3.
solution
    SRBench's: the difference to the truth, or the ratio with it, is constant. Decimal numbers of the
    formula, with a number added to it or multiplied with it, are fitted to fresh rows without noise, from
    the values that were found. It is a solution if the error then is below 1e-7, each decimal number
    matters and did not move by more than a factor of two (so that neither a superfluous term may vanish,
    nor a flexible function become another one in a limit), and it is not longer than three times the
    truth, or ten operations. Integers, fractions and multiples of pi stay: taking a number for another one
    is a mistake.
right constants
    A solution that needs neither of the two further numbers and, as it was found, is no further from the
    truth than three standard errors of its numbers: 3 sigma sqrt(p / n) with p decimal numbers and n
    rows.
solved
    exact at noise 0, a solution with noise.
wrongly called exact
    `Candidate.exact`, and the formula is not the truth: its error is above 1e-8, or it is above rounding and
    more than one in a hundred of the rows outside is off by 1e-6.

What was missed is called *constants* (a solution, but not within 1e-6), *edges* (splines of a shape came
below 1e-4, and their symbols were not found), *time* (none did before the time was over) or *shape*.

**Peers**, with the same rows and processor time, and their decimal numbers fitted to the training rows in
double precision after that: Operon (pyoperon, SRBench's tuned settings with the larger of its sets of
symbols) on every second problem; RILS-ROLS (SRBench's settings) and gplearn (SRBench's tuned settings) on
every fourth. Operon and RILS-ROLS count seconds of the wall clock: where others had the processor they
begin again with more. RILS-ROLS is built when it is installed, which needs a C++ compiler; a peer that
cannot be had is said to be missing.

Every result is a line of `--results` as soon as it is there, and is not computed again for the same code of
kan_np, version of a peer and settings.
"""
