"""What optimizers minimise: losses with their penalties and priors, and derivatives by the parameters."""
