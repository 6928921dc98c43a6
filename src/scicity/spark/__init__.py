"""Apache Spark beside DuckDB: the same tables, computed by a cluster over the same lake. Needs the extra `scicity[spark]`."""
