"""The command line: what people and scripts type becomes calls on a node, and its answers become text or JSON."""
