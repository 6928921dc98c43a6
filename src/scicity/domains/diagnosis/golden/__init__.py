"""Known answers of diagnosis: baselines and savings, quotas, peers, anomalies, measures."""
