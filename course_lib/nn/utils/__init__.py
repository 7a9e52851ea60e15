"""torch.nn.utils: what is done to parameters and modules from outside."""
