"""`kan-sweep auto`: the smallest good model of a table, within a budget of time."""
