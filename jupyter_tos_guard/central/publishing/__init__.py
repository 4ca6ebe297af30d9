"""How a policy gets out: keys, the signed repository, replay of what a version would have done."""
