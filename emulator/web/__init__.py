"""HTTP: the Flask application, the WSGI fast path, the control API, the inspector and the server."""
