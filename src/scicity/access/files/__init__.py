"""The file door: readings from CSV and Parquet files, layers from GeoJSON."""
