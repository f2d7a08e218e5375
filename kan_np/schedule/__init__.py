"""Training schedules: finer and finer grids, several starts, choice of the network's width, advice."""
