"""The map page: layers, figures on them, features, what lies along a line, what hangs together, selections, sheets."""
