"""What several targets need alike: the services of AWS that stand around whatever serves."""
