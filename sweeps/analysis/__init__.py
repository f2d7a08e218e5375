"""From the rows of a store to what a report shows: medians over seeds, fronts, comparisons, intervals."""
