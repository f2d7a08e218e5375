"""Operations on trained networks: pruning, symbols, ties, frozen parameters, and what edges are worth.

Each is a function of a `kan_np.network.network.Network` and plain arrays, and returns scores or a new
network; the one that it is given stays as it is. The methods of `kan_np.KAN` with these names read what users
hand over, such as tables with named columns, and take over the new network.
"""
