"""From scenarios and recorded responses to worlds: loading, replay, export, import and anonymization."""
