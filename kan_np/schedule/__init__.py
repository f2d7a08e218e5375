"""Many fits: grids in turn, many starts, the choice of a shape, and advice on what came out."""
