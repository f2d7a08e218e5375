"""Statistics of a sweep for its report: medians over seeds, Pareto fronts, comparisons, intervals."""
