"""How an image is put together: its config, its files' permissions, its Dockerfile."""
