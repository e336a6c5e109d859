"""The rehearsal cloud: an AWS on loopback, of moto, a real registry and real containers."""
