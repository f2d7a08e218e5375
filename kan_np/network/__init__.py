"""Networks: layers of edges over one vector of parameters, and what can be computed from them."""
