"""The map page: its layers, figures on them, features, what lies along a line, what hangs together, selections, sheets on paper."""
