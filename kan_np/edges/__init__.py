"""What an edge can be: B-splines on grids of knots, and named functions."""
