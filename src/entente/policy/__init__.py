"""Who may see or do what, and why: agreements, circles, approvals, owners of objects and the release of items."""
