"""Derivatives of networks by their inputs, of first to third order, and what these depend on."""
