# quarantine
