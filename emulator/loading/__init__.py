"""From scenarios and recorded responses to worlds: loading, replay, import and anonymization."""
