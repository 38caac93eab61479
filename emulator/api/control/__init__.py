"""The operations of the control API, shared by HTTP and the Python client."""
