"""Measurements. Every script that carries a bar takes --check and exits 1 when the bar is missed."""
