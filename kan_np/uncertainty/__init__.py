"""Error bars of predictions: how far they may be off, by one of four methods.

- "laplace" needs the rows of the fit. It assumes normally distributed noise of one size, that the model can
  represent the truth, and that near the fitted parameters it is linear in them.
- "conformal" needs rows that were not used in the fit (`val_input`, `val_label`). It assumes only that new
  rows are drawn as those were: then intervals hold as often as they say, for any model.
- "jackknife+" needs the rows of the fit, and time for some ten more fits. It assumes the same as "conformal";
  it is for small tables with no rows to spare.
- "ensemble" needs the rows of the fit, and time for some more fits. It assumes that fits from other starts
  disagree where the model is wrong, and noise of one size.

All of them widen outside the training range, see `kan_np.uncertainty.outside`. `calibration` makes them,
`prediction` uses them, `scores` judges them.
"""
