"""The cockpit: shell, map, charts and the leader's screen. It finds the domains' pages and is imported by no domain."""
