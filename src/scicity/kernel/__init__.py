"""The data platform: sources, tables, the lake, computing and lineage. It knows no domain."""
