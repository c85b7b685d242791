"""The configuration of both clients. Cognito waits 5 s for a trigger."""

from botocore.config import Config

CONFIG = Config(connect_timeout=1, read_timeout=1.5, retries={"mode": "standard"})
