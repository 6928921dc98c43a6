"""Methods of dual control: forecasts of load, burn-down of budgets, warnings, allocation."""
