"""HTTP: the WSGI application, the emulated API and the control API."""
