"""The cockpit's own pages; the domains bring theirs."""
