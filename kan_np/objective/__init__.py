"""Objectives: losses, penalties and priors of models, with their derivatives by the parameters."""
