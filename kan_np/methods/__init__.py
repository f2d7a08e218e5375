"""Methods of `kan_np.KAN` by subject: functions whose first argument is the model.

They check what users hand over, call operations of `kan_np.surgery` on the network of the model, and take
over the network that these return, or put it into a copy. `KAN` has them as attributes, which makes them
methods.
"""
