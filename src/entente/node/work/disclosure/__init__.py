"""Public disclosure and dossiers."""
