"""modelway takes a machine-learning model from one YAML file to production on AWS."""

__version__ = "0.1.0"
