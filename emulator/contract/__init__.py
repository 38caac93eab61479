"""The checks of the contract, over HTTP alone."""
