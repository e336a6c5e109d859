"""The world outside: the only importers of boto3, docker, subprocess, urllib, os.environ and time."""
