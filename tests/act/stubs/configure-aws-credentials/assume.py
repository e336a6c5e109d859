"""Assumes $ROLE with the keys of the rehearsal's laptop, and writes what the real action would write."""

from __future__ import annotations

import os
from pathlib import Path

import boto3

env = os.environ
assert env["ROLE"].split(":")[4] == env["ACCOUNT"], "the role is not in the allowed account"
sts = boto3.client(
    "sts",
    region_name=env["REGION"],
    aws_access_key_id=env["ACT_KEY"],
    aws_secret_access_key=env["ACT_SECRET"],
)
keys = sts.assume_role(RoleArn=env["ROLE"], RoleSessionName=env["SESSION"])["Credentials"]
told = {
    "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
    "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
    "AWS_SESSION_TOKEN": keys["SessionToken"],
    "AWS_REGION": env["REGION"],
    "AWS_DEFAULT_REGION": env["REGION"],
}
with Path(env["GITHUB_ENV"]).open("a", encoding="utf-8") as file:
    file.writelines(f"{name}={value}\n" for name, value in told.items())
with Path(env["ACT_ROLES"]).open("a", encoding="utf-8") as file:
    file.write(f"{env['GITHUB_JOB']} {env['ROLE']}\n")
