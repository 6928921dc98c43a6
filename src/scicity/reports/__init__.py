"""Monthly and yearly reports of energy and carbon (PDF, Excel), and the form of building energy data (CSV, XML)."""
