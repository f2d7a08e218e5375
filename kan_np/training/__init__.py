"""One fit: the estimator, its training loop, few samples, and what is said of a fit afterwards."""
