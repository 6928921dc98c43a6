"""The file door: readings from CSV and Parquet files. Layers are read by `scicity.space`."""
